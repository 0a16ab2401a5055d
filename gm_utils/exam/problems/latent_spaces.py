"""Problems on the latent space of a variational autoencoder: the prior's shell, the mismatch, the blur."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, decimal, fill


def listed(values: list[float]) -> str:
    """The numbers with commas between, in TeX."""
    return r",\;".join(map(decimal, values))


class Shell(Problem):
    id = "P-VAE-SHELL"
    title = "How far out the mean of several draws lies"
    lecture, objective = "11-latent-spaces", "O-11-2"
    rel = 0.005
    hint = r"What is the variance of one coordinate of $\bar z$? Add over the $d$ coordinates."

    def draw(self, rng: Random) -> Numbers:
        return Numbers(
            d=rng.choice([8, 10, 16, 20, 24, 32, 40, 50, 64, 80, 100, 128, 200, 256, 512]),
            k=rng.randint(2, 12),
        )

    def answer(self, n: Numbers) -> float:
        return math.sqrt(n.d / n.k)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        return [
            (math.sqrt(n.d), r"That is the norm of a single draw: averaging shortens it."),
            (
                math.sqrt(n.d) / n.k,
                r"You took the variance of a mean to be $1/k^2$. It is $1/k$: the $k$ variances add before "
                r"the sum is divided by $k$.",
            ),
            (n.d / n.k, r"That is the mean *squared* norm; take the root."),
            (math.sqrt(n.d * n.k), r"That is the norm of the sum; the mean divides it by $k$."),
            (math.sqrt(1 / n.k), r"That is one coordinate; add the variances of all $d$ before the root."),
            (0.0, r"The mean *vector* is 0 in expectation; its length is not."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            $<k>$ codes are drawn independently from the prior $\mathcal N(0,I_d)$ with $d=<d>$, and
            averaged: $\bar z=\frac1{<k>}(z_1+\dots+z_{<k>})$.

            Compute the root mean square of the norm, $\sqrt{\mathbb E\Vert\bar z\Vert^2}$, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Assumptions.** The draws are independent, and each coordinate has mean 0 and variance 1.

            **One coordinate.** The mean of $k$ independent numbers of variance 1 has mean 0 and variance
            $k\cdot\frac1{k^2}=\frac1k$. So $\bar z\sim\mathcal N(0,\tfrac1kI_d)$.

            **All coordinates.** $\mathbb E\Vert\bar z\Vert^2=\sum_{j=1}^d\operatorname{Var}(\bar
            z_j)=\dfrac dk= \dfrac{<d>}{<k>}=<ratio>$.

            **Answer.** $\sqrt{\mathbb E\Vert\bar z\Vert^2}=\sqrt{<ratio>}=<a:2>$ (in units of the prior's
            standard deviation).

            **Does it make sense?** A single draw has $\sqrt d=<one>$, and $\bar z$ is shorter by the
            factor $\sqrt k=<root>$. For large $d$ prior
            draws lie in a thin shell around $\sqrt d$; their average lies well inside it.
            """,
            n,
            ratio=n.d / n.k,
            a=self.answer(n),
            one=math.sqrt(n.d),
            root=math.sqrt(n.k),
        )


