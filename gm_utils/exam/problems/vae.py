"""Problems on the variational autoencoder's bound: the KL to the prior, the ELBO and its gap."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill, off_tie
from gm_utils.exam.solution import halves


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
            (
                (squares + spread - logs / 2 - 2) / 2,
                r"You put $\log\sigma_j$ where $\log\sigma_j^2=2\log\sigma_j$ belongs.",
            ),
            (2 * kl, r"You forgot the factor one half."),
            (
                std,
                r"You took the standard deviation $\sigma_j$ for the variance $\sigma_j^2$, in both places.",
            ),
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

            Compute $D_{KL}\big(q(z\mid x)\,\Vert\,p(z)\big)$ in nats, to two decimals.
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

            **Numbers.** The variances are $\sigma_1^2=<v1>$ and $\sigma_2^2=<v2>$, their logarithms
            $\log<v1>=<l1>$ and $\log<v2>=<l2>$, hence

            $$D_1=\tfrac12\big(<q1>+<v1>-\log<v1>-1\big)=<k1>,$$

            $$D_2=\tfrac12\big(<q2>+<v2>-\log<v2>-1\big)=<k2>.$$

            **Answer.** $D_{KL}\approx <k1>+<k2>\approx <kl:2>$ nats.

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
    def misfit(n: Numbers) -> tuple[float, float]:
        """Of q and the posterior: the ratio of the variances, the squared distance in posterior variances."""
        total = n.w**2 + n.s2
        return n.v * total / n.s2, (n.m * total - n.w * n.x) ** 2 / (total * n.s2)

    def gap(self, n: Numbers) -> float:
        """D(q || posterior) in nats; neither the ELBO nor the evidence enters."""
        ratio, shift = self.misfit(n)
        return (ratio + shift - 1 - math.log(ratio)) / 2

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and off_tie(self.gap(n), 2)

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
        r, t = n.x - n.w * n.m, n.w**2 + n.s2
        ratio, shift = self.misfit(n)
        return fill(
            r"""
            **Definition.** $\mathcal L=\mathbb E_q[\log p(x\mid z)]-D_{KL}\big(q(z\mid x)\Vert
            p(z)\big)$. All three densities are Gaussian, so both terms have closed forms.

            **Reconstruction term.** Under $q$ the residual $x-wz$ has mean $x-wm=<r>$ and variance
            $w^2v=<wv>$, hence $\mathbb E_q(x-wz)^2=<(r)>^2+<wv>=<e>$ and

            $$\mathbb E_q[\log p(x\mid z)]=-\tfrac12\log(2\pi\sigma_x^2)
            -\frac{\mathbb E_q(x-wz)^2}{2\sigma_x^2}$$

            $$=-\tfrac12\log(2\pi\cdot<s2>)-\frac{<e>}{2\cdot<s2>}=<fit>.$$

            **KL term.** For a Gaussian and the standard normal prior

            $$D_{KL}=\tfrac12\big(m^2+v-\log v-1\big)=\tfrac12\big(<m2>+<v>-\log<v>-1\big)=<kl>.$$

            **Answer.** $\mathcal L\approx <fit>-<kl>\approx <elbo:2>$ nats.

            **Does it make sense?** It must not exceed $\log p(x)$. Here $x\sim\mathcal
            N(0,\,w^2+\sigma_x^2)$, so $\log p(x)=\log\mathcal N(<x>;\,0,\,<t>)=<lp>$ nats. The gap is
            $<lp>-\big(<fit>-<kl>\big)\approx <gap:2>$ nats.

            In another way: the gap is the KL divergence of $q$ to the true posterior $\mathcal
            N(m_\ast,v_\ast)$. Its variance is $\sigma_x^2/(w^2+\sigma_x^2)$, here $<s2>/<t>=<vp>$, and its
            mean $wx/(w^2+\sigma_x^2)$, here $<wx>/<t>=<mp>$. With $r=v/v_\ast=<ratio:5>$ and
            $s=(m-m_\ast)^2/v_\ast=<shift>$ it is $\tfrac12(r+s-1-\log r)$, that is

            $$\tfrac12\big(<ratio:5>+<shift>-1-\log<ratio:5>\big)\approx <gap:2>.$$

            Both agree.
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
            t=t,
            lp=self.evidence(n),
            wx=n.w * n.x,
            mp=n.w * n.x / t,
            vp=n.s2 / t,
            ratio=ratio,
            shift=shift,
            gap=self.gap(n),
        )


PROBLEMS = (KL(), ELBO())
