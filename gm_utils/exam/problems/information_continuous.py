"""Problems on two densities: KL divergence of Gaussians and with a zero, information through noise."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill, off_tie
from gm_utils.exam.problems.information import LECTURE, NATS
from gm_utils.exam.problems.information_entropies import HALF


class GaussKL(Problem):
    id = "P-INF-GAUSSKL"
    title = "KL divergence between two Gaussians in one dimension"
    lecture, objective = LECTURE, "O-4-3"
    unit = "nats"
    hint = r"Under $p$, $\mathbb E(x-\mu_q)^2$ is a variance plus a squared distance of the means."

    def draw(self, rng: Random) -> Numbers:
        s1, s2 = rng.sample([0.5, 1, 1.5, 2, 2.5, 3, 4], 2)
        m1, m2 = rng.sample([-2, -1, 0, 1, 2, 3], 2)
        return Numbers(m1=m1, m2=m2, s1=s1, s2=s2, v1=s1**2, v2=s2**2, d2=(m1 - m2) ** 2)

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import gaussian_kl

        return gaussian_kl([n.m1], [[n.v1]], [n.m2], [[n.v2]]).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        kl, log = self.answer(n), math.log(n.s2 / n.s1)
        return [
            ((n.v2 + n.d2) / (2 * n.v1) - log - 0.5,
             r"That is $D_{KL}(q\Vert p)$: the other direction."),
            (log / 2 + (n.s1 + n.d2) / (2 * n.s2) - 0.5, r"You took the standard deviations for variances."),
            (kl + 0.5,
             r"You forgot the $-\tfrac12$, which comes from $\mathbb E_p$ of the exponent of $p$ itself."),
            (kl - 2 * log, r"The logarithm is upside down: it is $\log(\sigma_q/\sigma_p)$."),
            (kl - n.d2 / (2 * n.v2), r"You left out the distance of the means."),
            (kl + log, r"You put $\log(\sigma_q^2/\sigma_p^2)$ without the factor $\tfrac12$."),
            (kl / math.log(2), NATS),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two Gaussian densities: $p$ with mean $<m1>$ and **standard deviation** $<s1>$, $q$ with mean
            $<m2>$ and **standard deviation** $<s2>$.

            Compute $D_{KL}(p\Vert q)$ in nats, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Assumptions.** The expectation is under $p$, which stands first; $q$ is positive everywhere.

            **Formula.** The constants $\tfrac12\log2\pi$ cancel in $\log p-\log q$:

            $$D=\mathbb E_p\Big[\log\frac{\sigma_q}{\sigma_p}-\frac{(x-\mu_p)^2}{2\sigma_p^2}
            +\frac{(x-\mu_q)^2}{2\sigma_q^2}\Big].$$

            With $\mathbb E_p(x-\mu_p)^2=\sigma_p^2$ and $\mathbb E_p(x-\mu_q)^2=\sigma_p^2+(\mu_p-\mu_q)^2$
            this is

            $$D=\log\frac{\sigma_q}{\sigma_p}+\frac{\sigma_p^2+(\mu_p-\mu_q)^2}{2\sigma_q^2}-\tfrac12.$$

            **Numbers.** $\sigma_p^2=<v1>$, $\sigma_q^2=<v2>$ and $(\mu_p-\mu_q)^2=<d2>$, hence

            $$\log\frac{<s2>}{<s1>}=<log>,\qquad\frac{<v1>+<d2>}{2\cdot<v2>}=<ratio>.$$

            **Answer.** $D_{KL}(p\Vert q)=<log>+<ratio>-0.5\approx <kl:2>$ nats.

            **Does it make sense?** It is positive, as $p\ne q$. With equal means it would be
            $<log>+\frac{<v1>}{2\cdot<v2>}-0.5\approx <same:2>$, which is positive too and less: the
            distance of the means can only add.
            """,
            n,
            log=math.log(n.s2 / n.s1),
            ratio=(n.v1 + n.d2) / (2 * n.v2),
            kl=self.answer(n),
            same=self.same(n),
        )

    @staticmethod
    def same(n: Numbers) -> float:
        """The divergence if the means were equal."""
        return math.log(n.s2 / n.s1) + n.v1 / (2 * n.v2) - 0.5

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and off_tie(self.same(n), 2)


