"""Problems on transport: Wasserstein distances on the line, the critic's bound, the Fréchet distance."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, decimal, fill
from gm_utils.exam.problems.distances import LECTURE
from gm_utils.exam.solution import added, column, shares, table


def sums(n: Numbers) -> list[float]:
    """P's distribution function minus Q's, from each point to the next."""
    return [sum(n.p[: k + 1]) - sum(n.q[: k + 1]) for k in range(len(n.p) - 1)]


def points(rng: Random) -> list[int]:
    """Four points on the line, with gaps that are not all alike."""
    gaps = rng.sample(rng.choice([(1, 2, 4), (1, 1, 3), (2, 1, 5), (1, 3, 3), (2, 2, 5)]), 3)
    start = rng.randint(0, 3)
    return [start + sum(gaps[:k]) for k in range(4)]


class Histogram(Problem):
    id = "P-DIST-HISTOGRAM"
    title = "Moving one histogram onto another"
    lecture, objective = LECTURE, "O-5-7"
    unit = "m"
    places = None
    rel, abs = 0.005, 0.0006
    hint = r"How much mass has to cross the gap between two neighbouring points, in either direction?"

    def draw(self, rng: Random) -> Numbers:
        x = points(rng)
        gaps = [b - a for a, b in zip(x, x[1:], strict=False)]
        return Numbers(x=x, p=shares(rng, 4), q=shares(rng, 4), gaps=gaps)

    def answer(self, n: Numbers) -> float:
        from gm_utils.distances import wasserstein_discrete

        return wasserstein_discrete(n.p, n.q, n.x).item()

    @staticmethod
    def shift(n: Numbers) -> float:
        """The difference of the means."""
        return abs(sum((p - q) * x for p, q, x in zip(n.p, n.q, n.x, strict=True)))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        heights = [abs(s) for s in sums(n)]
        variation = sum(abs(p - q) for p, q in zip(n.p, n.q, strict=True)) / 2
        late = sum(h * gap for h, gap in zip(heights[1:], n.gaps, strict=False))
        return [
            (sum(heights),
             r"You took all gaps for 1 m; each difference counts with the gap to the *next* point."),
            (variation,
             r"That is the total variation distance: how much mass moves. How far it moves is missing."),
            (self.shift(n),
             r"That is the difference of the means. Where mass moves in both directions, the ways add and "
             r"do not cancel: take absolute values gap by gap."),
            (max(heights),
             r"That is the largest difference of the distribution functions (Kolmogorov-Smirnov)."),
            (late,
             r"You multiplied each difference of the distribution functions by the gap *before* the "
             r"point; it lasts until the next one."),
            (sum(abs(p - q) * x for p, q, x in zip(n.p, n.q, n.x, strict=True)),
             r"You weighted the differences of the probabilities by the positions. Accumulate them first; "
             r"the gaps are the weights."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two distributions live on the same four positions, given in metres:

            <table>

            Compute their Wasserstein-1 distance in metres. Give the exact value.
            """,
            table=table(["position", *(f"${x}$" for x in n.x)], ("$P$", n.p), ("$Q$", n.q)),
        )

    def solution(self, n: Numbers) -> str:
        p, q = ([sum(d[: k + 1]) for k in range(3)] for d in (n.p, n.q))
        lines = [
            (fill(r"|<p>-<q>|\cdot <gap>", p=a, q=b, gap=gap), abs(a - b) * gap)
            for a, b, gap in zip(p, q, n.gaps, strict=True)
        ]
        moved = sum(abs(a - b) for a, b in zip(n.p, n.q, strict=True)) / 2
        return fill(
            r"""
            **Definition.** On the line $W_1=\int|F(x)-G(x)|\,dx$, the area between the
            distribution functions $F$ of $P$ and $G$ of $Q$: what has to cross a point, times how far.

            **Distribution functions.** Between the positions they are constant: $F=<fp>$ and $G=<fq>$
            on the three gaps, whose lengths are <gaps> m.

            **Areas**, gap by gap:

            <terms>

            **Answer.** $W_1=<sum>=<a>$ m.

            **Does it make sense?** It is a length, and at least the difference of the means, $<shift>$ m.
            The mass that moves is $\mathrm{TV}=<moved>$, and it moves at most from one end to the
            other, so at most $<moved>\cdot<range>=<most>$ m.
            """,
            fp=r",\,".join(map(decimal, p)),
            fq=r",\,".join(map(decimal, q)),
            gaps=", ".join(f"${gap}$" for gap in n.gaps),
            terms=column(lines),
            sum=added([v for _, v in lines]),
            a=self.answer(n),
            shift=self.shift(n),
            moved=moved,
            range=n.x[-1] - n.x[0],
            most=moved * (n.x[-1] - n.x[0]),
        )


