"""Problems on the variational autoencoder's bound: KL, ELBO, importance weights, gradient."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill


def halves(low: float, high: float) -> list[float]:
    """low, low + 0.5, ..., high, without 0."""
    return [k / 2 for k in range(round(2 * low), round(2 * high) + 1) if k]


class KL(Problem):
    id = "P-VAE-KL"
    title = "KL divergence of a code to the prior"
    lecture, objective = "10-vae", "O-10-4"
    unit = "nats"
    hint = r"Both Gaussians factorise over the dimensions: compute the divergence of each dimension and add."

    def draw(self, rng: Random) -> Numbers:
        m1, m2 = rng.choice(halves(-2, 2)), rng.choice(halves(-2, 2))
        s1, s2 = rng.sample([0.2, 0.25, 0.5, 2.0, 3.0], 2)
        return Numbers(m1=m1, m2=m2, s1=s1, s2=s2, v1=s1**2, v2=s2**2)

    def answer(self, n: Numbers) -> float:
        import torch

        from gm_utils.information import diagonal_gaussian_kl

        log_var = torch.tensor([n.v1, n.v2], dtype=torch.float64).log()
        return diagonal_gaussian_kl([n.m1, n.m2], log_var).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        kl = self.answer(n)
        squares, spread, logs = n.m1**2 + n.m2**2, n.v1 + n.v2, math.log(n.v1 * n.v2)
        std = (squares + n.s1 + n.s2 - math.log(n.s1 * n.s2) - 2) / 2
        return [
            (2 * kl, r"You forgot the factor one half."),
            (std, r"You took the standard deviation $\sigma_j$ for the variance $\sigma_j^2$."),
            (kl / math.log(2), r"That is in bits; nats are asked for: use the natural logarithm."),
            (kl + 1, r"You forgot the $-1$ that each dimension has."),
            (kl / 2, r"You averaged over the two dimensions; independent dimensions add."),
            ((squares + spread + logs - 2) / 2, r"The logarithm has the other sign: $-\log\sigma_j^2$."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            For one image an encoder returns a diagonal Gaussian $q(z\mid x)$ over two latents, with mean
            $\mu=(<m1>,\,<m2>)$ and **standard deviations** $\sigma=(<s1>,\,<s2>)$. The prior is
            $p(z)=\mathcal N(0,I)$.

            Compute $D_{\mathrm{KL}}\big(q(z\mid x)\,\Vert\,p(z)\big)$ in nats, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        k1 = (n.m1**2 + n.v1 - math.log(n.v1) - 1) / 2
        k2 = (n.m2**2 + n.v2 - math.log(n.v2) - 1) / 2
        return fill(
            r"""
            **Assumptions.** $q$ has a diagonal covariance and the prior is standard normal, so that
            under both the dimensions are independent: the divergence is the sum of the dimensions'
            divergences.

            **One dimension.** For $q=\mathcal N(\mu,\sigma^2)$ and $p=\mathcal N(0,1)$ the constants
            $\tfrac12\log2\pi$ cancel:

            $$D=\mathbb E_q\Big[-\tfrac12\log\sigma^2-\frac{(z-\mu)^2}{2\sigma^2}+\frac{z^2}2\Big].$$

            With $\mathbb E_q(z-\mu)^2=\sigma^2$ and $\mathbb E_q\,z^2=\mu^2+\sigma^2$ this is

            $$D=\tfrac12\big(\mu^2+\sigma^2-\log\sigma^2-1\big).$$

            **Numbers.** The variances are $\sigma_1^2=<v1>$ and $\sigma_2^2=<v2>$, hence

            $$D_1=\tfrac12\big(<q1>+<v1>-<(l1)>-1\big)=<k1>,$$

            $$D_2=\tfrac12\big(<q2>+<v2>-<(l2)>-1\big)=<k2>.$$

            **Answer.** $D_{\mathrm{KL}}=<k1>+<k2>=<kl>$ nats.

            **Does it make sense?** Each part is positive, as it must be: it would be 0 only for
            $\mu_j=0$ and $\sigma_j=1$.
            """,
            n,
            q1=n.m1**2,
            q2=n.m2**2,
            l1=math.log(n.v1),
            l2=math.log(n.v2),
            k1=k1,
            k2=k2,
            kl=self.answer(n),
        )


class ELBO(Problem):
    id = "P-VAE-ELBO"
    title = "The ELBO of a linear-Gaussian model"
    lecture, objective = "10-vae", "O-10-6"
    unit = "nats"
    rel = 0.005
    hint = r"In the reconstruction term, $\mathbb E_q(x-wz)^2$ is a squared mean plus a variance."

    def draw(self, rng: Random) -> Numbers:
        w, m = rng.choice([0.5, 2, 3]), rng.choice(halves(-1.5, 1.5))
        s2, v = rng.choice([0.5, 1.0, 2.0]), rng.choice([0.1, 0.2, 0.25, 0.4, 0.5])
        return Numbers(w=w, m=m, s2=s2, v=v, x=w * m + rng.choice(halves(-2, 2)))

    @staticmethod
    def evidence(n: Numbers) -> float:
        """log p(x) in nats."""
        total = n.w**2 + n.s2
        return -math.log(2 * math.pi * total) / 2 - n.x**2 / (2 * total)

    @staticmethod
    def fit(n: Numbers) -> float:
        """E_q[log p(x | z)] in nats."""
        return -math.log(2 * math.pi * n.s2) / 2 - ((n.x - n.w * n.m) ** 2 + n.w**2 * n.v) / (2 * n.s2)

    @staticmethod
    def kl(mean: float, var: float) -> float:
        """D(N(mean, var) || N(0, 1)) in nats."""
        from gm_utils.information import diagonal_gaussian_kl

        return diagonal_gaussian_kl([mean], [math.log(var)]).item()

    def answer(self, n: Numbers) -> float:
        return self.fit(n) - self.kl(n.m, n.v)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        elbo = self.answer(n)
        squared = Numbers(**{**vars(n), "v": n.v**2})
        return [
            (self.fit(n) + self.kl(n.m, n.v), r"The KL term is subtracted in the ELBO; you added it."),
            (
                elbo + n.w**2 * n.v / (2 * n.s2),
                r"You put the mean of $q$ into the decoder. The expectation over "
                r"$z$ also has the part $w^2v/(2\sigma_x^2)$, from the spread of $q$.",
            ),
            (
                elbo + math.log(2 * math.pi * n.s2) / 2,
                r"You left out the constant $-\tfrac12\log(2\pi\sigma_x^2)$ of the likelihood.",
            ),
            (-elbo, r"That is the negative ELBO, the loss."),
            (self.evidence(n), r"That is $\log p(x)$ itself, which the ELBO bounds from below."),
            (self.answer(squared), r"You squared the variance of $q$, as if it were a standard deviation."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A model has one latent $z\sim\mathcal N(0,1)$ and one observed value $x\mid z\sim\mathcal
            N(wz,\,\sigma_x^2)$ with $w=<w>$ and **variance** $\sigma_x^2=<s2>$. For the observation
            $x=<x>$ the encoder returns $q(z\mid x)=\mathcal N(m,\,v)$ with mean $m=<m>$ and
            **variance** $v=<v>$.

            Compute the ELBO of this $x$ in nats, constants included, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        r = n.x - n.w * n.m
        return fill(
            r"""
            **Definition.** $\mathcal L=\mathbb E_q[\log p(x\mid z)]-D_{\mathrm{KL}}\big(q(z\mid x)\Vert
            p(z)\big)$. All three densities are Gaussian, so both terms have closed forms.

            **Reconstruction term.** Under $q$ the residual $x-wz$ has mean $x-wm=<r>$ and variance
            $w^2v=<wv>$, hence $\mathbb E_q(x-wz)^2=<(r)>^2+<wv>=<e>$ and

            $$\mathbb E_q[\log p(x\mid z)]=-\tfrac12\log(2\pi\sigma_x^2)
            -\frac{\mathbb E_q(x-wz)^2}{2\sigma_x^2}$$

            $$=-\tfrac12\log(2\pi\cdot<s2>)-\frac{<e>}{2\cdot<s2>}=<fit>.$$

            **KL term.** For a Gaussian and the standard normal prior

            $$D_{\mathrm{KL}}=\tfrac12\big(m^2+v-\log v-1\big)=\tfrac12\big(<m2>+<v>-<(lv)>-1\big)=<kl>.$$

            **Answer.** $\mathcal L=<fit>-<kl>=<elbo>$ nats.

            **Does it make sense?** It must not exceed $\log p(x)$. Here $x\sim\mathcal
            N(0,\,w^2+\sigma_x^2)$, so $\log p(x)=\log\mathcal N(<x>;\,0,\,<t>)=<lp>$ nats. The gap,
            $<gap>$ nats, is $D_{\mathrm{KL}}\big(q(z\mid x)\Vert p(z\mid x)\big)$.
            """,
            n,
            r=r,
            wv=n.w**2 * n.v,
            e=r**2 + n.w**2 * n.v,
            fit=self.fit(n),
            m2=n.m**2,
            lv=math.log(n.v),
            kl=self.kl(n.m, n.v),
            elbo=self.answer(n),
            t=n.w**2 + n.s2,
            lp=self.evidence(n),
            gap=self.evidence(n) - self.answer(n),
        )


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
                r"That is the larger log-weight alone. The smaller one adds little to the sum, but "
                r"the mean still divides by 2.",
            ),
            (
                self.log_mean(n.x1 + n.p1 + n.q1, n.x2 + n.p2 + n.q2),
                r"$q(z\mid x)$ stands in the denominator of "
                r"the weight: its logarithm is subtracted.",
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

            $$\log\tfrac12(w_1+w_2)=<high>+\log\frac{1+e^{<gap>}}2=<high>+\log\frac{1+<e>}2.$$

            **Answer.** $<high>+<(l)>=<a>$ nats.

            **Does it make sense?** By Jensen's inequality it lies above the mean of the log-weights,
            $<mean>$ (the two-sample estimate of the ELBO), and a mean of weights cannot exceed the
            largest, so it lies below $<high>$. Both hold.
            """,
            n,
            high=high,
            gap=low - high,
            e=math.exp(low - high),
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
        sd, a, x = rng.choice([0.5, 2.0, 3.0]), rng.choice([2, 3]), rng.choice([-3, -2, -1, 1, 2, 3])
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
            (g / n.a * n.sd * n.eps / 2, r"You forgot the inner derivative: $-a$, not $-1$."),
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
        return fill(
            r"""
            **Assumption.** The noise $\varepsilon$ does not depend on the encoder: it is held fixed,
            and $z$ is a differentiable function of $\mu$ and $\ell$. (The KL term is not part of $L$.)

            **Forward.** $\sigma=e^{\ell/2}=\sqrt{<var>}=<sd>$, and $z=<mu>+<sd>\cdot<(eps)>=<z>$.

            **Backward.** The chain rule has three factors:

            $$\frac{\partial L}{\partial z}=-2a(x-az)=-2\cdot<a>\cdot\big(<x>-<a>\cdot<(z)>\big)=<g>,$$

            $$\frac{\partial z}{\partial\sigma}=\varepsilon=<eps>,\qquad
            \frac{\partial\sigma}{\partial\ell}=\tfrac12e^{\ell/2}=\tfrac12\sigma=<half>.$$

            **Answer.** $\partial L/\partial\ell=<(g)>\cdot<(eps)>\cdot<half>=<d>$ (loss per unit of
            log-variance).

            **Does it make sense?** A larger $\ell$ means a larger $\sigma$; as $\varepsilon$ is <side>,
            it moves $z$ <way>, and there the loss <goes>, as the sign of the answer says.
            """,
            n,
            g=self.slope(n, n.z),
            half=n.sd / 2,
            d=self.answer(n),
            side="positive" if n.eps > 0 else "negative",
            way="up" if n.eps > 0 else "down",
            goes="rises" if self.answer(n) > 0 else "falls",
        )


PROBLEMS = (KL(), ELBO(), IWAE(), Reparam())
