"""Problems on distances between two uniform and between two Gaussian laws."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.problems.distances import LECTURE


class Nested(Problem):
    id = "P-DIST-CDF"
    title = "Wasserstein distance of two uniforms"
    lecture, objective = LECTURE, "O-5-7"
    hint = (
        r"Keep the order: the lower end of one interval goes to the lower end of the other, the upper to the "
        r"upper."
    )

    def draw(self, rng: Random) -> Numbers:
        left, right = rng.sample([0.5, 1, 1.5, 2, 3, 4, 5], 2)
        a, inner = rng.choice([-3, -2, -1, 0, 1, 2]), rng.choice([0.5, 1, 2, 3])
        c, d = a + left, a + left + inner
        return Numbers(a=a, b=d + right, c=c, d=d, left=left, right=right)

    def answer(self, n: Numbers) -> float:
        return (n.left**2 + n.right**2) / (2 * (n.left + n.right))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        x, y = n.left, n.right
        return [
            (abs(x - y) / 2,
             r"That is the difference of the means. Mass moves in both directions here, and ways do not "
             r"cancel."),
            ((x + y) / 2,
             r"You averaged the ways of the two ends; in between the way shrinks to 0 and grows again."),
            ((x + y) / (n.b - n.a),
             r"That is the total variation distance: how much mass moves, not how far."),
            (math.sqrt((x * x - x * y + y * y) / 3), r"That is $W_2$, the root of the mean *squared* way."),
            (x + y,
             r"You added the ways of the two ends; the average way over all of the mass is asked for."),
            ((x * x + y * y) / 2,
             r"You took triangles over the ways; their base is measured in mass, and adds up to 1."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            $P$ is uniform on $[<a>,\,<b>]$ and $Q$ is uniform on $[<c>,\,<d>]$.

            Compute the Wasserstein-1 distance $W_1(P,Q)$, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        total = n.left + n.right
        return fill(
            r"""
            **Definition.** On the line $W_1=\int_0^1|F^{-1}(u)-G^{-1}(u)|\,du$, the same
            area as that between the distribution functions $F$ of $P$ and $G$ of $Q$.

            **Quantile functions.** For $P$ it runs linearly from $<a>$ to $<b>$, for $Q$ from $<c>$ to
            $<d>$. Their difference $G^{-1}-F^{-1}$ is linear too, from $<c>-<(a)>=<left>$ at $u=0$ to
            $<d>-<(b)>=<minus>$ at $u=1$. It is 0 at
            $u_0=\frac{<left>}{<left>+<right>}=\frac{<left>}{<total>}$.

            **Area.** Two triangles, of the heights $<left>$ and $<right>$ over the bases $u_0$ and $1-u_0$:

            $$\frac{<left>}2\cdot\frac{<left>}{<total>}=<first>,\qquad
            \frac{<right>}2\cdot\frac{<right>}{<total>}=<second>.$$

            **Answer.** $W_1=<first>+<second>\approx <w:2>$ (in the unit of $x$).

            **Does it make sense?** $Q$ lies inside $P$, so mass moves inwards from both sides, by $<left>$
            and $<right>$ at most. $W_1$ lies between the difference of the means, $<shift>$, and the mean
            of the two ways, $\frac{<total>}{2}=<half>$.
            """,
            n,
            minus=-n.right,
            total=total,
            first=n.left**2 / (2 * total),
            second=n.right**2 / (2 * total),
            w=self.answer(n),
            half=total / 2,
            shift=abs(n.left - n.right) / 2,
        )


class Overlap(Problem):
    id = "P-DIST-OVERLAP"
    title = "Total variation of two uniforms"
    lecture, objective = LECTURE, "O-5-3"
    hint = r"Draw both densities. Which area lies under both?"

    def draw(self, rng: Random) -> Numbers:
        a, first, second = rng.choice([-2, -1, 0, 1]), *rng.sample([1, 1.5, 2, 2.5, 3, 4, 5], 2)
        common = rng.choice([0.25, 0.5, 0.75, 1, 1.5, 2])
        b = a + first
        ends = {"a": a, "b": b, "c": b - common, "d": b - common + second}
        widths = {"first": first, "second": second, "wide": max(first, second), "narrow": min(first, second)}
        return Numbers(**ends, **widths, common=common)

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and n.common < n.narrow

    def answer(self, n: Numbers) -> float:
        return 1 - n.common / n.wide

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        tv, union = self.answer(n), n.first + n.second - n.common
        return [
            (1 - tv, r"That is the overlap, $\int\min(p,q)$; total variation is 1 minus it."),
            (2 * tv, r"You forgot the factor one half of $\tfrac12\int|p-q|$."),
            (1 - n.common / n.narrow,
             r"You took the larger of the two densities where both are positive; the common area has the "
             r"height of the smaller."),
            (1 - n.common / union,
             r"You compared lengths; what counts is probability, the area under both densities."),
            (1 - n.common / 2 * (1 / n.wide + 1 / n.narrow),
             r"You took the mean of the two densities on the common part; the area under *both* has the "
             r"height of the smaller."),
            (1.0, r"The distance is 1 only where some event has probability 1 under one and 0 under the "
             r"other. These overlap."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            $P$ is uniform on $[<a>,\,<b>]$ and $Q$ is uniform on $[<c>,\,<d>]$.

            Compute their total variation distance, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Definition.** $\mathrm{TV}=\tfrac12\int|p-q|\,dx=1-\int\min(p,q)\,dx$, as
            $|p-q|=p+q-2\min(p,q)$ and both densities integrate to 1.

            **Densities.** $p=\frac{1}{<first>}$ on an interval of length $<b>-<(a)>=<first>$, and
            $q=\frac{1}{<second>}$ on one of length $<d>-<(c)>=<second>$.

            **Overlap.** Both are positive on $[<c>,\,<b>]$, of length $<b>-<(c)>=<common>$. There the
            smaller one is $\frac{1}{<wide>}$, so

            $$\int\min(p,q)\,dx=\frac{<common>}{<wide>}=<overlap>.$$

            **Answer.** $\mathrm{TV}=1-\frac{<common>}{<wide>}=<tv:2>$ (a difference of
            probabilities, no unit).

            **Does it make sense?** It lies between 0 and 1. The event $A$ where $p>q$ reaches it: it is
            <event>.
            """,
            n,
            overlap=n.common / n.wide,
            tv=self.answer(n),
            event=self.event(n),
        )

    @staticmethod
    def event(n: Numbers) -> str:
        """The best event, with its probabilities."""
        if n.first < n.second:  # p is the higher one where it is positive
            return fill(r"the whole interval of $P$, with $P(A)=1$ and $Q(A)=\frac{<common>}{<second>}$", n)
        return fill(
            r"the part of $P$'s interval outside $Q$'s, with $P(A)=1-\frac{<common>}{<first>}$ and $Q(A)=0$",
            n,
        )


