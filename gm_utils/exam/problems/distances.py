"""Problems on distances that see no geometry: total variation, Hellinger, Jensen-Shannon."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.problems.information import NATS
from gm_utils.exam.solution import added, column, shares, table, total

LECTURE = "05-distances"


def pairs(n: Numbers) -> list[tuple[float, float]]:
    """(p, q) of each outcome."""
    return list(zip(n.p, n.q, strict=True))


class Variation(Problem):
    id = "P-DIST-TV"
    title = "Total variation of two distributions"
    lecture, objective = LECTURE, "O-5-3"
    places = None
    rel, abs = 0.005, 0.0006
    hint = (
        r"Take the differences of the probabilities, outcome by outcome. They add up to 0: why the one half?"
    )

    def draw(self, rng: Random) -> Numbers:
        return Numbers(p=shares(rng, 5), q=shares(rng, 5))

    def answer(self, n: Numbers) -> float:
        from gm_utils.distances import total_variation

        return total_variation(n.p, n.q).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        gaps = [p - q for p, q in pairs(n)]
        sums = [sum(gaps[: k + 1]) for k in range(5)]
        return [
            (2 * self.answer(n),
             r"You forgot the factor one half: an excess of one distribution is a lack elsewhere, and is "
             r"counted twice."),
            (max(map(abs, gaps)),
             r"That is the largest difference at a single outcome; an event may hold several outcomes."),
            (max(map(abs, sums)),
             r"That is the largest difference of the distribution functions (Kolmogorov-Smirnov): only "
             r"the events $x\le t$ are tried."),
            (math.sqrt(sum(g * g for g in gaps)),
             r"You took the root of the sum of squares; total variation adds absolute values."),
            (sum(map(abs, gaps)) / 5,
             r"You averaged the five absolute differences; half of their sum is asked for."),
            (0.0, r"You added the differences with their signs: they always cancel. Take absolute values."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two distributions over the outcomes 1 to 5:

            <table>

            Compute their total variation distance. Give the exact value.
            """,
            table=table(["", "1", "2", "3", "4", "5"], ("$P$", n.p), ("$Q$", n.q)),
        )

    def solution(self, n: Numbers) -> str:
        gaps = [p - q for p, q in pairs(n)]
        up = [k for k, g in enumerate(gaps) if g > 1e-9]
        lines = (fill(r"|<p>-<q>|", p=p, q=q) for p, q in pairs(n))
        event = r",\,".join(str(k + 1) for k in up)
        return fill(
            r"""
            **Definition.** $\mathrm{TV}(P,Q)=\tfrac12\sum_x|P(x)-Q(x)|$, which is also the
            largest difference $P(A)-Q(A)$ over all events $A$.

            **Absolute differences.**

            <terms>

            **Answer.** $\mathrm{TV}=\frac{<sum>}{2}=<a>$ (a difference of probabilities, no unit).

            **Does it make sense?** The best event holds the outcomes where $P>Q$, here $A=\{<event>\}$:
            $P(A)=<pa>$ and $Q(A)=<qa>$, and $<pa>-<qa>=<a>$ is the same. It lies between 0 and 1.
            """,
            terms=column(list(zip(lines, map(abs, gaps), strict=True))),
            sum=added([abs(g) for g in gaps]),
            a=self.answer(n),
            event=event,
            pa=sum(n.p[k] for k in up),
            qa=sum(n.q[k] for k in up),
        )