class Surgery(Problem):
    id = "P-VAE-SURGERY"
    title = "Information and mismatch in the KL term"
    lecture, objective = "11-latent-spaces", "O-11-4"
    unit = "nats"
    hint = (
        r"$q(z)=\tfrac12\big(q(z\mid x_1)+q(z\mid x_2)\big)$, and the mismatch is "
        r"$D_{KL}(q(z)\Vert p(z))$."
    )

    PMFS = ((4, 4, 0, 0), (4, 2, 2, 0), (8, 0, 0, 0), (6, 2, 0, 0), (6, 1, 1, 0), (4, 2, 1, 1), (5, 1, 1, 1))
    PRIORS = ((2, 2, 2, 2), (4, 2, 1, 1), (3, 3, 1, 1), (1, 3, 3, 1))

    def draw(self, rng: Random) -> Numbers:
        q1, q2 = ([k / 8 for k in rng.sample(rng.choice(self.PMFS), 4)] for _ in range(2))
        return Numbers(
            q1=q1,
            q2=q2,
            p=[k / 8 for k in rng.choice(self.PRIORS)],
            q=[(a + b) / 2 for a, b in zip(q1, q2, strict=True)],
        )

    @staticmethod
    def kl(q: list[float], p: list[float]) -> float:
        """D(q || p) in nats."""
        from gm_utils.information import kl_divergence

        return kl_divergence(q, p).item()

    def answer(self, n: Numbers) -> float:
        return self.kl(n.q, n.p)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        mean, information = self.average(n), self.average(n) - self.answer(n)
        return [
            (
                mean,
                r"That is the whole KL term. Part of it is information about the image, which the "
                r"mismatch does not contain.",
            ),
            (information, r"That is the information $I(n;z)$, the other part."),
            (self.answer(n) / math.log(2), r"That is in bits; nats are asked for."),
            (mean + information, r"The information is subtracted from the average KL, not added."),
            *[
                (
                    self.kl(n.p, n.q),
                    r"That is $D_{KL}(p\Vert q)$: in the ELBO $q$ stands first and weighs the "
                    r"logarithms.",
                )
            ]
            * all(n.q),
        ]

    def average(self, n: Numbers) -> float:
        """The KL term averaged over the two images, in nats."""
        return (self.kl(n.q1, n.p) + self.kl(n.q2, n.p)) / 2

    def statement(self, n: Numbers) -> str:
        def row(name: str, pmf: list[float]) -> str:
            return f"| {name} | " + " | ".join(f"${decimal(k)}$" for k in pmf) + " |"

        rows = [row(r"$q(z\mid x_1)$", n.q1), row(r"$q(z\mid x_2)$", n.q2), row("prior $p(z)$", n.p)]
        return fill(
            r"""
            A toy VAE has a latent with four values and is trained on two images. Its encoder and prior are

            <table>

            The KL term of the ELBO, averaged over the two images, splits into the information that the
            code has about the image, and the mismatch between the aggregated posterior $q(z)$ and the
            prior. Compute the **mismatch** in nats, to two decimals.
            """,
            table="\n".join(["| $z$ | 1 | 2 | 3 | 4 |", "|---|---|---|---|---|", *rows]),
        )

    def solution(self, n: Numbers) -> str:
        terms = r"\\".join(
            fill(r"<a>\log\frac{<a>}{<b>}&=<v>", a=a, b=b, v=a * math.log(a / b))
            for a, b in zip(n.q, n.p, strict=True)
            if a
        )
        parts = [a * math.log(a / b) for a, b in zip(n.q, n.p, strict=True) if a]
        k1, k2 = self.kl(n.q1, n.p), self.kl(n.q2, n.p)
        mean = round((round(k1, 4) + round(k2, 4)) / 2 + 1e-9, 4)  # a tie goes up, as by hand
        total = sum(round(part, 4) for part in parts)
        zero = r" (one with $q(z)=0$ adds 0)" if 0 in n.q else ""
        return fill(
            r"""
            **Assumption.** The two images have weight $\tfrac12$ each, as in an average over the
            training set.

            **The split.** Add and subtract $\log q(z)$ under the average:

            $$\tfrac12\sum_nD_{KL}\big(q(z\mid x_n)\Vert p(z)\big)
            =\tfrac12\sum_nD_{KL}\big(q(z\mid x_n)\Vert q(z)\big)
            +D_{KL}\big(q(z)\Vert p(z)\big).$$

            The first part is the information $I(n;z)$ between image and code, the second is the mismatch.

            **Aggregated posterior.** Averaging the two rows gives $q(z)=(<q>)$.

            **Mismatch**, the sum over the values of $z$<zero> of

            $$\begin{aligned}<terms>\end{aligned}$$

            They add up to $<total>$.

            **Answer.** $D_{KL}\big(q(z)\Vert p(z)\big)\approx <a:2>$ nats.

            **Does it make sense?** The average of the two KL terms is $\tfrac12(<k1>+<k2>)\approx <mean>$
            nats, so the information is about $<mean>-<total>=<i>$ nats. It lies between 0 and
            $\log2=<log2>$, as the information about one of two images must.
            """,
            q=listed(n.q),
            zero=zero,
            terms=terms,
            a=self.answer(n),
            mean=f"{mean:.4f}",
            k1=k1,
            k2=k2,
            total=f"{total:.4f}",
            i=f"{mean - total:.4f}",
            log2=math.log(2),
        )


