"""Problems on two distributions or two variables: KL divergence, conditional entropy, mutual information."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.problems.information import BITS, LECTURE, NATS
from gm_utils.exam.solution import added, column, shares, table, total


def surprise(p: list[float]) -> float:
    """Entropy in bits."""
    return -sum(a * math.log2(a) for a in p if a)


class KL(Problem):
    id = "P-INF-KL"
    title = "KL divergence between two distributions with three values"
    lecture, objective = LECTURE, "O-4-3"
    unit = "nats"
    hint = r"The distribution that stands first gives the weights: which one is it?"

    def draw(self, rng: Random) -> Numbers:
        p, q = shares(rng, 3, of=10), shares(rng, 3, of=10)
        way = rng.choice([1, -1])
        first, second = (p, q)[::way]
        return Numbers(p=p, q=q, first=first, second=second, asked="PQ"[::way])

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import kl_divergence

        return kl_divergence(n.first, n.second).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        kl, pairs = self.answer(n), list(zip(n.first, n.second, strict=True))
        cross = -sum(a * math.log(b) for a, b in pairs)
        logs = [math.log(a / b) for a, b in pairs]
        one, two = n.asked
        return [
            (sum(b * math.log(b / a) for a, b in pairs),
             fill(r"That is $D_{KL}(<two>\Vert <one>)$: the other direction.", one=one, two=two)),
            (cross,
             r"That is the cross-entropy; the entropy of the first distribution still has to be "
             r"subtracted."),
            (kl / math.log(2), NATS),
            (-kl,
             r"The sign: a KL divergence is never negative. Is the fraction in the logarithm upside down?"),
            (sum(b * log for (_, b), log in zip(pairs, logs, strict=True)),
             fill(r"You weighted the logarithms of $<one>/<two>$ by $<two>$; the first distribution weighs.",
                  one=one, two=two)),
            (sum(abs(a * log) for (a, _), log in zip(pairs, logs, strict=True)),
             r"You made all terms positive. Single terms may be negative; only their sum may not."),
            (sum(logs), r"You left out the weights."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two distributions over the same three values:

            <table>

            Compute $D_{KL}(<one>\Vert <two>)$ in nats, to two decimals.
            """,
            table=table(["", "$a$", "$b$", "$c$"], ("$P$", n.p), ("$Q$", n.q)),
            one=n.asked[0],
            two=n.asked[1],
        )

    def solution(self, n: Numbers) -> str:
        parts = [a * math.log(a / b) for a, b in zip(n.first, n.second, strict=True)]
        lines = (fill(r"<a>\log\frac{<a>}{<b>}", a=a, b=b) for a, b in zip(n.first, n.second, strict=True))
        return fill(
            r"""
            **Definition.**
            $D_{KL}(<one>\Vert <two>)=\sum_x<one>(x)\log\dfrac{<one>(x)}{<two>(x)}$, the mean of
            the log-ratio under $<one>$. It is finite, as $<two>(x)>0$ wherever $<one>(x)>0$.

            **Terms**, one for each value:

            <terms>

            **Answer.** $D_{KL}(<one>\Vert <two>)=<sum>\approx <kl:2>$ nats.

            **Does it make sense?** It is positive, as it must be for two different distributions, although
            single terms are negative where $<one>(x)<<two>(x)$. The other direction is $<other:2>$ nats.
            """,
            one=n.asked[0],
            two=n.asked[1],
            terms=column(list(zip(lines, parts, strict=True))),
            sum=added(parts),
            kl=self.answer(n),
            other=sum(b * math.log(b / a) for a, b in zip(n.first, n.second, strict=True)),
        )