class Samples(Problem):
    id = "P-DIST-SAMPLES"
    title = "Wasserstein distance of two samples of different sizes"
    lecture, objective = LECTURE, "O-5-7"
    hint = (
        r"Sort both. Cut $[0,1]$ at all multiples of the two weights: on each piece both quantile functions "
        r"are constant."
    )

    def draw(self, rng: Random) -> Numbers:
        a, b = rng.choice([(2, 3), (3, 2), (2, 4), (4, 2), (3, 4)])
        x, y = (rng.sample(range(13), k) for k in (a, b))
        return Numbers(x=x, y=y, pieces=self.pieces(sorted(x), sorted(y)))

    @staticmethod
    def pieces(x: list[int], y: list[int]) -> list[tuple[int, int, int]]:
        """(quantile of x, quantile of y, width) of each piece, in units of one over the sizes' product."""
        a, b = len(x), len(y)
        ends = sorted({i * b for i in range(a + 1)} | {j * a for j in range(b + 1)})
        return [(x[u // b], y[u // a], v - u) for u, v in zip(ends, ends[1:], strict=False)]

    def answer(self, n: Numbers) -> float:
        from gm_utils.distances import wasserstein_1d

        return wasserstein_1d(n.x, n.y).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        x, y = sorted(n.x), sorted(n.y)
        least = min(len(x), len(y))
        small, large = sorted([x, y], key=len)
        pairs = [abs(a - b) for a in x for b in y]
        gaps = [abs(a - b) for a, b, _ in n.pieces]
        return [
            (abs(sum(x) / len(x) - sum(y) / len(y)),
             r"That is the difference of the means. Ways to the left and to the right add; they do not "
             r"cancel."),
            (sum(pairs) / len(pairs),
             r"You averaged over all pairs, which is the cost of an independent coupling; the best "
             r"coupling keeps the order."),
            (sum(abs(a - b) for a, b in zip(x, y, strict=False)) / least,
             r"You paired the sorted points until the shorter sample was used up; the rest of the mass "
             r"has to move too."),
            (sum(gaps) / len(gaps),
             r"You took the plain mean over the pieces of $[0,1]$; they have different widths."),
            (sum(min(abs(a - b) for a in small) for b in large) / len(large),
             r"You sent each point of the larger sample to its nearest neighbour; each point can take "
             r"only its own share."),
            (sum(gaps), r"You added the distances of the pieces without their widths."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two samples of numbers: $x=(<x>)$ and $y=(<y>)$. Within each sample all points have the same
            weight.

            Compute the Wasserstein-1 distance of the two samples, to two decimals.
            """,
            x=r",\,".join(map(str, n.x)),
            y=r",\,".join(map(str, n.y)),
        )

    def solution(self, n: Numbers) -> str:
        size = len(n.x) * len(n.y)
        unit = math.gcd(*(w for _, _, w in n.pieces))
        lines = [(rf"{w // unit}\cdot|{a}-{b}|", w // unit * abs(a - b)) for a, b, w in n.pieces]
        total = sum(way for _, way in lines)
        return fill(
            r"""
            **Definition.** On the line it is best to keep the order:
            $W_1=\int_0^1|F_x^{-1}(u)-F_y^{-1}(u)|\,du$ with the quantile functions.

            **Sorted:** $x$: $<x>$ (weight $\tfrac1{<a>}$ each) and $y$: $<y>$ (weight $\tfrac1{<b>}$ each).

            **Pieces.** Cut $[0,1]$ at the multiples of both weights. In units of $\tfrac1{<size>}$ the
            pieces have the widths <widths>; on each, one point of $x$ meets one point of $y$:

            <lines>

            They add up to $<total>$.

            **Answer.** $W_1=\frac{<total>}{<size>}=<w:2>$ (in the unit of the numbers).

            **Does it make sense?** The widths add up to $<size>$, that is, to the whole mass. The result is
            not smaller than the difference of the means, $|<mx>-<(my)>|=<shift:2>$.
            """,
            x=r",\,".join(map(str, sorted(n.x))),
            y=r",\,".join(map(str, sorted(n.y))),
            a=str(len(n.x)),
            b=str(len(n.y)),
            size=str(size // unit),
            widths=", ".join(f"${w // unit}$" for _, _, w in n.pieces),
            lines=column(lines),
            total=total,
            w=self.answer(n),
            mx=sum(n.x) / len(n.x),
            my=sum(n.y) / len(n.y),
            shift=abs(sum(n.x) / len(n.x) - sum(n.y) / len(n.y)),
        )


class Critic(Problem):
    id = "P-DIST-CRITIC"
    title = "What a critic proves"
    lecture, objective = LECTURE, "O-5-7"
    hint = r"The dual form admits only critics of slope at most 1. How steep is this one, at its steepest?"

    def draw(self, rng: Random) -> Numbers:
        x = points(rng)
        f = [0]
        for _ in range(3):
            f.append(f[-1] + rng.choice([-4, -3, -2, -1, 1, 2, 3, 4, 6]))
        gaps = [b - a for a, b in zip(x, x[1:], strict=False)]
        jumps = [abs(b - a) for a, b in zip(f, f[1:], strict=False)]
        slopes = [j / g for j, g in zip(jumps, gaps, strict=True)]
        p, q = shares(rng, 4), shares(rng, 4)
        return Numbers(x=x, f=f, p=p, q=q, gaps=gaps, jumps=jumps, steep=max(slopes))

    @staticmethod
    def gain(n: Numbers) -> float:
        """E_P f - E_Q f."""
        return sum((p - q) * f for p, q, f in zip(n.p, n.q, n.f, strict=True))

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and self.gain(n) > 0.1 and n.steep > 1

    def answer(self, n: Numbers) -> float:
        return self.gain(n) / n.steep

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        from gm_utils.distances import wasserstein_discrete

        gain = self.gain(n)
        true = wasserstein_discrete(n.p, n.q, n.x).item()
        whole = abs(n.f[-1] - n.f[0]) / (n.x[-1] - n.x[0])
        ends = r"You took the slope from the first point to the last; the steepest piece decides."
        return [
            (gain,
             r"This critic is steeper than 1: its gain may exceed $W_1$. Divide by its Lipschitz "
             r"constant."),
            (gain / max(n.jumps),
             r"You divided by the largest jump; a slope is the jump over the distance of the points."),
            (gain / max(map(abs, n.f)),
             r"You divided by the largest value of $|f|$; the Lipschitz constant is the "
             r"largest *slope*."),
            (-self.answer(n),
             r"You took $\mathbb E_Q f-\mathbb E_P f$. A negative bound proves nothing, and here $f$ itself "
             r"has a positive gain."),
            (true, r"That is $W_1$ itself. The question is what this critic proves about it."),
            (gain * n.steep,
             r"You multiplied by the Lipschitz constant; the critic has to be made less steep."),
            *[(gain / (whole or 1), ends)] * (whole > 0),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two distributions on four points of the line, and the values of a critic $f$ there:

            <table>

            The critic may be scaled by a positive factor. Which lower bound on $W_1(P,Q)$ does it prove, at
            best, by the dual form of Kantorovich and Rubinstein? Give it to two decimals.
            """,
            table=table(["$x$", *(f"${x}$" for x in n.x)], ("$P$", n.p), ("$Q$", n.q), ("$f$", n.f)),
        )

    def solution(self, n: Numbers) -> str:
        from gm_utils.distances import wasserstein_discrete

        parts = [(p - q) * f for p, q, f in zip(n.p, n.q, n.f, strict=True)]
        steps = zip(n.jumps, n.gaps, strict=True)
        slopes = ", ".join(fill(r"$\frac{<j>}{<g>}=<s>$", j=j, g=g, s=j / g) for j, g in steps)
        k = max(range(3), key=lambda k: n.jumps[k] / n.gaps[k])
        return fill(
            r"""
            **Definition.** $W_1(P,Q)=\sup\,\mathbb E_P[f]-\mathbb E_Q[f]$ over all $f$ with
            $|f(x)-f(y)|\le|x-y|$. Any such $f$ proves a lower bound.

            **Gain of this critic.** With $\big(P(x)-Q(x)\big)f(x)$ summed over the points,

            $$\mathbb E_P[f]-\mathbb E_Q[f]=<sum>=<gain>.$$

            **Its slope** between neighbours: <slopes>. The largest is the Lipschitz constant $L=<steep>$;
            slopes between points further apart are averages of these and not larger.

            **Scaling.** $f/L$ is the steepest multiple that is allowed, and its gain is the gain over $L$.

            **Answer.** $W_1\ge<gain>\cdot\frac{<gap>}{<jump>}=<a:2>$ (in the unit of $x$).

            **Does it make sense?** It must not exceed $W_1$ itself, which is $<true>$ (the area between the
            distribution functions): the bound reaches $<percent:0>$ % of it.
            """,
            sum=added(parts),
            gain=self.gain(n),
            slopes=slopes,
            steep=n.steep,
            jump=n.jumps[k],
            gap=n.gaps[k],
            a=self.answer(n),
            true=wasserstein_discrete(n.p, n.q, n.x).item(),
            percent=100 * self.answer(n) / wasserstein_discrete(n.p, n.q, n.x).item(),
        )


PROBLEMS = (Histogram(), Samples(), Critic())
