"""Problems on one distribution over a few values, and on a code or a model for it."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, decimal, fill
from gm_utils.exam.solution import added, column, shares, table

LECTURE = "04-information-theory"
BITS = r"That is in nats; bits are asked for: use $\log_2$."
NATS = r"That is in bits; nats are asked for: use the natural logarithm."


class Entropy(Problem):
    id = "P-INF-ENTROPY"
    title = "Entropy of a distribution with four values"
    lecture, objective = LECTURE, "O-4-2"
    unit = "bits"
    hint = (
        r"First the missing probability. Then each value's surprise $-\log_2P$, weighted by how often it "
        r"comes."
    )

    def draw(self, rng: Random) -> Numbers:
        p = shares(rng, 4)
        return Numbers(p=p, a=p[0], b=p[1], c=p[2], d=p[3])

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import entropy

        return entropy(n.p, base=2).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h = self.answer(n)
        surprises = [-math.log2(p) for p in n.p]
        return [
            (h * math.log(2), BITS),
            (h * math.log10(2), r"You used the logarithm to base 10; bits need base 2."),
            (-h,
             r"The sign: probabilities are below 1, so their logarithms are negative, and the minus in "
             r"front makes the sum positive."),
            (2.0,
             r"That is the entropy of the uniform distribution, the largest possible one on four values."),
            (sum(surprises) / 4,
             r"You took the plain mean of the four surprises; each counts with its probability."),
            (h + n.d * math.log2(n.d), r"You left out $d$, whose probability is what the others leave."),
            (2**h, r"That is $2^H$, the perplexity."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A source emits one of four symbols, with the probabilities $P(a)=<a>$, $P(b)=<b>$ and
            $P(c)=<c>$; the fourth symbol, $d$, takes the rest.

            Compute the entropy of a symbol in bits, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        parts = [-p * math.log2(p) for p in n.p]
        return fill(
            r"""
            **Definition.** $H=-\sum_xP(x)\log_2P(x)$, the mean of the surprises $-\log_2P(x)$.

            **The rest.** Probabilities sum to 1, so $P(d)=1-<a>-<b>-<c>=<d>$.

            **Terms.**

            <terms>

            **Answer.** $H=<sum>\approx <h:2>$ bits.

            **Does it make sense?** On four values the entropy lies between 0 (always the same symbol) and
            $\log_2 4=2$ bits (all four alike). This source is uneven, so it stays below 2.
            """,
            n,
            terms=column([(fill(r"-<p>\log_2 <p>", p=p), v) for p, v in zip(n.p, parts, strict=True)]),
            sum=added(parts),
            h=self.answer(n),
        )


class Code(Problem):
    id = "P-INF-CODE"
    title = "What the wrong code costs"
    lecture, objective = LECTURE, "O-4-2"
    unit = "bits"
    places = None
    rel, abs = 0.005, 0.0006
    hint = (
        r"The best code gives a symbol of probability $2^{-k}$ a word of $k$ bits. Compare the two mean "
        r"lengths."
    )

    LENGTHS = ((1, 2, 3, 4, 4), (1, 3, 3, 3, 3), (2, 2, 2, 3, 3))

    def draw(self, rng: Random) -> Numbers:
        best, used = (rng.sample(rng.choice(self.LENGTHS), 5) for _ in range(2))
        return Numbers(best=best, used=used, p=[0.5**k for k in best], q=[0.5**k for k in used])

    @staticmethod
    def mean(p: list[float], lengths: list[int]) -> float:
        """Mean length in bits."""
        return sum(a * k for a, k in zip(p, lengths, strict=True))

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import kl_divergence

        return kl_divergence(n.p, n.q, base=2).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right = self.answer(n)
        return [
            (self.mean(n.p, n.used),
             r"That is the mean length with the given code. How long would it be with the best one?"),
            (self.mean(n.p, n.best), r"That is the mean length of the best code, the entropy."),
            (self.mean(n.q, n.best) - self.mean(n.q, n.used),
             r"That is the other direction, $D_{KL}(Q\Vert P)$ with $Q=2^{-\text{length}}$: what "
             r"the best code for $P$ would cost if the symbols came with the probabilities $Q$."),
            ((sum(n.used) - sum(n.best)) / 5,
             r"You took the plain mean over the five words; frequent symbols count more."),
            (self.mean(n.p, n.used) - math.log2(5),
             r"You compared with $\log_25$, the entropy of five symbols that are all alike."),
            (right * math.log(2), r"That is in nats; a code's length is counted in bits."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Five symbols come with the probabilities $P$. They are written with a prefix code that was made
            for another source; the lengths of its words, in bits:

            <table>

            By how many bits per symbol is its mean length above that of the best prefix code for $P$? Give
            the exact value.
            """,
            table=table(["", "$a$", "$b$", "$c$", "$d$", "$e$"], ("$P$", n.p), ("length", n.used)),
        )

    def solution(self, n: Numbers) -> str:
        def terms(lengths: list[int]) -> str:
            pairs = zip(n.p, lengths, strict=True)
            return "+".join(rf"{decimal(p, 6)}\cdot{k}" for p, k in pairs)

        return fill(
            r"""
            **Assumptions.** Symbols are written one at a time, and each $P(x)$ is a power of $\tfrac12$, so
            that a prefix code can have words of exactly $-\log_2P(x)$ bits. No prefix code is shorter on
            average: $L\ge H(P)$.

            **The best code** has the lengths $-\log_2P(x)$, here <best>, and the mean length

            $$H(P)=<tb>=<lb:6>.$$

            **The given code**, under the same probabilities:

            $$L=<tu>=<lu:6>.$$

            **Answer.** $L-H(P)=<lu:6>-<lb:6>=<a:6>$ bits per symbol.

            **Does it make sense?** The given code is the best one for $Q(x)=2^{-\text{length}}$, so $L$ is
            the cross-entropy $H(P,Q)$ and the excess is $D_{KL}(P\Vert Q)$ in bits. It is
            positive, as it must be for $Q\ne P$.
            """,
            best=r", ".join(f"${k}$" for k in n.best),
            tb=terms(n.best),
            tu=terms(n.used),
            lb=self.mean(n.p, n.best),
            lu=self.mean(n.p, n.used),
            a=self.answer(n),
        )


