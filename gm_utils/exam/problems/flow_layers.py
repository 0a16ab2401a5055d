"""Problems on affine coupling layers: the density through one, two of them turned round."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import fill
from gm_utils.exam.solution import Stepwise, base, halves, shown


class Coupling(Stepwise):
    id = "P-FLOW-COUPLING"
    title = "The log-density through a coupling layer"
    lecture, objective = "12-normalizing-flows", "O-12-5"
    unit = "nats"
    rel = 0.005
    hint = r"First $s_2,s_3,t_2,t_3$ from $x_1$, then $z$. What stands on the diagonal of the Jacobian?"

    def draw(self, rng: Random) -> Numbers:
        a, b = rng.sample([0.2, 0.4, 0.5, 0.6, 0.8], 2)
        x1, x2, x3 = rng.choice(halves(-1.5, 1.5)), rng.choice(halves(0.5, 2)), rng.choice(halves(0.5, 1.5))
        c, d = rng.choice([0.5, 1, 2]), rng.choice([0.5, 2])
        s2, s3, t2, t3 = a * x1, -b * x1, c - x1, d * x1
        return Numbers(a=a, b=b, c=c, d=d, x1=x1, x2=x2, x3=x3, s2=s2, s3=s3, t2=t2, t3=t3)

    @staticmethod
    def latent(n: Numbers) -> tuple[float, float, float]:
        """f(x)."""
        return n.x1, n.x2 * math.exp(n.s2) + n.t2, n.x3 * math.exp(n.s3) + n.t3

    def answer(self, n: Numbers) -> float:
        return base(*self.latent(n)) + n.s2 + n.s3

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        z, s = self.latent(n), n.s2 + n.s3
        e2, e3 = math.exp(n.s2), math.exp(n.s3)
        return [
            (
                base(*z) - s,
                r"The log-determinant has the wrong sign. The layer is given from $x$ to $z$, and "
                r"that is the direction whose log-determinant is added.",
            ),
            (base(*z), r"That is $\log p_z(z)$ alone: the log-determinant is missing."),
            (
                base(*z) + e2 + e3,
                r"You added the scales $e^{s_j}$; the logarithm of their *product* is $s_2+s_3$.",
            ),
            (
                base(*z[1:]) + s,
                r"You left out the kept coordinate: $z_1=x_1$ has its base density as well.",
            ),
            (
                base(n.x1, n.x2, n.x3) + s,
                r"You put $x$ into the base density. It is a density of $z$: apply the layer first.",
            ),
            (
                base(n.x1, (n.x2 - n.t2) / e2, (n.x3 - n.t3) / e3) - s,
                r"You turned the layer round: it is given from $x$ to $z$ already.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A flow on three dimensions with base $\mathcal N(0,I)$ is a single coupling layer. From data
            to latent it is $z_1=x_1$ and

            $$z_j=x_j\,e^{s_j(x_1)}+t_j(x_1),\qquad j=2,3.$$

            The networks have learned $s_2(x_1)=<a>x_1$, $s_3(x_1)=-<b>x_1$, $t_2(x_1)=<c>-x_1$ and
            $t_3(x_1)=<d>x_1$.

            Compute $\log p(x)$ at $x=(<x1>,\,<x2>,\,<x3>)$ in nats, to two decimals.
            """,
            n,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        _, z2, z3 = self.latent(n)
        first = base(n.x1, shown(z2), shown(z3))
        return {"z2": z2, "z3": z3, "base": first, "total": shown(first) + n.s2 + n.s3}

    def solution(self, n: Numbers) -> str:
        at = self.steps(n)
        back = (shown(at["z2"]) - n.t2) * math.exp(-n.s2)
        return fill(
            r"""
            **Assumptions.** The layer is the normalising map $f$, so its log-determinant is added to the base
            log-density. The scales $e^{s_j}$ are positive, so $f$ has an inverse.

            **Networks**, at $x_1=<x1>$: $s_2=<a>\cdot<(x1)>=<s2>$, $s_3=-<b>\cdot<(x1)>=<s3>$,
            $t_2=<c>-<(x1)>=<t2>$, $t_3=<d>\cdot<(x1)>=<t3>$.

            **Latent.** $z_1=<x1>$,

            $$z_2=<x2>\cdot e^{<s2>}+<(t2)>=<z2>,$$

            $$z_3=<x3>\cdot e^{<s3>}+<(t3)>=<z3>.$$

            **Log-determinant.** $z_1$ ignores the other coordinates, and each $z_j$ depends on $x_1$ and
            $x_j$ alone. So $J_f$ is lower triangular with the diagonal $1,\,e^{s_2},\,e^{s_3}$, and
            $\log|\det J_f|=s_2+s_3=<s2>+<(s3)>=<s>$.

            **Base log-density**, all three coordinates:

            $$-\frac{3}{2}\log(2\pi)-\tfrac12\big(<(x1)>^2+<(z2)>^2+<(z3)>^2\big)=<base>.$$

            **Answer.** $\log p(x)\approx <base>+<(s)>\approx <total:2>$ nats.

            **Does it make sense?** The inverse layer gives back $x_2$:
            $\big(<z2>-<(t2)>\big)e^{<m2>}\approx <back:2>$. The layer <does> volumes at this $x$, which makes
            the density <than> that of its latent.
            """,
            n,
            z2=at["z2"],
            z3=at["z3"],
            base=at["base"],
            s=n.s2 + n.s3,
            m2=-n.s2,
            back=back,
            total=self.answer(n),
            does="stretches" if n.s2 + n.s3 > 0 else "shrinks",
            than="higher than" if n.s2 + n.s3 > 0 else "lower than",
        )


