"""Problems on flows for images: bits per dimension, dequantisation, the cost of a determinant."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.solution import LOG2PI, Stepwise, shown


class Bits(Stepwise):
    id = "P-FLOW-BITS"
    title = "Bits per dimension from nats"
    lecture, objective = "12-normalizing-flows", "O-12-8"
    unit = "bits per dimension"
    hint = (
        r"Divide by the number of dimensions and go from nats to bits. Then: what does the change of "
        r"variables from $y$ to the levels add in each dimension?"
    )

    def draw(self, rng: Random) -> Numbers:
        side, channels, depth = rng.choice([16, 28, 32, 64]), rng.choice([1, 3]), rng.choice([5, 8])
        dims = channels * side**2
        goal = rng.uniform(0.8, 0.8 * depth)
        nll = round((goal - depth) * dims * math.log(2), -1)
        return Numbers(side=side, channels=channels, depth=depth, levels=2**depth, D=dims, nll=nll)

    def answer(self, n: Numbers) -> float:
        return n.nll / (n.D * math.log(2)) + n.depth

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        nats = n.nll / n.D
        bits, log2 = nats / math.log(2), math.log(2)
        wrong = [
            (
                bits,
                r"That is on the scale of $y$, where the values lie close together and densities are large. "
                r"On the scale of the levels each dimension costs $\log_2$ of their number more.",
            ),
            (bits - n.depth, r"The offset has the wrong sign: a density *falls* where the map stretches."),
            (-bits + n.depth, r"You took the number for a log-likelihood; it is a *negative* one."),
            (nats + n.depth, r"You forgot to go from nats to bits: divide by $\log2$ as well."),
            (nats * log2 + n.depth, r"You multiplied by $\log2$; one nat is $1/\log2$ bits."),
            (nats + n.depth * log2, r"That is in nats per dimension; bits are asked for."),
        ]
        if n.depth == 5:
            wrong.append((bits + 8, r"You added 8, as for 256 grey levels; here there are 32."))
        if n.channels == 3:
            why = r"You divided by the number of pixels; each pixel has three dimensions."
            wrong.append((3 * bits + n.depth, why))
        return wrong

    def statement(self, n: Numbers) -> str:
        kind = "in grey" if n.channels == 1 else "in colour"
        return fill(
            r"""
            Images of $<side>\times<side>$ pixels <kind> (channels: $<channels>$) have $<levels>$ levels
            $x=0,\dots,<top>$ in each dimension. A flow is trained on the dequantised values
            $y=(x+u)/<levels>$ with $u$ uniform on $[0,1)$. On the test set the average of $-\log p(y)$ is
            $<nll>$ nats per image.

            Compute the bits per dimension on the scale of the levels, that is for the density of $x+u$,
            to two decimals.
            """,
            n,
            kind=kind,
            top=n.levels - 1,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        bits = n.nll / (n.D * math.log(2))
        return {"bits": bits, "total": shown(bits) + n.depth}

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Definition.** Bits per dimension are the negative log-likelihood of $x+u$, the dequantised
            values on the scale of the levels, divided by the number $D$ of dimensions and by $\log2$.

            **Dimensions.** $D=<side>\cdot<side>\cdot<channels>=<D>$.

            **Change of variables.** $x+u=<levels>\,y$: every dimension is stretched by $<levels>$. So the
            log-density falls by $D\log<levels>$, and the negative log-likelihood rises by as much. In
            bits and per dimension that is $\log_2<levels>=<depth>$.

            **From nats to bits**, per dimension: $\dfrac{<nll>}{<D>\cdot\log2}=<bits>$ on the scale of $y$.

            **Answer.** $<bits>+<depth>\approx <total:2>$ bits per dimension.

            **Does it make sense?** Guessing each level uniformly costs $<depth>$ bits per dimension, and a
            model that has learned something costs less. Below 0 it cannot be: it bounds the code length of
            discrete values. The negative sign of $<nll>$ is no error: a density may exceed 1.
            """,
            n,
            **{**self.steps(n), "total": self.answer(n)},
        )


