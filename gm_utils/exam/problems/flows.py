"""Problems on the change of variables: an affine map, a matrix, a curve."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import fill
from gm_utils.exam.solution import LOG2PI, Stepwise, base, halves, shown


class Affine(Stepwise):
    id = "P-FLOW-AFFINE"
    title = "The density of a scaled and shifted Gaussian"
    lecture, objective = "12-normalizing-flows", "O-12-3"
    unit = "nats"
    rel = 0.005
    hint = r"Which $z$ gives this $x$? And how long is the interval that the map makes of one of length $dz$?"

    def draw(self, rng: Random) -> Numbers:
        a, b = rng.choice([-5, -4, -3, -2, -0.5, 0.25, 0.5, 2, 3, 4, 5]), rng.choice(halves(-3, 3))
        z = rng.choice(halves(-2, 2))
        return Numbers(a=a, b=b, z=z, x=a * z + b)

    def answer(self, n: Numbers) -> float:
        return base((n.x - n.b) / n.a) - math.log(abs(n.a))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        log_a, size = math.log(abs(n.a)), abs(n.a)
        return [
            (
                base(n.z) + log_a,
                r"You added $\log|a|$, the log-derivative of the generative map $z\mapsto x$. What is "
                r"added is that of the normalising map $x\mapsto z$, which is $-\log|a|$.",
            ),
            (base(n.z), r"That is $\log p_z(z)$ alone: the factor $1/|a|$ is missing."),
            (base(n.z) - 2 * log_a, r"You divided by $a^2$; one factor $1/|a|$ is right."),
            (
                base(n.x) - log_a,
                r"You put $x$ into the base density. It is a density of $z$: invert the map first.",
            ),
            (
                base(n.a * n.x + n.b) - log_a,
                r"You applied $z\mapsto az+b$ to $x$. The base density is evaluated at the *inverse*, "
                r"$z=(x-b)/a$.",
            ),
            (n.z * n.z / -2 - log_a, r"You left out the constant $-\tfrac12\log(2\pi)$."),
            (
                -(LOG2PI + log_a + (n.x - n.b) ** 2 / size) / 2,
                r"You took $|a|$ for the variance of $x$; it is the standard deviation.",
            ),
            (math.exp(self.answer(n)), r"That is the density; its logarithm is asked for."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A flow with one latent makes $x=az+b$ from $z\sim\mathcal N(0,1)$, with $a=<a>$ and $b=<b>$.

            Compute the log-density $\log p(x)$ of the model at $x=<x>$ in nats, to two decimals.
            """,
            n,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        first, log_a = base(n.z), math.log(abs(n.a))
        return {"base": first, "log_a": log_a, "total": shown(first) - shown(log_a)}

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Assumption.** $a\ne0$, so the map can be inverted: the generative direction is $g(z)=az+b$,
            the normalising one $f(x)=(x-b)/a$.

            **Change of variables.** $p(x)=p_z(f(x))\,|f'(x)|$ with $f'(x)=1/a$, so with $z=f(x)$

            $$\log p(x)=\log p_z(z)-\log|a|.$$

            **The latent.** $z=\dfrac{<x>-<(b)>}{<a>}=<z>$. There the base log-density,
            $-\tfrac12\log(2\pi)-\tfrac12z^2$, is

            $$-\tfrac12\log(2\pi)-\tfrac12\cdot<(z)>^2=<base>.$$

            **The derivative.** $|a|=<size>$ and $\log<size>=<log_a>$.

            **Answer.** $\log p(x)\approx <base>-<(log_a)>\approx <total:2>$ nats.

            **Does it make sense?** $x$ is $\mathcal N(<b>,\,<var>)$, with standard deviation $|a|=<size>$:
            $x=<x>$ lies $<away>$ of them from the mean. The map <does> lengths, so the density of $x$ is
            <than> that of $z$, and the logarithm <goes>.
            """,
            n,
            **{**self.steps(n), "total": self.answer(n)},
            size=abs(n.a),
            var=n.a**2,
            away=abs(n.z),
            does="stretches" if abs(n.a) > 1 else "shrinks",
            than="lower than" if abs(n.a) > 1 else "higher than",
            goes="falls" if abs(n.a) > 1 else "rises",
        )


class Plane(Stepwise):
    id = "P-FLOW-PLANE"
    title = "The density of an affine map of the plane"
    lecture, objective = "12-normalizing-flows", "O-12-3"
    unit = "nats"
    rel = 0.005
    hint = r"Solve $Az=x-b$ first. How much area does $A$ make of a unit square?"

    def draw(self, rng: Random) -> Numbers:
        p, q, s, b1, b2 = (rng.randint(1, 4) for _ in range(5))
        r = rng.choice([0, 1, 2, 3])
        z1, z2 = rng.choice(halves(0.5, 2)), rng.choice(halves(-1.5, 2))
        det = p * s - q * r
        if abs(det) < 2:
            return self.draw(rng)
        x1, x2 = p * z1 + q * z2 + b1, r * z1 + s * z2 + b2
        return Numbers(p=p, q=q, r=r, s=s, b1=b1, b2=b2, z1=z1, z2=z2, x1=x1, x2=x2, det=det)

    def answer(self, n: Numbers) -> float:
        return base(*self.solve(n, n.x1 - n.b1, n.x2 - n.b2)) - math.log(abs(n.det))

    @staticmethod
    def solve(n: Numbers, u: float, v: float) -> tuple[float, float]:
        """A^-1 (u, v)."""
        return (n.s * u - n.q * v) / n.det, (n.p * v - n.r * u) / n.det

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        z, log_det = base(n.z1, n.z2), math.log(abs(n.det))
        u, v = n.x1 - n.b1, n.x2 - n.b2
        wrong = [
            (
                z + log_det,
                r"You added $\log|\det A|$, the log-determinant of the generative direction. It is "
                r"subtracted: where areas grow, the density falls.",
            ),
            (z, r"That is $\log p_z(z)$ alone: the determinant is missing."),
            (
                z - 2 * log_det,
                r"You subtracted $\log\det(AA^\top)$. The density of $\mathcal N(b,AA^\top)$ has half of it.",
            ),
            (
                z + LOG2PI / 2 - log_det,
                r"The constant is $-\tfrac12\log(2\pi)$ for each of the two dimensions.",
            ),
            (
                base(n.p * u + n.q * v, n.r * u + n.s * v) - log_det,
                r"You multiplied $x-b$ by $A$; it has to be multiplied by $A^{-1}$.",
            ),
            (
                base(*self.solve(n, n.x1, n.x2)) - log_det,
                r"You solved $Az=x$; the shift $b$ is subtracted first.",
            ),
        ]
        if n.det > 0:  # nobody takes a negative number for the determinant of a covariance
            why = r"You took $\det A$ for the determinant of the covariance, which is $(\det A)^2$."
            wrong.append((z - log_det / 2, why))
        other = n.p * n.s + n.q * n.r
        if n.r and other:
            why = r"A determinant is the *difference* of the two products; you took their sum."
            wrong.append((z - math.log(abs(other)), why))
        return wrong

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A flow in the plane makes $x=Az+b$ from $z\sim\mathcal N(0,I)$, with

            $$A=\begin{pmatrix}<p>&<q>\\<r>&<s>\end{pmatrix}\qquad\text{and}\qquad b=(<b1>,\,<b2>)^\top.$$

            Compute the log-density $\log p(x)$ of the model at $x=(<x1>,\,<x2>)$ in nats, to two decimals.
            """,
            n,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        first, log_det = base(n.z1, n.z2), math.log(abs(n.det))
        return {"base": first, "log_det": log_det, "total": shown(first) - shown(log_det)}

    def solution(self, n: Numbers) -> str:
        a, b, c = n.p**2 + n.q**2, n.p * n.r + n.q * n.s, n.r**2 + n.s**2
        return fill(
            r"""
            **Assumption.** $\det A\ne0$: the generative map $g(z)=Az+b$ has the inverse
            $f(x)=A^{-1}(x-b)$, and its Jacobian is $A$ at every point.

            **Change of variables.** $\log p(x)=\log p_z(z)-\log|\det A|$ with $z=A^{-1}(x-b)$.

            **Determinant.** $\det A=<p>\cdot<s>-<q>\cdot<r>=<det>$, so $|\det A|=<size>$ and
            $\log<size>=<log_det>$.

            **The latent.** $Az=x-b=(<u>,\,<v>)^\top$, solved by Cramer's rule:

            $$z_1=\frac{<s>\cdot<(u)>-<q>\cdot<(v)>}{<det>}=<z1>,$$

            $$z_2=\frac{<p>\cdot<(v)>-<r>\cdot<(u)>}{<det>}=<z2>.$$

            **Base log-density.** In two dimensions it is $-\log(2\pi)-\tfrac12\Vert z\Vert^2$:

            $$-\log(2\pi)-\tfrac12\big(<(z1)>^2+<(z2)>^2\big)=<base>.$$

            **Answer.** $\log p(x)\approx <base>-<log_det>\approx <total:2>$ nats.

            **Does it make sense?** $x$ is $\mathcal N(b,AA^\top)$ with
            $AA^\top=\begin{pmatrix}<k>&<l>\\<l>&<m>\end{pmatrix}$, and the determinant of this covariance,
            $<k>\cdot<m>-<l>^2=<square>$, is $(\det A)^2$, as it must be. At $x=b$, where it is highest, the
            log-density is $-\log(2\pi)-\log<size>=<top>$; ours lies below it.
            """,
            n,
            **{**self.steps(n), "total": self.answer(n)},
            size=abs(n.det),
            u=n.x1 - n.b1,
            v=n.x2 - n.b2,
            k=a,
            l=b,
            m=c,
            square=n.det**2,
            top=-LOG2PI - math.log(abs(n.det)),
        )


PROBLEMS = (Affine(), Plane())