class Classifier(Problem):
    id = "P-INF-CLASSIFIER"
    title = "The loss of a classifier on three images"
    lecture, objective = LECTURE, "O-4-2"
    unit = "nats"
    hint = r"The label's distribution has one entry 1 and two 0: what is left of $-\sum_kp_k\log q_k$?"

    NAMES = ("cat", "dog", "owl")

    def draw(self, rng: Random) -> Numbers:
        rows, labels = [shares(rng, 3) for _ in range(3)], [rng.randrange(3) for _ in range(3)]
        return Numbers(rows=rows, labels=labels, q=[row[k] for row, k in zip(rows, labels, strict=True)])

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import cross_entropy

        onehot = [[float(k == label) for k in range(3)] for label in n.labels]
        return cross_entropy(onehot, n.rows).mean().item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        loss = self.answer(n)
        every = -sum(math.log(q) for row in n.rows for q in row) / 3
        surest = -sum(math.log(max(row)) for row in n.rows) / 3
        first = [(surest,
                  r"You took the largest probability of each row. The label decides which one counts, "
                  r"also where the classifier is wrong.")]  # fmt: skip
        return [
            *first * (surest < loss),
            (3 * loss, r"That is the sum; the mean over the three images is asked for."),
            (loss / math.log(2), NATS),
            (-math.log(sum(n.q) / 3),
             r"You averaged the probabilities and took the logarithm after; the loss averages the "
             r"logarithms."),
            (every,
             r"You summed $-\log q_k$ over all three classes; only the label's term has the weight 1."),
            (-loss, r"The sign: $\log q$ is negative, the loss is $-\log q$."),
            (loss * math.log10(math.e), r"You used the logarithm to base 10; nats need the natural one."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        rows = [(self.NAMES[k], row) for k, row in zip(n.labels, n.rows, strict=True)]
        head = ["label", *(f"$q$({name})" for name in self.NAMES)]
        return fill(
            r"""
            A classifier sees three images and returns for each the probabilities of three classes. With the
            true labels:

            <table>

            Compute its mean cross-entropy loss over the three images in nats, to two decimals.
            """,
            table=table(head, *rows),
        )

    def solution(self, n: Numbers) -> str:
        parts = [-math.log(q) for q in n.q]
        return fill(
            r"""
            **Definition.** The loss of one image is the cross-entropy $H(p,q)=-\sum_kp_k\log q_k$ of its
            label, written as a distribution $p$ with a single 1, and the prediction $q$. The zeros of $p$
            remove all terms but one: $H(p,q)=-\log q_y$ with the label $y$.

            **The three images**, with the probabilities that the labels got:

            <terms>

            **Answer.** The mean is $\frac{<sum>}{3}\approx <a:2>$ nats.

            **Does it make sense?** A classifier that always says $\tfrac13$ has the loss
            $\log3\approx 1.0986$ nats, so this one is <than> guessing on these images. The loss would be 0
            only if every label got probability 1.
            """,
            terms=column([(fill(r"-\log <q>", q=q), v) for q, v in zip(n.q, parts, strict=True)]),
            sum=added(parts),
            a=self.answer(n),
            than="better than" if self.answer(n) < math.log(3) else "worse than",
        )


class Perplexity(Problem):
    id = "P-INF-PERPLEXITY"
    title = "Perplexity of a short sentence"
    lecture, objective = LECTURE, "O-4-2"
    hint = r"Take the mean surprise of the four words first, in any unit, and undo the logarithm at the end."

    def draw(self, rng: Random) -> Numbers:
        p = [rng.choice([0.02, 0.04, 0.05, 0.1, 0.2, 0.25, 0.4, 0.5, 0.8]) for _ in range(4)]
        return Numbers(p=p, a=p[0], b=p[1], c=p[2], d=p[3])

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and self.answer(n) < 30

    @staticmethod
    def surprise(n: Numbers) -> float:
        """Mean surprise in nats."""
        from gm_utils.information import self_information

        return self_information(n.p).mean().item()

    def answer(self, n: Numbers) -> float:
        return math.exp(self.surprise(n))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        nats = self.surprise(n)
        return [
            (nats, r"That is the mean surprise in nats; the perplexity is $e$ to this power."),
            (nats / math.log(2), r"That is the mean surprise in bits; the perplexity is 2 to this power."),
            (2**nats, r"You mixed the units: nats go with $e^H$, bits with $2^H$."),
            (math.exp(nats / math.log(2)), r"You put bits into $e^H$: bits go with $2^H$, nats with $e^H$."),
            (4 / sum(n.p),
             r"You averaged the probabilities and inverted; the mean is taken of the logarithms."),
            (sum(1 / p for p in n.p) / 4,
             r"You averaged the inverse probabilities; the mean is taken of the logarithms."),
            (1 / self.answer(n), r"That is upside down: the perplexity is at least 1."),
            (math.exp(4 * nats), r"That is for the whole sentence; perplexity is per word."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A language model reads a sentence of four words. To the word that comes next it gave, one after
            the other, the probabilities $<a>$, $<b>$, $<c>$ and $<d>$, each given the words before.

            Compute the model's perplexity on this sentence, per word, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        parts, whole = [-math.log(p) for p in n.p], math.prod(map(Fraction, map(str, n.p)))
        return fill(
            r"""
            **Definition.** The perplexity is $e^H$, where $H$ is the mean surprise $-\log p$ of a word in
            nats (or $2^H$ with $H$ in bits, which is the same number).

            **Assumption.** By the chain rule the probability of the sentence is the product of the four
            conditional probabilities, so the surprises add.

            **Surprises** in nats:

            <terms>

            **Mean.** $H=\frac{<sum>}{4}\approx <mean>$ nats per word.

            **Answer.** The perplexity is $e^{<mean>}\approx <a:2>$ (no unit).

            **Does it make sense?** It must be the inverse of the geometric mean of the probabilities:
            their product is $<a0>\cdot<b>\cdot<c>\cdot<d>=<product>$, and $<product>^{-1/4}$ is the same. The
            model is as unsure as if it chose among about $<a:1>$ equally likely words; that lies between
            $1/<high>=<one>$ and $1/<low>=<other>$, the values of its best and its worst word.
            """,
            n,
            a0=n.a,
            product=decimal(float(whole), 8),
            terms=column([(fill(r"-\log <p>", p=p), v) for p, v in zip(n.p, parts, strict=True)], 5),
            sum=added(parts, 5),
            mean=f"{sum(round(v, 5) for v in parts) / 4 + 1e-9:.5f}",
            high=max(n.p),
            low=min(n.p),
            one=1 / max(n.p),
            other=1 / min(n.p),
            a=self.answer(n),
        )


PROBLEMS = (Entropy(), Code(), Classifier(), Perplexity())