class Inverse(Stepwise):
    id = "P-FLOW-INVERSE"
    title = "Two coupling layers turned round"
    lecture, objective = "12-normalizing-flows", "O-12-5"
    rel = 0.005
    hint = r"Which layer came last? It is undone first, and the half that it kept tells you its $s$ and $t$."

    def draw(self, rng: Random) -> Numbers:
        a, b = rng.sample([0.2, 0.3, 0.4, 0.5, 0.6, 0.8], 2)
        c, d = rng.choice([1, 2, 3]), rng.choice([0.5, 2, 3])
        return Numbers(a=a, b=b, c=c, d=d, z1=rng.choice(halves(-2, 3)), z2=rng.choice(halves(0.5, 2.5)))

    @staticmethod
    def first(n: Numbers, z1: float, sign: int = -1, shift: float = 1) -> float:
        """h_1: the second layer turned round (sign of the exponent, factor of the shift)."""
        return (z1 - shift * n.d * n.z2) * math.exp(sign * n.b * n.z2)

    @staticmethod
    def second(n: Numbers, h1: float, sign: int = -1, shift: float = 1) -> float:
        """x_2: the first layer turned round, with its networks at h1."""
        return (n.z2 - shift * (n.c - h1)) * math.exp(sign * n.a * h1)

    def answer(self, n: Numbers) -> float:
        return self.second(n, self.first(n, n.z1))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h1 = self.first(n, n.z1)
        early = n.z1 * math.exp(-n.b * n.z2) - n.d * n.z2
        return [
            (
                self.second(n, n.z1),
                r"You undid the first layer first, with $z_1$ in its networks. They took $h_1=x_1$: undo "
                r"the second layer before it.",
            ),
            (
                self.second(n, self.first(n, n.z1, 1), 1),
                r"You multiplied by $e^{s}$; the inverse divides by it.",
            ),
            (
                n.z2 * math.exp(-n.a * early) - (n.c - early),
                r"You divided by the scale first and subtracted the shift after. The shift was added last: "
                r"it is taken off first.",
            ),
            (
                n.z2 * math.exp(n.a * n.z1) + n.c - n.z1,
                r"You applied the first layer to $z$; it has to be inverted.",
            ),
            (h1, r"That is $x_1$; $x_2$ is asked for."),
            (
                self.second(n, self.first(n, n.z1, shift=0), shift=0),
                r"You left out the shifts $t_1$ and $t_2$.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A flow on the plane has two coupling layers. From data to latent, the first is $h_1=x_1$,

            $$h_2=x_2\,e^{s_1(x_1)}+t_1(x_1)$$

            with $s_1(u)=<a>u$ and $t_1(u)=<c>-u$. The second is $z_2=h_2$,

            $$z_1=h_1\,e^{s_2(h_2)}+t_2(h_2)$$

            with $s_2(u)=<b>u$ and $t_2(u)=<d>u$.

            The base gave $z=(<z1>,\,<z2>)$. Compute the second coordinate $x_2$ of the sample that belongs
            to it, to two decimals.
            """,
            n,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        h1 = self.first(n, n.z1)
        s1, t1 = n.a * shown(h1), n.c - shown(h1)
        x2 = (n.z2 - t1) * math.exp(-shown(s1))
        return {"h1": h1, "s1": s1, "t1": t1, "x2": x2, "total": shown(x2)}

    def solution(self, n: Numbers) -> str:
        at = self.steps(n)
        again = shown(at["x2"]) * math.exp(shown(at["s1"])) + at["t1"]
        return fill(
            r"""
            **Assumption.** The scales $e^{s}$ are positive, so each layer can be undone. Sampling undoes the
            layers in reverse order. In each, the kept half comes first: it is what the networks need.

            **The second layer.** It kept $h_2=z_2=<z2>$, so $s_2=<b>\cdot<z2>=<s2>$ and
            $t_2=<d>\cdot<z2>=<t2>$. Then $h_1=(z_1-t_2)\,e^{-s_2}$:

            $$h_1=\big(<z1>-<t2>\big)e^{-<s2>}=<h1>.$$

            **The first layer.** It kept $x_1=h_1$, so $s_1=<a>\cdot<(h1)>=<s1>$ and
            $t_1=<c>-<(h1)>=<t1>$. Then $x_2=(h_2-t_1)\,e^{-s_1}$:

            $$x_2=\big(<z2>-<(t1)>\big)e^{<m1>}=<x2>.$$

            **Answer.** $x_2\approx <total:2>$.

            **Does it make sense?** From data to latent again: $h_2=x_2e^{s_1}+t_1$, here
            $<x2>\cdot e^{<s1>}+<(t1)>\approx <again:2>$,
            which is $z_2$. No network
            was inverted: $s$ and $t$ were evaluated once in each layer, as they are for a density.
            """,
            n,
            **{**at, "total": self.answer(n)},
            s2=n.b * n.z2,
            t2=n.d * n.z2,
            m1=-shown(at["s1"]),
            again=again,
        )


PROBLEMS = (Coupling(), Inverse())
