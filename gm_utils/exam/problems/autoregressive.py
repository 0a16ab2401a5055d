"""Problems on autoregressive flows by hand: density and draw of a MAF, the density of an IAF's own draw."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import fill
from gm_utils.exam.solution import Stepwise, base, halves, shown

TABLE = r"""
| $i$ | $s_i$ | $t_i$ |
|---|---|---|
| 1 | $<c>$ | $<h>$ |
| 2 | $<a><u>_1$ | $<b><u>_1$ |
| 3 | $-<d><u>_2$ | $<u>_1$ |
"""


class Layer(Stepwise):
    """Three dimensions, x_i = z_i exp(s_i) + t_i, the network of `TABLE` fed with x (a MAF) or z (an IAF)."""

    def draw(self, rng: Random) -> Numbers:
        a, d = rng.sample([0.2, 0.4, 0.5, 0.6], 2)
        return Numbers(
            a=a, d=d, b=rng.choice([0.5, 2, 3]), c=rng.choice([0.2, 0.4, 0.5, 0.8]), h=rng.choice([1, 2]),
            v1=rng.choice(halves(-1, 2)), v2=rng.choice(halves(0.5, 2)), v3=rng.choice(halves(0.5, 2)),
        )  # fmt: skip

    @staticmethod
    def nets(n: Numbers, first: float, second: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Log-scales and shifts, where the network is fed (first, second)."""
        return (n.c, n.a * first, -n.d * second), (n.h, n.b * first, first)


