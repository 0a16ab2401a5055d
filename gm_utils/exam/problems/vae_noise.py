"""Problems on the observation noise of a variational autoencoder, and on the latents that live."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill


class Noise(Problem):
    id = "P-VAE-NOISE"
    title = "The noise that a squared-error loss assumes"
    lecture, objective = "10-vae", "O-10-7"
    places = None
    rel, abs = 0.005, 0.0006
    hint = (
        r"Write down the negative ELBO with $\sigma_x^2$ in it. Then scale your loss so that the KL term "
        r"has the factor 1, and compare the factors of $\sum_i(x_i-\hat x_i)^2$."
    )

    def draw(self, rng: Random) -> Numbers:
        side, mean = rng.choice([8, 10, 12, 14, 16, 20, 28, 32]), rng.random() < 0.6
        beta = rng.choice(
            [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] if mean else [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 3, 4, 5, 6, 8]
        )
        return Numbers(side=side, D=side**2, beta=beta, mean=mean, scale=side**2 if mean else 1)

    def answer(self, n: Numbers) -> float:
        return n.beta * n.scale / 2

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right = self.answer(n)
        wrong = [
            (2 * right, r"You forgot the 2 of $\frac{1}{2\sigma_x^2}$."),
            (math.sqrt(right), r"That is the standard deviation $\sigma_x$; the variance is asked for."),
            (
                n.scale / 2,
                r"That is the variance for $\beta=1$. Here the KL term has the weight $\beta$: divide the "
                r"whole loss by it first.",
            ),
            (
                n.scale / (2 * n.beta),
                r"You divided by $\beta$. Bring the loss to the form "
                r"$c\cdot\text{SSE}+D_{KL}$ first: a larger weight on the KL term means "
                r"*more* noise.",
            ),
        ]
        if n.mean:
            return [
                *wrong,
                (
                    1 / (2 * n.beta * n.D),
                    r"That is upside down: $\frac1{2\sigma_x^2}=\frac1{\beta D}$, so $\sigma_x^2$ is half "
                    r"of $\beta D$, not half of $\frac1{\beta D}$.",
                ),
                (
                    n.beta / 2,
                    r"You treated the mean over the pixels as a sum: the loss divides the "
                    r"squared error by $D$.",
                ),
            ]
        return [*wrong, (n.beta * n.D / 2, r"You treated the sum over the pixels as a mean.")]

    def statement(self, n: Numbers) -> str:
        loss = r"\frac1D\sum_{i=1}^D(x_i-\hat x_i)^2" if n.mean else r"\sum_{i=1}^D(x_i-\hat x_i)^2"
        return fill(
            r"""
            A variational autoencoder for images of $<side>\times<side>$ grey values in $[0,1]$, so
            $D=<D>$, is trained on the loss per image

            $$L=<loss>+\beta\,D_{KL}\big(q(z\mid x)\,\Vert\,\mathcal N(0,I)\big),
            \qquad\beta=<beta>.$$

            Up to a positive factor and a constant this is the negative ELBO of a decoder $p(x\mid
            z)=\mathcal N(\hat x(z),\,\sigma_x^2I)$ with fixed noise. Which **variance** $\sigma_x^2$ is
            it?
            """,
            n,
            loss=loss,
        )

    def solution(self, n: Numbers) -> str:
        size = rf"\frac{{1}}{{{n.D}\cdot{n.beta}}}" if n.mean else rf"\frac{{1}}{{{n.beta}}}"
        general = (
            rf"\frac{{\beta D}}2=\frac{{{n.beta}\cdot{n.D}}}2"
            if n.mean
            else rf"\frac\beta2=\frac{{{n.beta}}}2"
        )
        sense = (
            "more than that, so more than any pixel can vary: with a linear decoder every direction of the "
            "data with less variance than this collapses."
            if self.answer(n) > 0.25
            else "less than that, so it is possible; whether it fits the data shows in the mean squared "
            "error per pixel."
        )
        return fill(
            r"""
            **Assumptions.** $\sigma_x^2$ is fixed, so the normalising constant does not depend on the
            parameters; the expectation over $q(z\mid x)$ is the same in both losses and is not written.

            **Negative ELBO**, with $\text{SSE}=\sum_i(x_i-\hat x_i)^2$:

            $$-\mathcal L=\frac{1}{2\sigma_x^2}\,\text{SSE}+\frac D2\log(2\pi\sigma_x^2)+D_{KL}.$$

            **The loss, divided by $\beta$**, so that the KL term has the factor 1:

            $$\frac L\beta=<size>\,\text{SSE}+D_{KL}.$$

            **Comparing** the factors of SSE: $\dfrac1{2\sigma_x^2}=<size>$.

            **Answer.** $\sigma_x^2=<general>=<a>$ (in squared units of the grey value).

            **Does it make sense?** Grey values in $[0,1]$ have a variance of at most $\tfrac14$. The assumed
            noise is <sense>
            """,
            size=size,
            general=general,
            a=self.answer(n),
            sense=sense,
        )


class Calibrated(Problem):
    id = "P-VAE-CALIBRATED"
    title = "The reconstruction term with calibrated noise"
    lecture, objective = "10-vae", "O-10-7"
    unit = "nats"
    places = 1
    rel, abs = 0.005, 0.06
    hint = r"Write the average term as a function of $\sigma_x^2$ and set its derivative to zero."

    def draw(self, rng: Random) -> Numbers:
        D = rng.choice([16, 25, 36, 64, 100, 144, 196, 256])
        mse = rng.choice([0.004, 0.005, 0.008, 0.01, 0.02, 0.025, 0.04, 0.05, 0.08, 0.1])
        return Numbers(D=D, mse=mse, sse=D * mse)

    def answer(self, n: Numbers) -> float:
        return -n.D / 2 * math.log(2 * math.pi * math.e * n.mse)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right = self.answer(n)
        return [
            (-right, r"The sign: that is the *negative* log-likelihood."),
            (
                right + n.D / 2,
                r"You left out the quadratic part. With the best $\sigma_x^2$ it is $D/2$ nats, "
                r"the $e$ inside the logarithm.",
            ),
            (
                -n.D / 2 * math.log(2 * math.pi * n.sse) - 0.5,
                r"You set $\sigma_x^2=S$, the squared error of the whole image. The best variance is $S/D$, "
                r"the error *per pixel*.",
            ),
            (
                -n.D / 2 * math.log(2 * math.pi * math.e * n.sse),
                r"You put the squared error of the whole image into the closed form; the best variance is "
                r"the error *per pixel*.",
            ),
            (right / n.D, r"That is per pixel; the term of the whole image is asked for."),
            (2 * right, r"You forgot the factor one half."),
            (
                -n.sse - n.D / 2 * math.log(math.pi),
                r"You kept $\sigma_x^2=\tfrac12$, which is what a sum of squares "
                r"assumes. Calibrated means: the best $\sigma_x^2$.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A decoder is $p(x\mid z)=\mathcal N(\hat x(z),\,\sigma_x^2I)$ over $D=<D>$ pixels, with one
            variance for all pixels and images. On the data the expected squared error of an image,
            summed over its pixels and averaged over images and codes $z\sim q(z\mid x)$, is $<sse>$.

            The variance is calibrated: it takes the value that is best for this error. Compute the average
            reconstruction term $\mathbb E_q[\log p(x\mid z)]$ of an image in nats, to one decimal.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Assumptions.** Pixels are independent given $z$ and share one variance; the decoder's
            means, and hence the error $S=<sse>$, are kept while $\sigma_x^2$ is chosen.

            **The term as a function of the variance**, averaged over images and codes:

            $$R(\sigma_x^2)=-\frac D2\log(2\pi\sigma_x^2)-\frac{S}{2\sigma_x^2}.$$

            **The best variance.** $R'=-\dfrac{D}{2\sigma_x^2}+\dfrac{S}{2\sigma_x^4}=0$ gives
            $\sigma_x^2=S/D=<sse>/<D>=<mse>$, the mean squared error per pixel. $R$ rises before and
            falls after, so this is the maximum.

            **Putting it in.** The quadratic part becomes $S/(2\sigma_x^2)=D/2$:

            $$R=-\frac D2\big(\log(2\pi\sigma_x^2)+1\big),\qquad
            \log(2\pi\cdot<mse>)+1=<bracket:5>.$$

            **Answer.** $\mathbb E_q[\log p(x\mid z)]\approx -<half>\cdot<(bracket):5>\approx <a:1>$ nats
            per image.

            **Does it make sense?** It is a log-*density*, so it may be positive: it is here <sign>, as
            $2\pi e\sigma_x^2=<inner>$ is <side> 1.
            """,
            n,
            half=n.D / 2,
            bracket=math.log(2 * math.pi * n.mse) + 1,
            a=self.answer(n),
            inner=2 * math.pi * math.e * n.mse,
            sign="positive" if self.answer(n) > 0 else "negative",
            side="below" if self.answer(n) > 0 else "above",
        )