class Blur(Problem):
    id = "P-VAE-BLUR"
    title = "The best reconstruction of a shared code"
    lecture, objective = "11-latent-spaces", "O-11-7"
    rel = 0.005
    hint = (
        r"Set the derivative of $\mathbb E\Vert x-\hat x\Vert^2$ with respect to one pixel of $\hat x$ to "
        r"zero."
    )

    def draw(self, rng: Random) -> Numbers:
        images = [[rng.choice([0.0, 0.5, 1.0]) for _ in range(3)] for _ in range(3)]
        weights = rng.choice([(0.5, 0.25, 0.25), (0.6, 0.2, 0.2), (0.5, 0.3, 0.2), (0.4, 0.35, 0.25)])
        weights = rng.sample(weights, 3)
        return Numbers(images=images, weights=weights, mean=self.mean(images, weights))

    @staticmethod
    def mean(images: list[list[float]], weights: list[float]) -> list[float]:
        """The weighted mean image."""
        return [
            sum(r * x for r, x in zip(weights, pixel, strict=True)) for pixel in zip(*images, strict=True)
        ]

    @staticmethod
    def error(n: Numbers, guess: list[float]) -> float:
        """Expected squared error, summed over the pixels, of one guess for all images."""
        pairs = zip(n.weights, n.images, strict=True)
        return sum(r * sum((a - g) ** 2 for a, g in zip(image, guess, strict=True)) for r, image in pairs)

    def answer(self, n: Numbers) -> float:
        return self.error(n, n.mean)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        likely, even = n.images[n.weights.index(max(n.weights))], [1 / 3] * 3
        return [
            (
                self.error(n, self.mean(n.images, even)),
                r"Your $\hat x$ is the plain average of the images; each "
                r"counts with its weight.",
            ),
            (
                self.error(Numbers(images=n.images, weights=even), self.mean(n.images, even)),
                r"You gave the three images the same weight; each counts with its probability "
                r"$q(x_n\mid z)$, in the mean image and in the error.",
            ),
            (
                self.error(n, likely),
                r"You decoded the most probable image. It is sharp, but its expected squared error "
                r"is larger than that of the weighted mean.",
            ),
            (self.answer(n) / 3, r"You averaged over the pixels; the sum is asked for."),
            (
                self.error(n, [0.0, 0.0, 0.0]),
                r"That is $\mathbb E\Vert x\Vert^2$; the square of the mean still has to "
                r"be subtracted.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        rows = "\n".join(
            f"| $x_{j}$ | $({listed(image)})$ | ${decimal(r)}$ |"
            for j, (image, r) in enumerate(zip(n.images, n.weights, strict=True), 1)
        )
        table = "| image | pixels | $q(x_n\\mid z)$ |\n|---|---|---|\n" + rows
        return fill(
            r"""
            Three training images of three pixels share the code $z$. Given $z$, the image is one of
            them with the probabilities

            <table>

            A decoder returns one image $\hat x$ for this code. It is trained on the squared error
            summed over the pixels, and can return anything. Compute the expected squared error of its
            best $\hat x$, to two decimals.
            """,
            table=table,
        )

    def solution(self, n: Numbers) -> str:
        squares = self.mean([[a * a for a in image] for image in n.images], n.weights)
        parts = [s - m * m for s, m in zip(squares, n.mean, strict=True)]
        lines = ",\\qquad ".join(
            fill("<s:6>-<m:6>^2=<v>", s=s, m=m, v=v) for s, m, v in zip(squares, n.mean, parts, strict=True)
        )
        likely = n.images[n.weights.index(max(n.weights))]
        return fill(
            r"""
            **Assumption.** The decoder is flexible enough to return any $\hat x$ for this code; the
            code tells nothing more about which image it was.

            **The best reconstruction.** The error is quadratic in each pixel, and

            $$\frac{\partial}{\partial\hat x}\,\mathbb E\Vert x-\hat x\Vert^2=-2\,\mathbb E[x-\hat x]=0
            \quad\text{gives}\quad\hat x=\mathbb E[x\mid z]=\sum_nq(x_n\mid z)\,x_n=(<mean>).$$

            The second derivative is $2>0$: a minimum.

            **Its error** is the variance, pixel by pixel $\mathbb E[x_i^2]-\hat x_i^2$:

            $$<lines>.$$

            **Answer.** The sum over the pixels is $<sum>=<a:2>$ (squared grey values): the blur of this code.

            **Does it make sense?** Returning the most probable image would be sharp and cost $<sharp>$,
            which is more. Squared error prefers a blend of the images, never quite right and never quite
            wrong.
            """,
            mean=listed(n.mean),
            lines=lines,
            sum="+".join(map(decimal, parts)),
            a=self.answer(n),
            sharp=self.error(n, likely),
        )


PROBLEMS = (Shell(), Surgery(), Blur())