class MAF(Layer):
    id = "P-FLOW-MAF"
    title = "The log-density by a masked autoregressive flow"
    lecture, objective = "13-autoregressive-flows", "O-13-3"
    unit = "nats"
    rel = 0.005
    hint = (
        r"Given $x$, all log-scales and shifts are known at once. Solve for each $z_i$. What stands on the "
        r"diagonal of the Jacobian of $x\mapsto z$?"
    )

    def draw(self, rng: Random) -> Numbers:
        n = super().draw(rng)
        n.v1 = abs(n.v1)
        return n if n.v1 != n.h else self.draw(rng)

    @staticmethod
    def latent(n: Numbers, sign: int = -1) -> tuple[float, ...]:
        """z of x = (v1, v2, v3), with the exponent's sign."""
        s, t = Layer.nets(n, n.v1, n.v2)
        return tuple((v - b) * math.exp(sign * a) for v, a, b in zip((n.v1, n.v2, n.v3), s, t, strict=True))

    def answer(self, n: Numbers) -> float:
        return base(*self.latent(n)) - sum(self.nets(n, n.v1, n.v2)[0])

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        z, (s, t) = self.latent(n), self.nets(n, n.v1, n.v2)
        x = (n.v1, n.v2, n.v3)
        w2 = (n.v2 - n.b * z[0]) * math.exp(-n.a * z[0])
        w3 = (n.v3 - z[0]) * math.exp(n.d * w2)
        return [
            (
                base(*z) + sum(s),
                r"You added $\sum_is_i$. That is the log-determinant of the generative direction; the "
                r"density needs that of the normalising one, which has the other sign.",
            ),
            (base(*z), r"That is $\log p_z(z)$ alone: the log-determinant is missing."),
            (
                base(*self.latent(n, 1)) - sum(s),
                r"You multiplied by $e^{s_i}$. From $x$ to $z$ the scale is undone: $e^{-s_i}$.",
            ),
            (
                base(z[0], w2, w3) - sum(self.nets(n, z[0], w2)[0]),
                r"You fed the network with $z$, as an IAF does. In a MAF it sees the data $x_{<i}$.",
            ),
            (
                base(*(v * math.exp(-a) - b for v, a, b in zip(x, s, t, strict=True))) - sum(s),
                r"You divided by the scale before the shift was taken off: $z_i=(x_i-t_i)e^{-s_i}$.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A masked autoregressive flow (MAF) of one layer generates $x_i=z_i\,e^{s_i(x_{<i})}+t_i(x_{<i})$
            from $z\sim\mathcal N(0,I)$ on three dimensions. Its network has learned

            <table>

            Compute $\log p(x)$ at $x=(<v1>,\,<v2>,\,<v3>)$ in nats, to two decimals.
            """,
            n,
            table=fill(TABLE, n, u="x"),
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        z, s = self.latent(n), sum(self.nets(n, n.v1, n.v2)[0])
        first = base(*map(shown, z))
        return {"z1": z[0], "z2": z[1], "z3": z[2], "s": s, "base": first, "total": shown(first) - s}

    def solution(self, n: Numbers) -> str:
        (_, s2, s3), (_, t2, t3) = self.nets(n, n.v1, n.v2)
        at = self.steps(n)
        return fill(
            r"""
            **Assumption.** Given $x_{<i}$ the map $z_i\mapsto x_i$ is affine with a positive scale, so it has
            an inverse: $z_i=(x_i-t_i)\,e^{-s_i}$.

            **Network**, one pass: $s_2=<a>\cdot<(v1)>=<s2>$,
            $t_2=<b>\cdot<(v1)>=<t2>$, $s_3=-<d>\cdot<v2>=<s3>$ and $t_3=<t3>$.

            **Latent.**

            $$z_1=\big(<v1>-<h>\big)e^{-<c>}=<z1>,$$

            $$z_2=\big(<v2>-<(t2)>\big)e^{<m2>}=<z2>,$$

            $$z_3=\big(<v3>-<(t3)>\big)e^{<m3>}=<z3>.$$

            **Log-determinant.** Each $z_i$ depends on $x_i$ and earlier coordinates only: $J_f$ is lower
            triangular with the diagonal $e^{-s_i}$. So $\log|\det J_f|=-\sum_is_i$, where
            $<c>+<(s2)>+<(s3)>=<s>$.

            **Base log-density.**

            $$-\frac{3}{2}\log(2\pi)-\tfrac12\big(<(z1)>^2+<(z2)>^2+<(z3)>^2\big)=<base>.$$

            **Answer.** $\log p(x)\approx <base>-<(s)>\approx <total:2>$ nats.

            **Does it make sense?** The generative direction gives the data back:
            $<z3>\cdot e^{<s3>}+<(t3)>\approx <back:2>$ is $x_3$. The flow <does> volumes on the way from
            $x$ to $z$, and so the density of $x$ is <than> that of its latent.
            """,
            n,
            **{**at, "total": self.answer(n)},
            s2=s2,
            s3=s3,
            t2=t2,
            t3=t3,
            m2=-s2,
            m3=-s3,
            back=shown(at["z3"]) * math.exp(s3) + t3,
            does="shrinks" if at["s"] > 0 else "stretches",
            than="lower than" if at["s"] > 0 else "higher than",
        )


class Draw(Layer):
    id = "P-FLOW-DRAW"
    title = "A draw from a masked autoregressive flow"
    lecture, objective = "13-autoregressive-flows", "O-13-3"
    rel = 0.005
    hint = r"$x_2$ needs $s_2(x_1)$: what has to be known before it?"

    def draw(self, rng: Random) -> Numbers:
        n = super().draw(rng)
        x1, x2 = self.before(n)
        return n if max(abs(n.a * x1), abs(n.d * x2)) < 1.5 else self.draw(rng)

    @staticmethod
    def before(n: Numbers) -> tuple[float, float]:
        """x_1 and x_2."""
        x1 = n.v1 * math.exp(n.c) + n.h
        return x1, n.v2 * math.exp(n.a * x1) + n.b * x1

    def answer(self, n: Numbers) -> float:
        x1, x2 = self.before(n)
        return n.v3 * math.exp(-n.d * x2) + x1

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        x1, x2 = self.before(n)
        y1 = (n.v1 - n.h) * math.exp(-n.c)
        y2 = (n.v2 - n.b * y1) * math.exp(-n.a * y1)
        return [
            (
                n.v3 * math.exp(-n.d * n.v2) + n.v1,
                r"You fed the network with $z$, as an IAF does. In a MAF it sees the $x_{<i}$ made before.",
            ),
            (
                (n.v3 - y1) * math.exp(n.d * y2),
                r"You used $(z_i-t_i)\,e^{-s_i}$, the formula of the other direction.",
            ),
            (float(n.v3), r"You evaluated the network once, at $x=0$. It needs $x_1$ and $x_2$ first."),
            (x2, r"That is $x_2$; $x_3$ is asked for."),
            (n.v3 * math.exp(-n.d * x2), r"You left out the shift $t_3=x_1$."),
            (n.v3 * math.exp(n.d * x2) + x1, r"The minus of $s_3$ got lost."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A masked autoregressive flow (MAF) of one layer generates $x_i=z_i\,e^{s_i(x_{<i})}+t_i(x_{<i})$
            from $z\sim\mathcal N(0,I)$ on three dimensions. Its network has learned

            <table>

            The base gave $z=(<v1>,\,<v2>,\,<v3>)$. Compute $x_3$, to two decimals.
            """,
            n,
            table=fill(TABLE, n, u="x"),
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        x1 = n.v1 * math.exp(n.c) + n.h
        s2, t2 = n.a * shown(x1), n.b * shown(x1)
        x2 = n.v2 * math.exp(shown(s2)) + shown(t2)
        s3 = -n.d * shown(x2)
        x3 = n.v3 * math.exp(shown(s3)) + shown(x1)
        return {"x1": x1, "s2": s2, "t2": t2, "x2": x2, "s3": s3, "total": x3}

    def solution(self, n: Numbers) -> str:
        at = self.steps(n)
        return fill(
            r"""
            **Assumption.** The order is 1, 2, 3: the network's outputs for $x_i$ depend on $x_{<i}$ alone.

            **First coordinate.** Nothing comes before it:

            $$x_1=<v1>\cdot e^{<c>}+<h>=<x1>.$$

            **Second**, now that $x_1$ is known: $s_2=<a>\cdot<(x1)>=<s2>$ and $t_2=<b>\cdot<(x1)>=<t2>$, so

            $$x_2=<v2>\cdot e^{<s2>}+<(t2)>=<x2>.$$

            **Third**, now that $x_2$ is known: $s_3=-<d>\cdot<(x2)>=<s3>$ and $t_3=x_1$, so

            $$x_3=<v3>\cdot e^{<s3>}+<(x1)>\approx <total:2>.$$

            **Answer.** $x_3\approx <total:2>$.

            **Does it make sense?** Three coordinates took three passes, one after the other. In the density
            direction one pass undoes them:
            $\big(<x3>-<(x1)>\big)e^{<m3>}\approx <again:2>$ is $z_3$ again.
            """,
            n,
            **{**at, "total": self.answer(n)},
            x3=at["total"],
            m3=-shown(at["s3"]),
            again=(shown(at["total"]) - shown(at["x1"])) * math.exp(-shown(at["s3"])),
        )


class IAF(Layer):
    id = "P-FLOW-IAF"
    title = "The density of an IAF's own sample"
    lecture, objective = "13-autoregressive-flows", "O-13-7"
    unit = "nats"
    rel = 0.005
    hint = r"Does the sample have to be turned back into $z$, or do you know the $z$ that made it?"

    def answer(self, n: Numbers) -> float:
        return base(n.v1, n.v2, n.v3) - sum(self.nets(n, n.v1, n.v2)[0])

    def sample(self, n: Numbers) -> tuple[float, ...]:
        """x of z = (v1, v2, v3)."""
        s, t = self.nets(n, n.v1, n.v2)
        return tuple(v * math.exp(a) + b for v, a, b in zip((n.v1, n.v2, n.v3), s, t, strict=True))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        z, x = (n.v1, n.v2, n.v3), self.sample(n)
        s = self.nets(n, n.v1, n.v2)[0]
        return [
            (
                base(*z) + sum(s),
                r"You added $\sum_is_i$. That is the log-determinant of the generative direction "
                r"$z\mapsto x$, and it is subtracted.",
            ),
            (base(*z), r"That is $\log p_z(z)$, the density of the noise: the log-determinant is missing."),
            (
                base(*x) - sum(s),
                r"You put the sample $x$ into the base density; the noise $z$ that made it belongs there.",
            ),
            (
                base(*z) - sum(self.nets(n, x[0], x[1])[0]),
                r"You fed the network with $x$, as a MAF does. In an IAF it sees the noise $z_{<i}$.",
            ),
            (
                base(*z) - sum(map(math.exp, s)),
                r"You subtracted the scales $e^{s_i}$; the logarithm of their *product* is $\sum_is_i$.",
            ),
            (base(*z) - sum(s[1:]), r"You left out $s_1$: a constant scale changes the density as well."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            An inverse autoregressive flow (IAF) of one layer generates
            $x_i=z_i\,e^{s_i(z_{<i})}+t_i(z_{<i})$ from $z\sim\mathcal N(0,I)$ on three dimensions. Its
            network has learned

            <table>

            The noise $z=(<v1>,\,<v2>,\,<v3>)$ was drawn. Compute the log-density $\log p(x)$ of the sample
            $x$ that it makes, in nats, to two decimals.
            """,
            n,
            table=fill(TABLE, n, u="z"),
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        first, s = base(n.v1, n.v2, n.v3), sum(self.nets(n, n.v1, n.v2)[0])
        return {"base": first, "s": s, "total": shown(first) - s}

    def solution(self, n: Numbers) -> str:
        _, s2, s3 = self.nets(n, n.v1, n.v2)[0]
        up = self.steps(n)["s"] > 0
        return fill(
            r"""
            **Assumption.** Given $z_{<i}$ the map $z_i\mapsto x_i$ is affine with the positive scale
            $e^{s_i}$: the flow has an inverse, and $z$ is the only noise that makes this $x$.

            **Log-determinant.** $x_i$ depends on $z_1,\dots,z_i$ only: the Jacobian of $z\mapsto x$ is lower
            triangular with the diagonal $e^{s_i}$. So $\log|\det J_g(z)|=\sum_is_i$, and

            $$\log p(x)=\log p_z(z)-\sum_is_i(z_{<i}).$$

            **Network**, one pass: $s_2=<a>\cdot<(v1)>=<s2>$ and $s_3=-<d>\cdot<v2>=<s3>$, hence
            $<c>+<(s2)>+<(s3)>=<s>$. The shifts move the sample and leave volumes alone.

            **Base log-density.**

            $$-\frac{3}{2}\log(2\pi)-\tfrac12\big(<(v1)>^2+<v2>^2+<v3>^2\big)=<base>.$$

            **Answer.** $\log p(x)\approx <base>-<(s)>\approx <total:2>$ nats.

            **Does it make sense?** The map <does> volumes here, so the density of $x$ is <than> that of its
            noise. Neither $x$ nor an inversion was needed: an IAF knows the density of what it draws. For an
            $x$ from elsewhere it would take three passes to find $z$.
            """,
            n,
            **{**self.steps(n), "total": self.answer(n)},
            s2=s2,
            s3=s3,
            does="stretches" if up else "shrinks",
            than="lower than" if up else "higher than",
        )


PROBLEMS = (MAF(), Draw(), IAF())