class Active(Problem):
    id = "P-VAE-ACTIVE"
    title = "Counting active units"
    lecture, objective = "10-vae", "O-10-8"
    unit = "latents"
    places = 0
    rel, abs = 0.0, 0.0
    hint = (
        r"Only one column enters the criterion. Which one tells whether the code *changes* with the "
        r"image?"
    )

    # kind of latent: means of the code, variances s over images, the encoder's variances (near 1 - s if none)
    ROWS = {
        "active": ([-0.05, 0.02, 0.04, 0.08], [0.61, 0.74, 0.83, 0.91, 0.95], []),
        "offset": ([-1.2, -0.8, 0.7, 0.9, 1.1], [0.0], [0.97, 0.98, 1.0]),
        "faint": ([-0.01, 0.0, 0.01], [0.002, 0.003, 0.005, 0.006], [0.98, 0.99]),
        "dead": ([0.0], [0.0], [0.99, 1.0]),
    }

    def draw(self, rng: Random) -> Numbers:
        counts = {"active": rng.randint(1, 5), "offset": rng.randint(1, 3), "faint": rng.randint(1, 3)}
        kinds = [kind for kind, count in counts.items() for _ in range(count)][:8]
        kinds += ["dead"] * (8 - len(kinds))
        rows = []
        for means, spreads, variances in map(self.ROWS.get, kinds):
            m, s = rng.choice(means), rng.choice(spreads)
            rows.append((m, s, rng.choice(variances or [round(1 - s - 0.02, 2), round(1 - s + 0.03, 2)])))
        rng.shuffle(rows)
        return Numbers(rows=rows, kl=[(m * m + s + v - math.log(v) - 1) / 2 for m, s, v in rows])

    def answer(self, n: Numbers) -> float:
        return float(sum(spread > 0.01 for _, spread, _ in n.rows))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        return [
            (
                float(sum(kl > 0.01 for kl in n.kl)),
                r"You counted the latents with a KL above 0.01. A code with a "
                r"constant mean other than 0 pays KL on every image and still says nothing about the image.",
            ),
            (
                float(sum(math.sqrt(s) > 0.01 for _, s, _ in n.rows)),
                r"You compared the standard deviation with the "
                r"threshold; the criterion is about the variance.",
            ),
            (float(sum(s <= 0.01 for _, s, _ in n.rows)), r"That is the number of *inactive* latents."),
        ]

    def statement(self, n: Numbers) -> str:
        body = "\n".join(
            f"| {j} | ${m:.2f}$ | ${s:.3f}$ | ${v:.2f}$ | ${kl:.3f}$ |"
            for j, ((m, s, v), kl) in enumerate(zip(n.rows, n.kl, strict=True), 1)
        )
        head = r"| latent | mean of $\mu_j$ | variance of $\mu_j$ | $\sigma_j^2$ | mean KL (nats) |"
        return fill(
            r"""
            For each latent of a trained VAE the table gives, over the test images: the mean and the
            variance of the encoder's mean $\mu_j(x)$, the encoder's variance $\sigma_j^2$ (nearly the
            same for all images), and the average KL divergence to the prior.

            <table>

            Take the definition of Burda et al. (2016): a unit is active if the variance of its mean code
            over the images exceeds 0.01, $\operatorname{Var}_x\big(\mu_j(x)\big)>0.01$. How many of the
            eight are active?
            """,
            table=f"{head}\n|---|---|---|---|---|\n{body}",
        )

    def solution(self, n: Numbers) -> str:
        def named(chosen: list[int]) -> str:
            return ("latent " if len(chosen) == 1 else "latents ") + ", ".join(map(str, chosen))

        live = [j for j, (_, s, _) in enumerate(n.rows, 1) if s > 0.01]
        fixed = [j for j, (m, s, _) in enumerate(n.rows, 1) if s == 0 and abs(m) > 0.5]
        faint = [j for j, (_, s, _) in enumerate(n.rows, 1) if 0 < s <= 0.01]
        dead = len(n.rows) > len(live) + len(fixed) + len(faint)
        rest = r"All others are collapsed: mean 0, variance 0, $\sigma_j^2$ near 1." if dead else ""
        return fill(
            r"""
            **Criterion.** A latent is active if its mean code varies with the image: the variance
            column must exceed 0.01. The other columns do not enter.

            **Active:** <live>.

            **Not active although their KL is large:** <fixed>. The mean is not 0, but it is the same
            for all images. The decoder can absorb such a constant into its bias; the KL, about
            $\tfrac12\mu_j^2$, is paid for nothing.

            **Not active, variance below the threshold:** <faint>. (The standard deviation exceeds 0.01,
            but the criterion is about the variance.) <rest>

            **Answer.** $<a>$ active latents of 8.

            **Does it make sense?** In each active latent $\operatorname{Var}_x(\mu_j)+\sigma_j^2$ is
            near 1, as it must be where the codes together look like the prior, and its KL is well above
            0.
            """,
            live=named(live),
            fixed=named(fixed),
            faint=named(faint),
            rest=rest,
            a=self.answer(n),
        )


PROBLEMS = (Noise(), Calibrated(), Active())