class Shared(Problem):
    id = "P-INF-MI"
    title = "Mutual information from a table"
    lecture, objective = LECTURE, "O-4-8"
    unit = "bits"
    hint = (
        r"Compute the four probabilities $p(x)\,p(y)$ that independence would give, and compare with the "
        r"table."
    )

    def draw(self, rng: Random) -> Numbers:
        a, b, c, d = shares(rng, 4)
        return Numbers(joint=[[a, b], [c, d]], px=[a + b, c + d], py=[a + c, b + d])

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import mutual_information

        return mutual_information(n.joint, base=2).item()

    @staticmethod
    def cells(n: Numbers) -> list[tuple[float, float]]:
        """(joint probability, product of the marginals) of the four cells."""
        return [(n.joint[i][j], n.px[i] * n.py[j]) for i in range(2) for j in range(2)]

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        i, cells = self.answer(n), self.cells(n)
        joint = surprise([p for row in n.joint for p in row])
        return [
            (i * math.log(2), BITS),
            (joint, r"That is the joint entropy $H(X,Y)$."),
            (joint - surprise(n.px),
             r"That is $H(Y\mid X)$, what remains unknown of $Y$; the mutual information is what went "
             r"away."),
            (joint - surprise(n.py),
             r"That is $H(X\mid Y)$, what remains unknown of $X$; the mutual information is what went "
             r"away."),
            (surprise(n.px) + surprise(n.py),
             r"That is $H(X)+H(Y)$; the joint entropy still has to be subtracted."),
            (sum(p * math.log2(p / q) for p, q in (cells[0], cells[3])),
             r"You took the cells on the diagonal only; the sum runs over all four."),
            (sum(math.log2(p / q) for p, q in cells), r"You left out the weights $p(x,y)$."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two variables have the joint distribution $p(x,y)$

            <table>

            Compute the mutual information $I(X;Y)$ in bits, to two decimals.
            """,
            table=table(["", "$y=0$", "$y=1$"], ("$x=0$", n.joint[0]), ("$x=1$", n.joint[1])),
        )

    def solution(self, n: Numbers) -> str:
        cells = self.cells(n)
        parts = [p * math.log2(p / q) for p, q in cells]
        lines = (fill(r"<p>\log_2\frac{<p>}{<q>}", p=p, q=q) for p, q in cells)
        return fill(
            r"""
            **Definition.** $I(X;Y)=\sum_{x,y}p(x,y)\log_2\dfrac{p(x,y)}{p(x)\,p(y)}$, the divergence of the
            joint distribution from the product of its marginals.

            **Marginals.** The rows add up to $<a>+<b>=<x0>$ and $<x1>$, the columns to $<a>+<c>=<y0>$ and
            $<y1>$. The denominators are their products, for instance $<x0>\cdot<y0>=<q00>$ in the first
            cell.

            **Terms**, row by row:

            <terms>

            **Answer.** $I(X;Y)=<sum>\approx <i:2>$ bits.

            **Does it make sense?** It is at least 0, and at most the smaller of $H(X)=<hx:2>$ and
            $H(Y)=<hy:2>$ bits, which it would reach only if one variable gave the other away. It is
            above 0 as $p(x,y)\ne p(x)p(y)$: the variables depend on each other.
            """,
            a=n.joint[0][0],
            b=n.joint[0][1],
            c=n.joint[1][0],
            x0=n.px[0],
            x1=n.px[1],
            y0=n.py[0],
            y1=n.py[1],
            q00=cells[0][1],
            terms=column(list(zip(lines, parts, strict=True))),
            sum=added(parts),
            i=self.answer(n),
            hx=surprise(n.px),
            hy=surprise(n.py),
        )


class Conditional(Problem):
    id = "P-INF-COND"
    title = "What is left unknown"
    lecture, objective = LECTURE, "O-4-8"
    unit = "bits"
    hint = (
        r"What stands behind the bar is known. For each of its values divide the cells by their sum, take "
        r"the entropy, and average."
    )

    def draw(self, rng: Random) -> Numbers:
        cells = shares(rng, 6)
        rows = [cells[:3], cells[3:]]
        asked = rng.choice("YX")
        given = rows if asked == "Y" else [list(pair) for pair in zip(*rows, strict=True)]
        return Numbers(rows=rows, asked=asked, other="X" if asked == "Y" else "Y", given=given)

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import conditional_entropy

        return conditional_entropy(n.rows, given=n.other.lower(), base=2).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h = self.answer(n)
        sums = [sum(group) for group in n.given]
        alone = surprise([sum(group) for group in zip(*n.given, strict=True)])
        joint = surprise([p for row in n.rows for p in row])
        plain = [surprise([p / s for p in group]) for group, s in zip(n.given, sums, strict=True)]
        named = {"a": n.asked, "b": n.other}
        return [
            (joint - alone, fill(r"That is $H(<b>\mid <a>)$: the other direction.", **named)),
            (alone, fill(r"That is $H(<a>)$ without any knowledge of $<b>$.", **named)),
            (joint, r"That is the joint entropy $H(X,Y)$."),
            (sum(plain) / len(plain),
             fill(r"You took the plain mean; each value of $<b>$ counts with its probability.", **named)),
            (sum(plain),
             fill(r"You added the entropies; each value of $<b>$ counts with its probability.", **named)),
            (alone - h, r"That is the mutual information, what became known."),
            (h * math.log(2), BITS),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Two variables have the joint distribution $p(x,y)$

            <table>

            Compute the conditional entropy $H(<a>\mid <b>)$ in bits, to two decimals.
            """,
            table=table(["", "$y=1$", "$y=2$", "$y=3$"], ("$x=1$", n.rows[0]), ("$x=2$", n.rows[1])),
            a=n.asked,
            b=n.other,
        )

    def solution(self, n: Numbers) -> str:
        sums = [sum(group) for group in n.given]
        alone = surprise([sum(group) for group in zip(*n.given, strict=True)])
        lines, parts = [], []
        for group, s in zip(n.given, sums, strict=True):
            lines += [fill(r"-<p>\log_2\frac{<p>}{<s>}", p=p, s=s) for p in group]
            parts += [-p * math.log2(p / s) for p in group]
        return fill(
            r"""
            **Definition.** $H(<a>\mid <b>)=-\sum_{x,y}p(x,y)\log_2p(<u>\mid <v>)$: for each value of $<b>$
            the entropy of $<a>$ that is left, averaged with the probabilities of $<b>$.

            **The condition.** $<b>$ runs over the <kind>. Their sums are $p(<v>)$: <sums>. Dividing by them
            gives $p(<u>\mid <v>)=p(x,y)/p(<v>)$.

            **Terms**, one <one> after the other:

            <terms>

            They add up to $<sum>$.

            **Answer.** $H(<a>\mid <b>)\approx <h:2>$ bits.

            **Does it make sense?** Knowledge of $<b>$ cannot raise the entropy of $<a>$ on average: without
            it, $H(<a>)=<alone:2>$ bits. The difference, $I(X;Y)$, is not negative.
            """,
            a=n.asked,
            b=n.other,
            u=n.asked.lower(),
            v=n.other.lower(),
            kind="rows" if n.asked == "Y" else "columns",
            one="row" if n.asked == "Y" else "column",
            sums=", ".join(fill("$<s>$", s=s) for s in sums),
            terms=column(list(zip(lines, parts, strict=True))),
            sum=total(parts),
            h=self.answer(n),
            alone=alone,
        )


class Channel(Problem):
    id = "P-INF-CHANNEL"
    title = "A bit through two noisy channels"
    lecture, objective = LECTURE, "O-4-8"
    unit = "bits"
    hint = r"With which probability does $Z$ differ from $X$? Two flips undo each other."

    def draw(self, rng: Random) -> Numbers:
        e, f = (rng.randint(5, 20) / 100 for _ in range(2))
        return Numbers(e=e, f=f, flip=e * (1 - f) + (1 - e) * f)

    @staticmethod
    def unsure(e: float) -> float:
        """Entropy of a bit that is 1 with probability e, in bits."""
        return surprise([e, 1 - e])

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import mutual_information

        right, wrong = (1 - n.flip) / 2, n.flip / 2
        return mutual_information([[right, wrong], [wrong, right]], base=2).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        first, second = 1 - self.unsure(n.e), 1 - self.unsure(n.f)
        return [
            (1 - self.unsure(n.e + n.f),
             r"You added the two error rates; when both channels flip, the bit is right again."),
            (first * second,
             r"You multiplied the informations of the two channels; the error rates have to be combined "
             r"first."),
            (1 - self.unsure(n.flip) * math.log(2),
             r"You subtracted nats from a bit: with $\log_2$ both are in bits."),
            (self.unsure(n.flip),
             r"That is the entropy of the error, what is lost; 1 bit minus it is what arrives."),
            (self.answer(n) * math.log(2), BITS),
            *[(first, r"That is $I(X;Y)$, after the first channel.")] * (n.e != n.f),
            (1 - n.flip,
             r"That is the probability that the bit arrives unchanged; information is measured by "
             r"entropies."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A fair bit $X$ goes through a channel that flips it with probability $<e>$; what comes out, $Y$,
            goes through a second channel that flips it with probability $<f>$, independently of the first.
            $Z$ comes out.

            Compute the mutual information $I(X;Z)$ in bits, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        parts = [-n.flip * math.log2(n.flip), -(1 - n.flip) * math.log2(1 - n.flip)]
        return fill(
            r"""
            **Assumptions.** $X$ is 0 or 1 with probability $\tfrac12$ each, and the two channels flip
            independently of each other and of $X$.

            **The error of both together.** $Z\ne X$ where exactly one of the channels flips:

            $$r=<e>\cdot<nf>+<ne>\cdot<f>=<flip:6>.$$

            **Entropies.** By symmetry $Z$ is a fair bit too, so $H(Z)=1$ bit. Given $X$, all that is
            unknown of $Z$ is whether it was flipped:

            $$H(Z\mid X)=H_b(r)=-r\log_2r-(1-r)\log_2(1-r),$$

            with the two terms

            <terms>

            **Answer.** $I(X;Z)=H(Z)-H(Z\mid X)=1-<p0>-<p1>\approx <i:2>$ bits.

            **Does it make sense?** It lies between 0 and 1 bit, and below $I(X;Y)=<one:2>$ bits: a
            second noisy step cannot bring information back (the data-processing inequality).
            """,
            n,
            ne=1 - n.e,
            nf=1 - n.f,
            p0=parts[0],
            p1=parts[1],
            terms=column(
                [
                    (fill(r"-<p:6>\log_2 <p:6>", p=p), v)
                    for p, v in zip((n.flip, 1 - n.flip), parts, strict=True)
                ]
            ),
            i=self.answer(n),
            one=1 - self.unsure(n.e),
        )


PROBLEMS = (KL(), Shared(), Conditional(), Channel())