class Dequant(Stepwise):
    id = "P-FLOW-DEQUANT"
    title = "The bound that uniform dequantisation gives"
    lecture, objective = "12-normalizing-flows", "O-12-8"
    unit = "nats"
    rel = 0.005
    hint = r"$\log\mathcal N$ is quadratic in $u$. Under the noise, $x+u$ has which mean and which variance?"

    def draw(self, rng: Random) -> Numbers:
        v, sd = rng.randint(2, 9), rng.choice([0.3, 0.4, 0.5, 0.6, 0.8])
        return Numbers(v=v, m=v + rng.choice([-0.4, -0.2, 0.1, 0.3, 0.8, 1, 1.2, 1.4]), sd=sd, var=sd**2)

    @staticmethod
    def density(n: Numbers, square: float) -> float:
        """The expected log-density where (x + u - m)^2 has this mean."""
        return -(LOG2PI + math.log(n.var) + square / n.var) / 2

    @staticmethod
    def exact(n: Numbers) -> float:
        """P(x), the mass of the model on [x, x + 1), where x is n.v."""
        low, high = (math.erf((a - n.m) / (n.sd * math.sqrt(2))) for a in (n.v, n.v + 1))
        return (high - low) / 2

    def answer(self, n: Numbers) -> float:
        return self.density(n, (n.v + 0.5 - n.m) ** 2 + 1 / 12)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        middle, edge = n.v + 0.5 - n.m, n.v - n.m
        return [
            (
                math.log(self.exact(n)),
                r"That is $\log P(x)$ itself, the logarithm of an average. The bound is the average of "
                r"the logarithm.",
            ),
            (
                self.density(n, middle**2),
                r"You took the density at the middle of the interval. The expected square also has the "
                r"variance $\tfrac1{12}$ of the noise.",
            ),
            (self.density(n, edge**2), r"You left out the noise: the flow sees $x+u$, not $x$."),
            (
                self.density(n, edge**2 + 1 / 12),
                r"You centred the noise at 0; its mean is $\tfrac12$.",
            ),
            (
                self.density(n, middle**2 + 1 / 12) + LOG2PI / 2,
                r"You left out the constant $-\tfrac12\log(2\pi)$.",
            ),
            (
                -(LOG2PI + math.log(n.sd) + (middle**2 + 1 / 12) / n.sd) / 2,
                r"You took the standard deviation for the variance.",
            ),
            (
                self.density(n, edge**2 + 1 / 3),
                r"You added $\mathbb E[u^2]=\tfrac13$ to $(x-m)^2$ and forgot the mixed term, as "
                r"$\mathbb E[u]=\tfrac12$ is not 0.",
            ),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            Values are whole numbers, $x\in\mathbb Z$. A model with the density $\mathcal N(m,s^2)$ on
            the line, with mean $m=<m>$ and **standard deviation** $s=<sd>$, gives $x$ the probability
            $P(x)=\int_0^1p(x+u)\,du$. It is trained by dequantisation with $u$ uniform on $[0,1)$, on the
            bound

            $$\log P(x)\ge\mathbb E_u[\log p(x+u)].$$

            Compute this bound for $x=<v>$ in nats, to two decimals.
            """,
            n,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        square = (n.v + 0.5 - n.m) ** 2 + 1 / 12
        first, second = (LOG2PI + math.log(n.var)) / -2, shown(square) / (2 * n.var)
        return {"square": square, "first": first, "second": second, "total": shown(first) - shown(second)}

    def solution(self, n: Numbers) -> str:
        mass = self.exact(n)
        return fill(
            r"""
            **Assumptions.** $p$ is the Gaussian's density, and $u$ is uniform: its mean is $\tfrac12$ and its
            variance $\tfrac1{12}$.

            **Expected log-density.** Only the square depends on $u$, so the bound is

            $$-\tfrac12\log(2\pi s^2)-\frac{\mathbb E_u(x+u-m)^2}{2s^2}.$$

            **The square.** $x+u-m$ has mean $x+\tfrac12-m=<v>+0.5-<m>=<middle>$ and variance
            $\tfrac1{12}$, so the mean of its square is $<(middle)>^2+\frac{1}{12}=<square>$.

            **Numbers.** $s^2=<var>$, so $-\tfrac12\log(2\pi\cdot<var>)=<first>$, and
            $\dfrac{<square>}{2\cdot<var>}=<second>$.

            **Answer.** The bound is $<first>-<second>\approx <total:2>$ nats.

            **Does it make sense?** It must not exceed $\log P(x)$. The mass of the model on
            $[<v>,\,<next>)$ is $P(x)=<mass:6>$, and $\log<mass:6>=<logp>$ nats: the bound lies below it.
            """,
            n,
            **{**self.steps(n), "total": self.answer(n)},
            middle=n.v + 0.5 - n.m,
            mass=mass,
            next=n.v + 1,
            logp=math.log(round(mass, 6)),
        )


class Cost(Problem):
    id = "P-FLOW-COST"
    title = "How the cost of a determinant grows"
    lecture, objective = "12-normalizing-flows", "O-12-4"
    places = None
    rel, abs = 0.005, 0.0
    hint = r"Write the cost as a power of the size of a matrix. Then: which matrices, what size, how many?"

    # what is computed: power of D, what a solution says of it
    JOBS = {
        "full": (3, r"the determinant of a full $D\times D$ Jacobian by elimination", "D^3"),
        "back": (2, r"the solution of a triangular $D\times D$ system by back-substitution", "D^2"),
        "diagonal": (1, r"the determinant of a triangular $D\times D$ Jacobian", "D"),
    }

    def draw(self, rng: Random) -> Numbers:
        if rng.random() < 0.5:
            size, blocks = rng.choice([2, 3, 4, 6, 8, 12]), rng.randint(4, 30)
            return Numbers(block=True, size=size, blocks=blocks, D=size * blocks)
        small, times = rng.choice([8, 12, 14, 16, 20, 24, 28, 32]), rng.choice([2, 3])
        job, channels = rng.choice(list(self.JOBS)), rng.choice([1, 3])
        return Numbers(
            block=False, small=small, times=times, large=small * times, job=job, channels=channels,
            D=channels * small**2, D2=channels * (small * times) ** 2, power=self.JOBS[job][0],
        )  # fmt: skip

    def answer(self, n: Numbers) -> float:
        return float(n.blocks**2 if n.block else n.times ** (2 * n.power))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        if n.block:
            return [
                (
                    float(n.blocks**3),
                    r"You counted one block. There are $D/c$ different ones, each with its own determinant.",
                ),
                (
                    float(n.blocks),
                    r"You took the square of the size for the cost of a determinant; it is the cube.",
                ),
                (float(n.size**2), r"That is $c^2$. What counts is how often the size $c$ goes into $D$."),
                (
                    n.D**3 / 3 / n.D,
                    r"You took the cost of a triangular matrix, $D$; each block is full.",
                ),
            ]
        wrong = {
            6: r"That is the growth of a full Jacobian's determinant.",
            4: r"That is the growth of $D^2$.",
            2: r"That is the growth of the number $D$ of dimensions itself.",
            3: r"You took the side of the image for $D$; $D$ grows with its square.",
            1: r"That is the growth of the side of the image; $D$ grows with its square.",
        }
        if n.job == "back":
            wrong[2] = r"You took the side of the image for $D$, or the growth of $D$ for that of $D^2$."
        return [(float(n.times**k), why) for k, why in wrong.items() if k != 2 * n.power]

    def statement(self, n: Numbers) -> str:
        if n.block:
            return fill(
                r"""
                Count $n^3/3$ multiplications for the determinant of a full $n\times n$ matrix by elimination.
                A layer on $D=<D>$ dimensions has a block-diagonal Jacobian: $<blocks>$ blocks of size
                $<size>\times<size>$, all different.

                How many times as many multiplications would a full Jacobian of this $D$ take for
                its determinant? (Leave out the few multiplications that join the blocks' determinants.)
                """,
                n,
            )
        return fill(
            r"""
            A flow on images of $<small>\times<small>$ pixels with $<channels>$ <word> spends its time on
            <what>. Now the images become $<large>\times<large>$, with as many channels.

            By which factor does the number of operations grow, to leading order in $D$?
            """,
            n,
            what=self.JOBS[n.job][1],
            word="channel" if n.channels == 1 else "channels",
        )

    def solution(self, n: Numbers) -> str:
        if n.block:
            return fill(
                r"""
                **Assumptions.** The full Jacobian has no zeros to save work; the blocks share nothing.

                **Full.** $\dfrac{D^3}3$ multiplications.

                **Block diagonal.** The determinant is the product of the blocks' determinants. There are
                $D/c$ blocks of size $c$, so $\dfrac Dc\cdot\dfrac{c^3}3=\dfrac{Dc^2}3$ multiplications.

                **Ratio.** $\dfrac{D^3}{Dc^2}=\Big(\dfrac Dc\Big)^2$ with $D/c=<D>/<size>=<blocks>$, the
                number of blocks.

                **Answer.** $<blocks>^2=<a>$ times as many.

                **Does it make sense?** Counted out: $<D>^3/3=<full:2>$ against
                $<blocks>\cdot<size>^3/3=<some:2>$. With a single block the ratio would be 1.
                """,
                n,
                a=self.answer(n),
                full=n.D**3 / 3,
                some=n.blocks * n.size**3 / 3,
            )
        power = {3: "cubic", 2: "quadratic", 1: "linear"}[n.power]
        return fill(
            r"""
            **Assumptions.** Arithmetic operations are counted, not the time of a parallel machine. The
            cost of this job is <power>, proportional to $<law>$.

            **Dimensions.** $D=<channels>\cdot<small>^2=<D>$ before and $<channels>\cdot<large>^2=<D2>$ after:
            a factor $<D2>/<D>=<ratio>$, the square of $<large>/<small>=<times>$.

            **Operations.** They grow by that factor to the power $<p>$.

            **Answer.** $<ratio>^<p>=<a>$.

            **Does it make sense?** <sense>
            """,
            n,
            power=power,
            law=self.JOBS[n.job][2],
            ratio=n.times**2,
            p=n.power,
            a=self.answer(n),
            sense={
                3: r"Slightly larger images, far more work: this is why flows avoid full Jacobians.",
                2: r"A triangular matrix has about $D^2/2$ entries, and each is used once.",
                1: r"The determinant is the product of the $D$ diagonal entries, and they alone are touched.",
            }[n.power],
        )


PROBLEMS = (Bits(), Dequant(), Cost())
