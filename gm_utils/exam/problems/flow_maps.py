"""Problems on maps that are not affine: a curve, and two maps after one another."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import fill
from gm_utils.exam.solution import LOG2PI, Stepwise, base, halves, shown


class Curve(Stepwise):
    id = "P-FLOW-CURVE"
    title = "The density through a curved map"
    lecture, objective = "12-normalizing-flows", "O-12-3"
    unit = "nats"
    rel = 0.005
    hint = (
        r"Find the $z$ that belongs to $x$. Then: at which point is which derivative taken? If the map is "
        r"given as $z\mapsto x$, then $|dz/dx|=1/|dx/dz|$."
    )

    # x, and the number whose logarithm is arsinh x
    SINH = ((0.75, 2), (-0.75, 2), (2.4, 5), (-2.4, 5), (1.875, 4), (-1.875, 4))

    def draw(self, rng: Random) -> Numbers:
        kind = rng.choice(["exp", "exp", "cube", "cube", "sinh"])
        if kind == "exp":
            a, b = rng.choice([0.5, 2, 3]), rng.choice(halves(-1.5, 1.5))
            x = rng.choice([0.2, 0.4, 0.5, 2, 3, 4, 5, 8])
            z, away = (math.log(x) - b) / a, 1 / (a * math.exp(a * x + b))
            return Numbers(kind=kind, a=a, b=b, x=x, z=z, slope=1 / (a * x), away=away)
        if kind == "cube":
            x, c = rng.choice(halves(-1.5, 1.5)), rng.choice([0.2, 0.4, 0.5, 2, 3, 4])
            z = x**3 + c * x
            if abs(z) > 4:
                return self.draw(rng)
            return Numbers(kind=kind, c=c, x=x, z=z, slope=3 * x * x + c, away=3 * z * z + c)
        x, k = rng.choice(self.SINH)
        a = rng.choice([0.5, 1, 2, 3])
        return Numbers(
            kind=kind, a=a, x=a * x, w=x, k=k, up=x > 0, z=math.copysign(math.log(k), x),
            slope=1 / (a * math.sqrt(1 + x * x)), away=1 / (a * math.cosh(a * x)),
        )  # fmt: skip

    def answer(self, n: Numbers) -> float:
        return base(n.z) + math.log(n.slope)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right, log_slope = self.answer(n), math.log(n.slope)
        if n.kind == "cube":
            away = r"You took the derivative of $f$ at $z$; it is taken at $x$, where $f$ is applied."
        else:
            away = r"You took the derivative of $z\mapsto x$ at $x$; it is taken at $z$."
        wrong = [
            (
                right - 2 * log_slope,
                r"The derivative has the wrong direction: it is $\log|dz/dx|$ that is added, and "
                r"$\log|dx/dz|$ has the other sign.",
            ),
            (base(n.z), r"That is $\log p_z(z)$ alone: the derivative of the map is missing."),
            (
                base(n.x) + log_slope,
                r"You put $x$ into the base density. It is a density of $z$: find $z$ first.",
            ),
            (base(n.z) + math.log(n.away), away),
            (right + LOG2PI / 2, r"You left out the constant $-\tfrac12\log(2\pi)$."),
            (math.exp(right), r"That is the density; its logarithm is asked for."),
        ]
        if n.kind == "exp":
            why = r"You forgot the inner derivative: $\frac{d}{dz}e^{az+b}=a\,e^{az+b}$."
            wrong.append((base(n.z) - math.log(n.x), why))
        return wrong

    def statement(self, n: Numbers) -> str:
        of = {
            "exp": r"The generative map is $x=e^{az+b}$ with $a=<a>$ and $b=<b>$.",
            "cube": r"The normalising map is $z=f(x)=x^3+cx$ with $c=<c>$.",
            "sinh": r"The generative map is $x=a\sinh z$ with $a=<a>$. "
            r"(Useful: $\operatorname{arsinh}y=\log\big(y+\sqrt{1+y^2}\big)$.)",
        }[n.kind]
        return fill(
            r"""
            A flow with one latent has the base $z\sim\mathcal N(0,1)$. <of>

            Compute the log-density $\log p(x)$ at $x=<x>$ in nats, to two decimals.
            """,
            n,
            of=fill(of, n),
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        z, log_slope = shown(n.z), math.log(n.slope)
        return {"base": base(z), "log_slope": log_slope, "total": shown(base(z)) + shown(log_slope)}

    WORK = {
        "exp": r"""
            **The latent.** $z=\dfrac{\log x-b}{a}$, here $\dfrac{\log<x>-<(b)>}{<a>}=<z>$.

            **The derivative.** $\dfrac{dx}{dz}=a\,e^{az+b}=ax=<a>\cdot<x>=<steep>$, at the $z$ that
            belongs to $x$. So $\log|f'(x)|=-\log(ax)$, and $-\log<steep>=<log_slope>$.
            """,
        "cube": r"""
            **The latent.** $z=f(x)=<(x)>^3+<c>\cdot<(x)>=<z>$.

            **The derivative**, at $x$: $f'(x)=3x^2+c=3\cdot<(x)>^2+<c>=<slope>$, and
            $\log<slope>=<log_slope>$.
            """,
        "sinh": r"""
            **The latent.** With $y=x/a=<x>/<a>=<w>$ and $\sqrt{1+y^2}=\sqrt{1+<(w)>^2}=<root>$ it is
            $z=\operatorname{arsinh}y=\log\big(<w>+<root>\big)=<z>$.

            **The derivative.** $\dfrac{dx}{dz}=a\cosh z=a\sqrt{1+y^2}=<a>\cdot<root>=<steep>$, at the $z$
            that belongs to $x$ (as $\cosh^2z=1+\sinh^2z$). So $-\log<steep>=<log_slope>$ is $\log|f'(x)|$.
            """,
    }

    SENSE = {
        "exp": r"""
            $\log x$ is $\mathcal N(b,a^2)$, so $x$ is log-normal: its density is that of $\log x$, with the
            logarithm $\log\mathcal N(\log x;\,b,a^2)=<other>$, times $1/x$, with the logarithm $<rest>$. The
            sum is the same.
            """,
        "cube": r"""
            $f'=3x^2+c$ is positive everywhere, so $f$ is a bijection. Here it is <side> 1: $f$ <does>
            lengths, the generative map does the opposite, and so the density of $x$ is <than> that of $z$.
            """,
        "sinh": r"""
            $dx/dz=<steep>$ is <side> 1: the generative map <does> lengths here, and the density of $x$ is
            <than> that of $z$.
            """,
    }

    def solution(self, n: Numbers) -> str:
        steep = 1 / n.slope
        grows = n.slope > 1 if n.kind == "cube" else steep > 1
        work, sense = (fill(text[n.kind], n, **self.words(n, grows)) for text in (self.WORK, self.SENSE))
        return fill(
            r"""
            **Assumption.** The map is increasing and smooth with a derivative that is never 0, so that it has
            a smooth inverse. With $f:x\mapsto z$ the change of variables is

            $$\log p(x)=\log p_z(f(x))+\log|f'(x)|.$$

            <work>

            **Base log-density.** $-\tfrac12\log(2\pi)-\tfrac12\cdot<(z)>^2=<base>$.

            **Answer.** $\log p(x)\approx <base>+<(log_slope)>\approx <total:2>$ nats.

            **Does it make sense?** <sense>
            """,
            n,
            **{**self.steps(n), "total": self.answer(n)},
            work=work,
            sense=sense,
        )

    def words(self, n: Numbers, grows: bool) -> dict[str, float | str]:
        """What the parts of the solution need besides the numbers."""
        denser = grows == (n.kind == "cube")
        more: dict[str, float | str] = {
            "log_slope": math.log(n.slope),
            "steep": 1 / n.slope,
            "root": math.sqrt(1 + n.w**2) if n.kind == "sinh" else 0.0,
            "other": base(n.z) - math.log(n.a) if n.kind == "exp" else 0.0,
            "rest": -math.log(n.x) if n.kind == "exp" else 0.0,
        }
        words = ("above", "stretches") if grows else ("below", "shrinks")
        return {**more, "side": words[0], "does": words[1], "than": "higher than" if denser else "lower than"}


class Stack(Stepwise):
    id = "P-FLOW-STACK"
    title = "The log-determinant of two layers"
    lecture, objective = "12-normalizing-flows", "O-12-6"
    rel = 0.005
    hint = (
        r"The log-determinants of the layers add. Each is taken at that layer's own input: $x$ for the "
        r"first, and for the second?"
    )

    def draw(self, rng: Random) -> Numbers:
        if rng.random() < 0.5:
            a, b, c = rng.choice([0.5, 2, 3, 4]), rng.choice([-2, -1, 1, 2]), rng.choice([0.5, 2, 3, 4])
            x = rng.choice(halves(-1, 2))
            h = a * x + b
            return Numbers(
                cube=True, a=a, b=b, c=c, x=x, h=h, first=math.log(a),
                inner=3 * h * h + c, second=math.log(3 * h * h + c),
            )  # fmt: skip
        a, c, d = (rng.choice([0.2, 0.4, 0.5, 0.6, 0.8]) for _ in range(3))
        x1, x2 = rng.choice(halves(-1.5, 2)), rng.choice(halves(0.5, 2))
        h = x2 * math.exp(a * x1) + c
        return Numbers(cube=False, a=a, c=c, d=d, x1=x1, x2=x2, x=x2, h=h, first=a * x1, second=d * h)

    def answer(self, n: Numbers) -> float:
        return n.first + n.second

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right = self.answer(n)
        wrong = [
            (
                n.first + (math.log(3 * n.x**2 + n.c) if n.cube else n.d * n.x2),
                r"You took the second layer's determinant at $x$. Its input is what the first layer returns.",
            ),
            (n.second, r"That is the second layer alone; the first adds its own log-determinant."),
            (n.first, r"That is the first layer alone; the second adds its own log-determinant."),
            (-right, r"That is the log-determinant of the generative direction $z\mapsto x$."),
        ]
        if n.cube:
            return [
                *wrong,
                (math.log(n.a + n.inner), r"Derivatives of composed maps multiply; you added them."),
                (n.first * n.second, r"Determinants multiply, so their logarithms *add*."),
                (math.exp(right), r"That is the determinant; its logarithm is asked for."),
            ]
        return [
            *wrong,
            (
                math.exp(n.first) + math.exp(n.second),
                r"You added the scales $e^s$; the logarithm of a product of scales is the sum of the $s$.",
            ),
            (
                n.first + n.d * n.x1,
                r"You gave $s_2$ the coordinate that its layer transforms; it sees the kept one, $h_2$.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        sign = "+" if n.cube and n.b > 0 else "-"
        layers = {
            True: r"""
                A flow in one dimension has two layers. From data to latent they are
                $h=<a>x<sign><size>$ and $z=h^3+<c>h$.

                Compute the log-determinant $\log|\det J_f(x)|$ of the whole normalising map $f:x\mapsto z$
                at $x=<x>$, to two decimals.
                """,
            False: r"""
                A flow in the plane has two coupling layers. From data to latent, the first is $h_1=x_1$,
                $h_2=x_2\,e^{s_1(x_1)}+<c>$ with $s_1(u)=<a>u$; the second is $z_2=h_2$,
                $z_1=h_1\,e^{s_2(h_2)}$ with $s_2(u)=<d>u$.

                Compute the log-determinant $\log|\det J_f(x)|$ of the whole normalising map $f:x\mapsto z$
                at $x=(<x1>,\,<x2>)$, to two decimals.
                """,
        }[n.cube]
        return fill(layers, n, sign=sign, size=abs(n.b) if n.cube else 0)

    def steps(self, n: Numbers) -> dict[str, float]:
        second = n.second if n.cube else n.d * shown(n.h)
        return {"second": second, "total": shown(n.first) + shown(second)}

    WORK = {
        True: r"""
            **First layer**, at $x$: its derivative is $<a>$, so $\log<a>=<first>$.

            **Second layer**, at its input $h=<a>\cdot<(x)>+<(b)>=<h>$: the derivative is
            $3h^2+<c>$, here $3\cdot<(h)>^2+<c>=<inner>$, so $\log<inner>=<second>$.
            """,
        False: r"""
            **First layer**, at $x$: only $h_2$ is scaled, by $e^{s_1(x_1)}$, and the Jacobian is triangular.
            So its log-determinant is $s_1(x_1)=<a>\cdot<(x1)>=<first>$.

            **Second layer**, at its input: $h_2=<x2>\cdot e^{<first>}+<c>=<h>$. Only $z_1$ is scaled, by
            $e^{s_2(h_2)}$, so its log-determinant is $s_2(h_2)=<d>\cdot<h>=<second>$.
            """,
    }

    SENSE = {
        True: r"""
            By the chain rule in one piece: $f'(x)=<a>\cdot<inner>=<slope:6>$ is positive, and
            $\log<slope:6>=<whole>$.
            """,
        False: r"""
            Areas at this $x$ are multiplied by $e^{<first>}$, then by $e^{<second>}$. The product has
            the logarithm that we found. With $s_2$ at $x_2$ it would have been $<first>+<d>\cdot<x2>=<trap>$:
            the determinant of another map.
            """,
    }

    def solution(self, n: Numbers) -> str:
        more: dict[str, float | str] = {**self.steps(n), "total": self.answer(n)}
        if n.cube:
            more |= {"slope": n.a * n.inner, "whole": math.log(n.a * n.inner)}
        else:
            more["trap"] = n.first + n.d * n.x2
        values = Numbers(**{**vars(n), **more})
        return fill(
            r"""
            **Assumption.** Both layers are smooth with a smooth inverse.

            **Composition.** $J_f(x)=J_{f_2}(h)\,J_{f_1}(x)$ with $h=f_1(x)$. The determinant of a product is
            the product of the determinants, so $\log|\det J_f(x)|$ is

            $$\log|\det J_{f_1}(x)|+\log|\det J_{f_2}(h)|.$$

            <work>

            **Answer.** $\log|\det J_f(x)|\approx <first>+<(second)>\approx <total:2>$.

            **Does it make sense?** <sense>
            """,
            values,
            work=fill(self.WORK[n.cube], values),
            sense=fill(self.SENSE[n.cube], values),
        )


PROBLEMS = (Curve(), Stack())