class Frechet(Problem):
    id = "P-DIST-FRECHET"
    title = "Fréchet distance of two Gaussians"
    lecture, objective = LECTURE, "O-5-7"
    places = None
    rel, abs = 0.005, 0.0006
    hint = (
        r"For diagonal covariances $(\Sigma_P\Sigma_Q)^{1/2}$ is diagonal too, and each dimension gives a "
        r"square."
    )

    def draw(self, rng: Random) -> Numbers:
        means = [rng.choice([-2, -1, 0, 1, 2, 3]) for _ in range(4)]
        a, b, c, d = (rng.choice([0.5, 1, 1.5, 2, 2.5, 3]) for _ in range(4))
        gaps = [means[0] - means[2], means[1] - means[3]]
        return Numbers(m=means[:2], k=means[2:], s=[a, b], t=[c, d], gaps=gaps)

    def answer(self, n: Numbers) -> float:
        from gm_utils.distances import frechet_distance

        cov = [[[s[0] ** 2, 0.0], [0.0, s[1] ** 2]] for s in (n.s, n.t)]
        return frechet_distance(n.m, cov[0], n.k, cov[1]).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        d, means = self.answer(n), sum(g * g for g in n.gaps)
        both = list(zip(n.s, n.t, strict=True))
        return [
            (math.sqrt(d), r"That is $W_2$; the Fréchet distance, as in FID, is its square."),
            (means, r"That is the squared distance of the means alone; the covariances differ too."),
            (d - means, r"You left out the means."),
            (means + sum((s * s - t * t) ** 2 for s, t in both),
             r"You squared the differences of the variances; it is those of the standard deviations."),
            (means + sum(s * s + t * t for s, t in both),
             r"You left out the term $-2\operatorname{tr}(\Sigma_P\Sigma_Q)^{1/2}$; equal covariances "
             r"must give 0."),
            (means + sum(abs(s * s - t * t) for s, t in both),
             r"You added the differences of the variances. Each dimension gives "
             r"$\sigma_P^2+\sigma_Q^2-2\sigma_P\sigma_Q$."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            The features of real images are modelled by $P=\mathcal N(\mu_P,\Sigma_P)$, those of generated
            images by $Q=\mathcal N(\mu_Q,\Sigma_Q)$, with

            $$\begin{aligned}\mu_P&=(<m0>,\,<m1>),&\Sigma_P&=\operatorname{diag}(<v0>,\,<v1>),\\
            \mu_Q&=(<k0>,\,<k1>),&\Sigma_Q&=\operatorname{diag}(<w0>,\,<w1>).\end{aligned}$$

            Compute the Fréchet distance between them as FID defines it. Give the exact value.
            """,
            **self.named(n),
        )

    @staticmethod
    def named(n: Numbers) -> dict[str, float]:
        """Means and variances by the names of the texts."""
        rows = {"m": n.m, "k": n.k, "v": [s * s for s in n.s], "w": [t * t for t in n.t], "s": n.s, "t": n.t}
        return {f"{name}{j}": row[j] for name, row in rows.items() for j in range(2)}

    def solution(self, n: Numbers) -> str:
        squares = [(s - t) ** 2 for s, t in zip(n.s, n.t, strict=True)]
        means = sum(g * g for g in n.gaps)
        return fill(
            r"""
            **Definition.**
            $d^2=\Vert\mu_P-\mu_Q\Vert^2
            +\operatorname{tr}\big(\Sigma_P+\Sigma_Q-2(\Sigma_P\Sigma_Q)^{1/2}\big)$,
            the squared Wasserstein-2 distance of the two Gaussians. (Diagonal matrices commute, so the root
            is that of the product.)

            **Means.** $\Vert\mu_P-\mu_Q\Vert^2=<(g0)>^2+<(g1)>^2=<means>$.

            **Covariances.** With diagonal matrices each dimension gives
            $\sigma_P^2+\sigma_Q^2-2\sigma_P\sigma_Q=(\sigma_P-\sigma_Q)^2$, with the *standard deviations*
            $\sqrt{<v0>}=<s0>$ and $\sqrt{<w0>}=<t0>$ in the first, $\sqrt{<v1>}=<s1>$ and
            $\sqrt{<w1>}=<t1>$ in the second:

            $$(<s0>-<t0>)^2+(<s1>-<t1>)^2=<q0>+<q1>=<spread>.$$

            **Answer.** $d^2=<means>+<spread>=<d>$ (in squared units of the features).

            **Does it make sense?** It is not negative, and 0 only where means and covariances agree: both
            parts are sums of squares.
            """,
            **self.named(n),
            g0=n.gaps[0],
            g1=n.gaps[1],
            means=means,
            q0=squares[0],
            q1=squares[1],
            spread=sum(squares),
            d=self.answer(n),
        )


PROBLEMS = (Nested(), Overlap(), Frechet())
