"""Problems on draws from the encoder: the importance-weighted bound, the gradient through one draw."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.solution import halves


class IWAE(Problem):
    id = "P-VAE-IWAE"
    title = "An importance-weighted bound from two samples"
    lecture, objective = "10-vae", "O-10-3"
    unit = "nats"
    rel, abs = 0.0, 0.011
    hint = (
        r"First the two log-weights $\log w_k=\log p(x\mid z_k)+\log p(z_k)-\log q(z_k\mid x)$. Then take "
        r"the larger one out of the logarithm of the mean, so that no exponential underflows."
    )

    def draw(self, rng: Random) -> Numbers:
        first = -rng.randint(400, 950) / 10
        second = first + rng.choice([-3, -2, -1.5, -1, 1, 1.5, 2, 3])
        p1, p2, q1, q2 = (-rng.randint(low, low + 25) / 10 for low in (25, 25, 5, 5))
        lik = (round(first - p1 + q1, 1), round(second - p2 + q2, 1))
        return Numbers(w1=first, w2=second, x1=lik[0], x2=lik[1], p1=p1, p2=p2, q1=q1, q2=q2)

    @staticmethod
    def log_mean(first: float, second: float) -> float:
        """Logarithm of the mean of two weights given by their logarithms."""
        import torch

        return torch.logsumexp(torch.tensor([first, second], dtype=torch.float64), 0).item() - math.log(2)

    def answer(self, n: Numbers) -> float:
        return self.log_mean(n.x1 + n.p1 - n.q1, n.x2 + n.p2 - n.q2)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        return [
            (
                (n.w1 + n.w2) / 2,
                r"You averaged the logarithms: that is the two-sample estimate of the ELBO. Here "
                r"the weights are averaged first, and the logarithm is taken after.",
            ),
            (self.answer(n) + math.log(2), r"You summed the weights and did not divide by $K=2$."),
            (
                max(n.w1, n.w2),
                fill(
                    r"That is the larger log-weight alone. The smaller weight, <percent:0> % of the larger, "
                    r"belongs in the sum, and the mean divides by 2.",
                    percent=100 * math.exp(-abs(n.w1 - n.w2)),
                ),
            ),
            (
                self.log_mean(n.x1 + n.p1 + n.q1, n.x2 + n.p2 + n.q2),
                r"$q(z\mid x)$ stands in the denominator of "
                r"the weight: its logarithm is subtracted.",
            ),
            (
                self.log_mean(n.x1 + n.p1, n.x2 + n.p2),
                r"You left out $q(z\mid x)$ and averaged the joint densities. The codes were drawn from "
                r"$q$, so each weight is divided by it: its logarithm is subtracted.",
            ),
            (
                self.log_mean(n.x1, n.x2),
                r"You averaged the likelihoods. The samples come from $q$, not from the "
                r"prior, so each needs the factor $p(z)/q(z\mid x)$.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            For one image $x$ two codes were drawn from the encoder, $z_1,z_2\sim q(z\mid x)$. Their
            log-densities, in nats:

            | draw | $\log p(x\mid z_k)$ | $\log p(z_k)$ | $\log q(z_k\mid x)$ |
            |---|---|---|---|
            | $z_1$ | $<x1>$ | $<p1>$ | $<q1>$ |
            | $z_2$ | $<x2>$ | $<p2>$ | $<q2>$ |

            Compute the estimate of the importance-weighted bound $\mathcal L_2$ that these two samples
            give, in nats, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        high, low = max(n.w1, n.w2), min(n.w1, n.w2)
        return fill(
            r"""
            **Assumptions.** The two codes are independent draws from $q(z\mid x)$, and $q$ is positive
            wherever the joint density is. The bound is $\mathcal L_2=\mathbb E\log\frac12(w_1+w_2)$;
            one pair of draws estimates it without bias by $\log\frac12(w_1+w_2)$.

            **Log-weights**, $w_k=p(x\mid z_k)\,p(z_k)/q(z_k\mid x)$:

            $$\log w_1=<x1>+<(p1)>-<(q1)>=<w1>,$$

            $$\log w_2=<x2>+<(p2)>-<(q2)>=<w2>.$$

            **Logarithm of the mean**, the larger weight taken out:

            $$\log\tfrac12(w_1+w_2)=<high>+\log\frac{1+e^{<gap>}}2,\qquad
            \log\frac{1+e^{<gap>}}2=<l>.$$

            **Answer.** $\log\tfrac12(w_1+w_2)\approx <high>+<(l)>\approx <a:2>$ nats.

            **Does it make sense?** By Jensen's inequality it lies above the mean of the log-weights,
            $<mean>$ (the two-sample estimate of the ELBO), and a mean of weights cannot exceed the
            largest, so it lies below $<high>$. Both hold.
            """,
            n,
            high=high,
            gap=low - high,
            l=self.answer(n) - high,
            a=self.answer(n),
            mean=(n.w1 + n.w2) / 2,
        )


class Reparam(Problem):
    id = "P-VAE-REPARAM"
    title = "The gradient that reaches the log-variance"
    lecture, objective = "10-vae", "O-10-5"
    hint = (
        r"$\sigma=e^{\ell/2}$. Use the chain rule from $\ell$ to $\sigma$ to $z$ to $L$, with "
        r"$\varepsilon$ fixed."
    )

    def draw(self, rng: Random) -> Numbers:
        mu, eps = rng.choice(halves(-2, 2)), rng.choice(halves(-2, 2))
        sd, a, x = rng.choice([0.5, 2.0, 3.0]), rng.choice([3, 4, 5]), rng.choice([-3, -2, -1, 1, 2, 3])
        return Numbers(mu=mu, eps=eps, sd=sd, a=a, x=x, var=sd**2, z=mu + sd * eps)

    @staticmethod
    def slope(n: Numbers, z: float) -> float:
        """dL/dz of L = (x - a z)^2."""
        return -2 * n.a * (n.x - n.a * z)

    def answer(self, n: Numbers) -> float:
        return self.slope(n, n.z) * n.sd * n.eps / 2

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        g = self.slope(n, n.z)
        return [
            (
                self.slope(n, n.mu + n.var * n.eps) * n.var * n.eps,
                r"You took $e^{\ell}$ for $\sigma$. "
                r"It is the variance; $\sigma=e^{\ell/2}$.",
            ),
            (g * n.sd * n.eps, r"You forgot the one half: $\partial\sigma/\partial\ell=\sigma/2$."),
            (
                g * n.eps,
                r"That is the derivative with respect to $\sigma$; the encoder's output is "
                r"$\ell=\log\sigma^2$.",
            ),
            (g, r"That is $\partial L/\partial\mu$."),
            (
                -g * n.sd * n.eps / 2,
                r"The sign is wrong: the derivative of $x-az$ with respect to $z$ is $-a$.",
            ),
            (
                -g / n.a * n.sd * n.eps / 2,
                r"You forgot the inner derivative: $2(x-az)$ still has to be multiplied by $-a$, the "
                r"derivative of $x-az$ with respect to $z$.",
            ),
            (g / n.a * n.sd * n.eps / 2, r"The derivative of $x-az$ with respect to $z$ is $-a$, not $-1$."),
            (
                g * n.sd * n.eps / 4,
                r"You forgot the 2 of the square: its derivative is $2(x-az)$ times $-a$.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            An encoder returns for one latent the mean $\mu=<mu>$ and the log-variance
            $\ell=\log\sigma^2=\log<var>$. The noise drawn for this step is $\varepsilon=<eps>$, and the
            code is $z=\mu+\sigma\varepsilon$. The reconstruction loss is $L=(x-az)^2$ with $x=<x>$ and
            $a=<a>$.

            Compute $\partial L/\partial\ell$ for this draw, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        up, below = n.eps > 0, n.a * n.z < n.x
        return fill(
            r"""
            **Assumption.** The noise $\varepsilon$ does not depend on the encoder: it is held fixed,
            and $z$ is a differentiable function of $\mu$ and $\ell$. (The KL term is not part of $L$.)

            **Forward.** $\sigma=e^{\ell/2}=\sqrt{<var>}=<sd>$, and $z=<mu>+<sd>\cdot<(eps)>=<z>$.

            **Backward.** The chain rule has three factors:

            $$\frac{\partial L}{\partial z}=-2a(x-az)=-2\cdot<a>\cdot\big(<x>-<a>\cdot<(z)>\big)=<g>,$$

            $$\frac{\partial z}{\partial\sigma}=\varepsilon=<eps>,\qquad
            \frac{\partial\sigma}{\partial\ell}=\tfrac12e^{\ell/2}=\tfrac12\sigma=<half>.$$

            **Answer.** $\partial L/\partial\ell=<(g)>\cdot<(eps)>\cdot<half>=<d:2>$ (loss per unit of
            log-variance).

            **Does it make sense?** A larger $\ell$ means a larger $\sigma$. As $\varepsilon$ is <side>,
            this moves $z$ <way>, and $az$ with it, as $a>0$. Now $az=<(a)>\cdot<(z)>=<az>$ lies <where>
            $x=<x>$, so moving <way> takes it <change>: the loss <goes>. The derivative has to be <sign>,
            and it is.
            """,
            n,
            g=self.slope(n, n.z),
            half=n.sd / 2,
            d=self.answer(n),
            az=n.a * n.z,
            side="positive" if up else "negative",
            way="up" if up else "down",
            where="below" if below else "above",
            change="closer to $x$" if up == below else "further away from $x$",
            goes="falls" if up == below else "rises",
            sign="negative" if up == below else "positive",
        )


PROBLEMS = (IWAE(), Reparam())
