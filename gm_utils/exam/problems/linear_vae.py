"""Problems on the linear-Gaussian case, where the posterior and the optimum are exact."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, decimal, fill


class Posterior(Problem):
    id = "P-VAE-POSTERIOR"
    title = "The exact posterior of a linear-Gaussian decoder"
    lecture, objective = "10-vae", "O-10-6"
    hint = r"$\log p(z)+\log p(x\mid z)$ is quadratic in $z$: complete the square."

    def draw(self, rng: Random) -> Numbers:
        w1, w2, x1, x2 = (
            rng.choice([1, 2, 3]),
            rng.choice([-2, -1, 1, 2]),
            rng.randint(-3, 4),
            rng.randint(-3, 4),
        )
        b1, b2, s2 = rng.choice([-1, 1, 2]), rng.choice([-1, 0, 1]), rng.choice([0.25, 0.5, 2.0, 4.0])
        dot, size = w1 * (x1 - b1) + w2 * (x2 - b2), w1**2 + w2**2
        return Numbers(w1=w1, w2=w2, x1=x1, x2=x2, b1=b1, b2=b2, s2=s2, dot=dot, size=size)

    def answer(self, n: Numbers) -> float:
        import torch

        w = torch.tensor([[n.w1], [n.w2]], dtype=torch.float64)
        centred = torch.tensor([n.x1 - n.b1, n.x2 - n.b2], dtype=torch.float64)
        precision = torch.eye(1, dtype=torch.float64) + w.mT @ w / n.s2
        return torch.linalg.solve(precision, w.mT @ centred / n.s2).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        raw = n.w1 * n.x1 + n.w2 * n.x2
        wrong = [
            (n.dot / n.size, r"That is least squares: the prior is missing. It adds 1 to the precision."),
            (
                n.dot / (1 + n.size / n.s2),
                r"The data term $w^\top(x-b)$ has to be divided by $\sigma_x^2$ too, as "
                r"the precision is.",
            ),
            (
                n.dot / n.s2,
                r"That is $w^\top(x-b)/\sigma_x^2$; it still has to be divided by the precision $M$.",
            ),
            (
                n.dot / (1 + n.size),
                r"You left $\sigma_x^2$ out: it divides both $w^\top w$ and $w^\top(x-b)$.",
            ),
            (1 / (1 + n.size / n.s2), r"That is the posterior *variance*."),
            (n.dot / (n.size + n.s2**2), r"You squared $\sigma_x^2$; it is the variance already."),
        ]
        offset = (raw / (n.size + n.s2), r"You forgot to subtract the offset $b$ from $x$.")
        return wrong + [offset] * (raw != n.dot)

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A decoder is linear: $x\mid z\sim\mathcal N(wz+b,\;\sigma_x^2I)$ with one latent
            $z\sim\mathcal N(0,1)$, two pixels, $w=(<w1>,\,<w2>)^\top$, $b=(<b1>,\,<b2>)^\top$ and
            **variance** $\sigma_x^2=<s2>$. The observation is $x=(<x1>,\,<x2>)^\top$.

            Compute the mean of the true posterior $p(z\mid x)$, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        precision = 1 + n.size / n.s2
        return fill(
            r"""
            **Assumptions.** Prior and likelihood are Gaussian and the decoder is linear, so the
            posterior is Gaussian; its mean and precision are read off the quadratic in $z$. Terms
            without $z$ do not matter:

            $$\log p(z\mid x)=-\tfrac12z^2-\frac{\Vert x-b-wz\Vert^2}{2\sigma_x^2}+\text{const}$$

            $$=-\tfrac12\Big(1+\frac{w^\top w}{\sigma_x^2}\Big)z^2
            +\frac{w^\top(x-b)}{\sigma_x^2}\,z+\text{const}.$$

            Completing the square gives $p(z\mid x)=\mathcal
            N\big(M^{-1}w^\top(x-b)/\sigma_x^2,\;M^{-1}\big)$ with $M=1+w^\top w/\sigma_x^2$.

            **Numbers.** $w^\top w=<size>$, so $M=1+<size>/<s2>=<M>$. The centred observation is
            $x-b=(<c1>,\,<c2>)^\top$, so
            $w^\top(x-b)=<w1>\cdot<(c1)>+<(w2)>\cdot<(c2)>=<dot>$.

            **Answer.** The posterior mean is $\dfrac{<dot>/<s2>}{<M>}=<a:2>$ (in units of $z$; the
            posterior variance is $1/M=<v>$).

            **Does it make sense?** Without the prior the best $z$ would be
            $w^\top(x-b)/w^\top w=<dot>/<size>=<ls>$;
            the prior pulls it towards 0, by the factor $w^\top w/(w^\top w+\sigma_x^2)=<shrink>$.
            """,
            n,
            M=precision,
            c1=n.x1 - n.b1,
            c2=n.x2 - n.b2,
            a=self.answer(n),
            v=1 / precision,
            ls=n.dot / n.size,
            shrink=n.size / (n.size + n.s2),
        )


class Collapse(Problem):
    id = "P-VAE-COLLAPSE"
    title = "What survives in a linear VAE"
    lecture, objective = "11-latent-spaces", "O-11-8"
    unit = "nats"
    hint = (
        r"The optimum is probabilistic PCA: $\Vert w_i\Vert^2=(\lambda_i-\sigma_x^2)_+$ along the leading "
        r"eigenvectors. Which eigenvalues exceed the noise?"
    )

    def draw(self, rng: Random) -> Numbers:
        s2 = rng.choice([0.05, 0.1, 0.25, 0.5])
        above = sorted(rng.sample([1.5, 2, 3, 4, 5, 6, 8, 10, 12], rng.choice([2, 3])), reverse=True)
        ratios = [*above, *sorted(rng.sample([0.8, 0.6, 0.5, 0.4, 0.2], 5 - len(above)), reverse=True)]
        d = rng.choice([2, 4, 5])
        return Numbers(
            s2=s2,
            ratios=ratios,
            d=d,
            values=[round(s2 * r, 6) for r in ratios],
            live=min(d, len(above)),
            above=len(above),
        )

    def answer(self, n: Numbers) -> float:
        import torch

        values = torch.tensor(n.values[: n.d], dtype=torch.float64)
        return (0.5 * (values / n.s2).log().clamp(min=0)).sum().item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right, top, live = self.answer(n), n.ratios[: n.d], n.ratios[: n.live]
        root = math.sqrt(n.s2)
        wrong = [
            (2 * right, r"You forgot the factor one half."),
            (right / math.log(2), r"That is in bits; nats are asked for."),
            (
                sum(math.log(max(v / root, 1)) for v in n.values[: n.d]) / 2,
                r"You compared with $\sigma_x$; the "
                r"eigenvalues are variances, so they are compared with $\sigma_x^2$.",
            ),
            (
                sum(math.log(1 + r) for r in top) / 2,
                r"You used $\tfrac12\log(1+\lambda_i/\sigma_x^2)$, the capacity "
                r"of a channel that *adds* noise. $\lambda_i$ already contains the noise.",
            ),
            (
                sum(math.log(r - 1) for r in live) / 2,
                r"You used $\tfrac12\log(\Vert w_i\Vert^2/\sigma_x^2)$. The posterior variance is "
                r"$\sigma_x^2/(\sigma_x^2+\Vert w_i\Vert^2)=\sigma_x^2/\lambda_i$: it is $\lambda_i$, not "
                r"$\lambda_i-\sigma_x^2$, that is divided by the noise.",
            ),
            (
                sum(1 / r + math.log(r) - 1 for r in live) / 2,
                r"You left out the posterior means. They are 0 on average, but over the data their squares "
                r"average $1-v_i$, and that belongs in the KL.",
            ),
        ]
        if n.d > n.above:
            wrong.append(
                (
                    sum(map(math.log, top)) / 2,
                    r"You also added the directions with "
                    r"$\lambda_i<\sigma_x^2$: they collapse and cost 0, not a negative amount.",
                )
            )
        if n.d < n.above:
            wrong.append(
                (
                    sum(math.log(r) for r in n.ratios[: n.above]) / 2,
                    r"There are only $d$ latents: just the "
                    r"first $d$ directions can be kept.",
                )
            )
        return wrong

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            The covariance of a data set has the eigenvalues $<values>$. A linear VAE with $d=<d>$
            latents, decoder $\mathcal N(Wz+b,\,\sigma_x^2I)$ with fixed **variance** $\sigma_x^2=<s2>$
            (with $b$ the mean of the data) and a Gaussian encoder with a linear mean and a free diagonal
            covariance is trained to the global optimum of its ELBO.

            Compute the KL term per data point, averaged over the data and summed over the latents, in
            nats, to two decimals.
            """,
            n,
            values=r",\;".join(map(decimal, n.values)),
        )

    def solution(self, n: Numbers) -> str:
        live = n.values[: n.live]
        terms = "+".join(rf"\log\frac{{{decimal(v)}}}{{{n.s2}}}" for v in live)
        rest = {
            1: r"The other latents find only $\lambda_i<\sigma_x^2$: their $w_i$ is 0, the encoder returns "
            r"the prior whatever $x$ is, and their KL is 0.",
            0: "That is all of them; the other directions of the data are explained as noise.",
            -1: rf"${n.above}$ eigenvalues exceed $\sigma_x^2$, but there are only ${n.d}$ latents; to the "
            r"directions that remain the model can give a variance of $\sigma_x^2$ only.",
        }[(n.d > n.above) - (n.d < n.above)]
        return fill(
            r"""
            **Assumptions.** Decoder and encoder are linear and Gaussian, the noise is fixed, and the
            optimum is global. There the true posterior is diagonal, so that the ELBO is tight, and the
            optimum is that of probabilistic PCA: along the $d$ leading eigenvectors
            $\Vert w_i\Vert^2=(\lambda_i-\sigma_x^2)_+$.

            **One direction with $\lambda_i>\sigma_x^2$.** The posterior has the precision
            $1+\Vert w_i\Vert^2/\sigma_x^2$, so its variance is
            $v_i=\sigma_x^2/(\sigma_x^2+\Vert w_i\Vert^2)=\sigma_x^2/\lambda_i$. The posterior mean is 0
            on average. Over the data it has variance $1-v_i$: along this direction the model's variance
            $\Vert w_i\Vert^2+\sigma_x^2$ is that of the data, so that the codes together follow the prior. So

            $$\overline{D}_i=\tfrac12\big((1-v_i)+v_i-\log v_i-1\big)
            =\tfrac12\log\frac{\lambda_i}{\sigma_x^2}.$$

            **Which directions live.** Latents that live: $<live>$. <rest>

            **Sum.** $\overline D=\tfrac12\Big(<terms>\Big)=\tfrac12\log<product>$.

            **Answer.** $\tfrac12\log<product>=<a:2>$ nats per data point.

            **Does it make sense?** Each living latent has $\lambda_i/\sigma_x^2>1$, so it adds a
            positive amount; an eigenvalue equal to the noise would add 0, and the KL would not jump
            there.
            """,
            n,
            rest=rest,
            terms=terms,
            product=math.prod(v / n.s2 for v in live),
            a=self.answer(n),
        )


PROBLEMS = (Posterior(), Collapse())