class Zero(Problem):
    id = "P-INF-ZERO"
    title = "A density that is 0 at one point"
    lecture, objective = LECTURE, "O-4-4"
    unit = "nats"
    hint = (
        r"The logarithm of the ratio contains $\log(x/w)$. What is its mean under the density that stands "
        r"first?"
    )

    def draw(self, rng: Random) -> Numbers:
        way = rng.choice(["pq", "qp"])
        return Numbers(w=rng.choice([2, 3, 4, 5, 8, 10]), k=rng.choice([2, 2.5, 3, 3.5, 4, 5, 6, 8]), way=way)

    def mean(self, n: Numbers) -> float:
        """Mean of log(x / w) under the density that stands first."""
        return -1 if n.way == "pq" else -1 / n.k

    def value(self, n: Numbers, mean: float) -> float:
        """The divergence, if log(x / w) had this mean."""
        return (-1 if n.way == "pq" else 1) * (math.log(n.k) + (n.k - 1) * mean)

    def answer(self, n: Numbers) -> float:
        return self.value(n, self.mean(n))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        kl, forward = self.answer(n), n.way == "pq"
        other = Numbers(**{**vars(n), "way": "qp" if forward else "pq"})
        average = 0.5 if forward else n.k / (n.k + 1)
        return [
            (self.answer(other), r"That is the divergence in the other direction."),
            (self.value(n, math.log(average)),
             r"You took the logarithm of the mean of $x/w$; the mean of the logarithm is needed."),
            (-self.answer(other),
             r"You averaged over the wrong density: the one that stands first gives the weights."),
            (-kl, r"The sign: a KL divergence is never negative. Is the ratio upside down?"),
            (kl / math.log(2), NATS),
            (kl + math.log(n.w) if forward else math.log(n.w),
             r"That is the cross-entropy $H(p,q)$; $h(p)=\log w$ has to be subtracted." if forward else
             r"That is the cross-entropy $H(q,p)$; $h(q)$ has to be subtracted."),
            (self.value(n, 0), r"You left out the part with $\log(x/w)$."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            On the interval $[0,\,<w>]$, $p$ is the uniform density and

            $$q(x)=\frac{<k>}{<w>}\Big(\frac{x}{<w>}\Big)^{<less>}.$$

            At $x=0$ one of them is positive and the other is 0. Compute
            $D_{KL}(<one>\Vert <two>)$ in nats, to two decimals.
            """,
            n,
            less=n.k - 1,
            one=n.way[0],
            two=n.way[1],
        )

    def solution(self, n: Numbers) -> str:
        forward = n.way == "pq"
        mean = (
            r"Under $p$, $u=x/w$ is uniform on $[0,1]$, so $\mathbb E_p[\log u]=\int_0^1\log u\,du=-1$, "
            r"which is finite although $\log u\to-\infty$ at 0. Hence"
            if forward
            else r"Under $q$, $u=x/w$ has the density $ku^{k-1}$, so with $v=u^k$, which is uniform, "
            r"$\mathbb E_q[\log u]=\tfrac1k\int_0^1\log v\,dv=-\tfrac1k$. Hence"
        )
        numbers = (
            r"-\log k+(k-1)=-\log<k>+<less>"
            if forward
            else r"\log k-\frac{k-1}{k}=\log<k>-\frac{<less>}{<k>}"
        )
        why = (
            r"The point $x=0$ has probability 0 under $p$, so the value of $q$ there does not matter; that "
            r"the integral converges near it is shown below."
            if forward
            else r"No zero of $p$ stands in the way; that the integral converges is shown by its value."
        )
        return fill(
            rf"""
            **Assumptions.** With $w=<w>$ and $k=<k>$, $p(x)=1/w$ and $q(x)=\frac kw(x/w)^{{k-1}}$.
            {why}

            **The log-ratio.** $w$ cancels:

            $$\log\frac{{q(x)}}{{p(x)}}=\log k+(k-1)\log\frac xw.$$

            **Its mean.** {mean}

            $$D_{{KL}}(<one>\Vert <two>)={numbers}=<kl>.$$

            **Answer.** $D_{{KL}}(<one>\Vert <two>)\approx <kl:2>$ nats.

            **Does it make sense?** It is finite and positive, and it does not contain $w$: another unit of
            length would not change it, as it must be for a KL divergence. For $k=1$ the two densities are
            equal, and the formula gives 0.
            """,
            n,
            less=n.k - 1,
            one=n.way[0],
            two=n.way[1],
            kl=self.answer(n),
        )


class Noise(Problem):
    id = "P-INF-NOISE"
    title = "What a noisy code still tells"
    lecture, objective = LECTURE, "O-4-8"
    unit = "nats"
    hint = r"$I(X;Y)=h(Y)-h(Y\mid X)$. What is the variance of $Y$, and what is left of it when $X$ is known?"

    def draw(self, rng: Random) -> Numbers:
        s, a = rng.choice([0.5, 1, 1.5, 2, 3]), rng.choice([-3, -2, -0.5, 0.5, 2, 3])
        r = rng.choice([0.5, 1, 1.5, 2, 2.5, 4])
        return Numbers(s=s, a=a, r=r, signal=(a * s) ** 2, noise=r**2, total=(a * s) ** 2 + r**2)

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import gaussian_entropy

        return (gaussian_entropy([[n.total]]) - gaussian_entropy([[n.noise]])).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        i = self.answer(n)
        return [
            (2 * i, HALF),
            (i / math.log(2), NATS),
            (math.log(n.signal / n.noise) / 2,
             r"You forgot the 1: the variance of $Y$ is that of the signal *plus* that of the noise."),
            (math.log(1 + abs(n.a) * n.s / n.r) / 2,
             r"You took standard deviations for variances: signal and noise add as variances."),
            (math.log(1 + abs(n.a) * n.s**2 / n.noise) / 2,
             r"You forgot to square $a$: $aX$ has the variance $a^2\sigma^2$."),
            (math.log(2 * math.pi * math.e * n.total) / 2,
             r"That is $h(Y)$; the entropy of the noise has to be subtracted."),
            (math.log(2 * math.pi * math.e * n.noise) / 2,
             r"That is $h(Y\mid X)$, the entropy of the noise: what is not known."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A code is $X\sim\mathcal N(0,\sigma^2)$ with **standard deviation** $\sigma=<s>$. What can be
            read of it is $Y=aX+E$ with $a=<a>$ and Gaussian noise $E$, independent of $X$, of mean 0 and
            **standard deviation** $<r>$.

            Compute the mutual information $I(X;Y)$ in nats, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Assumptions.** $X$ and $E$ are Gaussian and independent, so $Y$ is Gaussian and variances add.

            **Variances.** The signal $aX$ has the variance $a^2\sigma^2=<(a)>^2\cdot<s>^2=<signal>$, the
            noise $<r>^2=<noise>$, and $Y$ their sum $<total>$. Given $X$, only the noise is left.

            **Entropies.** $I(X;Y)=h(Y)-h(Y\mid X)$, and a Gaussian of variance $v$ has
            $h=\tfrac12\log(2\pi ev)$. The constants cancel:

            $$I(X;Y)=\tfrac12\log\frac{a^2\sigma^2+\sigma_E^2}{\sigma_E^2}=\tfrac12\log\frac{<total>}{<noise>}=<i>.$$

            **Answer.** $I(X;Y)\approx <i:2>$ nats.

            **Does it make sense?** It is positive, and it would be 0 for $a=0$ and grow without bound as
            the noise vanishes. The sign of $a$ plays no part. In another way: the squared correlation is
            $\rho^2=\frac{<signal>}{<total>}=<rho:5>$, and $-\tfrac12\log(1-\rho^2)$ is the same number.
            """,
            n,
            i=self.answer(n),
            rho=n.signal / n.total,
        )


PROBLEMS = (GaussKL(), Zero(), Noise())