class Hellinger(Problem):
    id = "P-DIST-HELLINGER"
    title = "Hellinger distance of two distributions"
    lecture, objective = LECTURE, "O-5-2"
    hint = r"Multiply out the squares: $d_H^2=1-\sum_x\sqrt{P(x)\,Q(x)}$."

    def draw(self, rng: Random) -> Numbers:
        return Numbers(p=shares(rng, 3), q=shares(rng, 3))

    def answer(self, n: Numbers) -> float:
        from gm_utils.distances import hellinger

        return hellinger(n.p, n.q).item()

    @staticmethod
    def overlap(n: Numbers) -> float:
        """The Bhattacharyya coefficient."""
        return sum(math.sqrt(p * q) for p, q in pairs(n))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h = self.answer(n)
        return [
            (h**2, r"That is the squared distance; take the root. (The square is no metric.)"),
            (math.sqrt(2) * h,
             r"You left out the one half under the root; with it the distance lies in $[0,1]$."),
            (self.overlap(n),
             r"That is the overlap $\sum_x\sqrt{P(x)Q(x)}$, which is 1 for equal distributions."),
            (h / math.sqrt(2), r"You put the one half in front of the root; it belongs under it."),
            (sum(abs(p - q) for p, q in pairs(n)) / 2, r"That is the total variation distance."),
            (math.sqrt(sum((p - q) ** 2 for p, q in pairs(n)) / 2),
             r"You squared the differences of the probabilities; it is those of their square roots."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two distributions over the same three outcomes:

            <table>

            Compute their Hellinger distance $d_H$, in the convention where it lies in $[0,1]$, to two
            decimals.
            """,
            table=table(["", "$a$", "$b$", "$c$"], ("$P$", n.p), ("$Q$", n.q)),
        )

    def solution(self, n: Numbers) -> str:
        parts = [math.sqrt(p * q) for p, q in pairs(n)]
        lines = (fill(r"\sqrt{<p>\cdot<q>}", p=p, q=q) for p, q in pairs(n))
        variation = sum(abs(p - q) for p, q in pairs(n)) / 2
        return fill(
            r"""
            **Definition.** $d_H(P,Q)=\sqrt{\tfrac12\sum_x\big(\sqrt{P(x)}-\sqrt{Q(x)}\big)^2}$.

            **The square multiplied out.** As both distributions sum to 1,

            $$d_H^2=\tfrac12\Big(\sum_xP(x)+\sum_xQ(x)\Big)-\sum_x\sqrt{P(x)Q(x)}=1-\sum_x\sqrt{P(x)Q(x)}.$$

            **Terms** of the last sum, the overlap:

            <terms>

            **Answer.** $d_H=\sqrt{1-(<sum>)}\approx <h:2>$ (no unit).

            **Does it make sense?** It lies between 0 and 1, and it fits the total variation distance $<tv>$,
            which must satisfy $d_H^2\le \mathrm{TV}\le\sqrt2\,d_H$: here $d_H^2\approx <square:2>$ and
            $\sqrt2\,d_H\approx <wide:2>$.
            """,
            terms=column(list(zip(lines, parts, strict=True)), 5),
            sum=added(parts, 5),
            h=self.answer(n),
            tv=variation,
            square=self.answer(n) ** 2,
            wide=math.sqrt(2) * self.answer(n),
        )


class Midpoint(Problem):
    id = "P-DIST-JS"
    title = "Jensen-Shannon divergence with a zero in it"
    lecture, objective = LECTURE, "O-5-2"
    unit = "nats"
    hint = r"First the mixture $M=\tfrac12(P+Q)$: it is positive wherever $P$ or $Q$ is."

    def draw(self, rng: Random) -> Numbers:
        p, q = shares(rng, 3, of=10), shares(rng, 2, of=10)
        q.insert(rng.randrange(3), 0.0)
        p, q = (p, q) if rng.random() < 0.5 else (q, p)
        return Numbers(p=p, q=q, m=[(a + b) / 2 for a, b in zip(p, q, strict=True)])

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import js_divergence

        return js_divergence(n.p, n.q).item()

    @staticmethod
    def kl(p: list[float], q: list[float]) -> float:
        """Divergence in nats."""
        return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        js, p, q = self.answer(n), self.kl(n.p, n.m), self.kl(n.q, n.m)
        finite = self.kl(n.p, n.q) if all(n.q) else self.kl(n.q, n.p)
        name = r"D_{KL}(P\Vert Q)" if all(n.q) else r"D_{KL}(Q\Vert P)"
        both = [(a, b) for a, b in zip(n.p, n.q, strict=True) if a and b]
        return [
            (2 * js, r"You added the two divergences; each has the weight one half."),
            (p, r"That is $D_{KL}(P\Vert M)$ alone."),
            (q, r"That is $D_{KL}(Q\Vert M)$ alone."),
            (js / math.log(2), NATS),
            (math.sqrt(js), r"That is the square root, the metric; the divergence itself is asked for."),
            (finite, rf"That is ${name}$, the direction that is finite. The mixture $M$ is missing."),
            (sum((a - b) * math.log(a / b) for a, b in both) / 2,
             r"You took half of $D_{KL}(P\Vert Q)+D_{KL}(Q\Vert P)$ and dropped the "
             r"term that is infinite. Both divergences are from the mixture."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two distributions over the same three outcomes:

            <table>

            Compute their Jensen-Shannon divergence in nats, to two decimals.
            """,
            table=table(["", "$a$", "$b$", "$c$"], ("$P$", n.p), ("$Q$", n.q)),
        )

    def solution(self, n: Numbers) -> str:
        rows = [[(a, m) for a, m in zip(d, n.m, strict=True) if a] for d in (n.p, n.q)]
        parts = [[a * math.log(a / m) for a, m in row] for row in rows]
        names = [[fill(r"<a>\log\frac{<a>}{<m>}", a=a, m=m) for a, m in row] for row in rows]
        lines = [column(list(zip(*both, strict=True))) for both in zip(names, parts, strict=True)]
        return fill(
            r"""
            **Definition.**
            $D_{JS}(P,Q)=\tfrac12D_{KL}(P\Vert M)+\tfrac12D_{KL}(Q\Vert M)$ with the
            mixture $M=\tfrac12(P+Q)$, here $(<m0>,\,<m1>,\,<m2>)$. A term with probability 0 is 0.

            **$D_{KL}(P\Vert M)$** has the terms

            <lp>

            and adds up to $<sp>$.

            **$D_{KL}(Q\Vert M)$** has the terms

            <lq>

            and adds up to $<sq>$.

            **Answer.** $D_{JS}(P,Q)=\frac{<sp>+<sq>}{2}\approx <js:2>$ nats.

            **Does it make sense?** It lies between 0 and $\log2\approx 0.6931$ nats, although one of the KL
            divergences between $P$ and $Q$ is infinite: $M$ is positive wherever $P$ or $Q$ is. It would be
            $\log2$ only if they had no outcome in common.
            """,
            m0=n.m[0],
            m1=n.m[1],
            m2=n.m[2],
            lp=lines[0],
            lq=lines[1],
            sp=total(parts[0]),
            sq=total(parts[1]),
            js=self.answer(n),
        )


class Game(Problem):
    id = "P-DIST-GAN"
    title = "The value of the game at the best discriminator"
    lecture, objective = LECTURE, "O-5-4"
    unit = "nats"
    hint = r"For one outcome maximise $p\log d+q\log(1-d)$ over $d$ first."

    def draw(self, rng: Random) -> Numbers:
        p, q = shares(rng, 3, of=10), shares(rng, 3, of=10)
        return Numbers(p=p, q=q)

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import js_divergence

        return 2 * js_divergence(n.p, n.q).item() - 2 * math.log(2)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        v = self.answer(n)
        ratio = sum(p * math.log(p / (p + q)) + q * math.log(p / (p + q)) for p, q in pairs(n))
        return [
            (v + 2 * math.log(2), r"That is $2D_{JS}(P,Q)$; the value is $2\log2$ lower."),
            (v / 2 + math.log(2),
             r"That is $D_{JS}(P,Q)$; the value of the game is $2D_{JS}-2\log2$."),
            (-2 * math.log(2),
             r"That is the value for $P=Q$, where the best discriminator says $\tfrac12$ everywhere."),
            (-v,
             r"The sign: both logarithms are of numbers below 1. (Minus *half* the value is the "
             r"discriminator's cross-entropy with balanced classes.)"),
            (-v / 2, r"That is the cross-entropy of the best discriminator, $-\tfrac12V$."),
            (v / 2, r"You took the mean over the two classes; the value is the sum of the two expectations."),
            (v / math.log(2), NATS),
            (ratio, r"You put $D$ into both logarithms; the second has $1-D$."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Data come from $P$ and a generator draws from $Q$, both over three outcomes:

            <table>

            The discriminator $D$ may give each outcome any number between 0 and 1. Compute the largest value
            of $V(D)=\mathbb E_P[\log D(x)]+\mathbb E_Q[\log(1-D(x))]$ in nats, to two decimals.
            """,
            table=table(["", "$a$", "$b$", "$c$"], ("$P$", n.p), ("$Q$", n.q)),
        )

    def solution(self, n: Numbers) -> str:
        parts, lines = [], []
        for p, q in pairs(n):
            lines += [fill(r"<a>\log\frac{<a>}{<s>}", a=a, s=p + q) for a in (p, q)]
            parts += [p * math.log(p / (p + q)), q * math.log(q / (p + q))]
        js = self.answer(n) / 2 + math.log(2)
        return fill(
            r"""
            **Assumption.** $D(x)$ can be chosen for each outcome on its own, so each outcome's part
            $P(x)\log D+Q(x)\log(1-D)$ is maximised by itself.

            **The best discriminator.** The derivative $\dfrac{P(x)}{D}-\dfrac{Q(x)}{1-D}$ is 0 at
            $D^\ast(x)=\dfrac{P(x)}{P(x)+Q(x)}$, and the part is concave in $D$: a maximum. Then
            $1-D^\ast(x)=\dfrac{Q(x)}{P(x)+Q(x)}$.

            **Terms**, two for each outcome:

            <terms>

            They add up to $<sum>$.

            **Answer.** $V(D^\ast)\approx <v:2>$ nats.

            **Does it make sense?** It is $2D_{JS}(P,Q)-2\log2$, so it must lie between
            $-2\log2\approx -1.3863$ (equal distributions) and 0 (nothing in common). Here
            $D_{JS}(P,Q)\approx <js:2>$ nats.
            """,
            terms=column(list(zip(lines, parts, strict=True))),
            sum=total(parts),
            v=self.answer(n),
            js=js,
        )


PROBLEMS = (Variation(), Hellinger(), Midpoint(), Game())
