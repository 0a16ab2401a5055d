"""Problems on autoregressive flows at large: a MADE's masks, sequential passes, an IAF as a posterior."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.solution import LOG2PI, Stepwise, base, halves, shown


class Made(Problem):
    id = "P-FLOW-MADE"
    title = "Counting the connections of a MADE"
    lecture, objective = "13-autoregressive-flows", "O-13-2"
    unit = "connections"
    places = 0
    rel, abs = 0.0, 0.0
    hint = r"Which inputs may a unit of degree 2 see, and which outputs may see that unit?"

    def draw(self, rng: Random) -> Numbers:
        D, width = rng.choice([4, 5, 6, 7]), rng.choice([6, 7, 8, 9, 10])
        degrees = sorted([*range(1, D), *(rng.randint(1, D - 1) for _ in range(width - D + 1))])
        return Numbers(D=D, width=width, degrees=degrees, second=2 * sum(D - m for m in degrees))

    def answer(self, n: Numbers) -> float:
        return float(sum(n.degrees) + n.second)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        first, right = sum(n.degrees), self.answer(n)
        return [
            (
                right + 2 * n.width,
                r"You let $s_i$ and $t_i$ see units of degree $i$. Those depend on $x_i$ itself: at the "
                r"output the comparison is strict.",
            ),
            (
                right - n.width,
                r"You made the comparison at the inputs strict. A unit of degree $m$ may see $x_m$ too.",
            ),
            (
                float(first + n.second // 2),
                r"You counted one output for each dimension; there are two, $s_i$ and $t_i$.",
            ),
            (
                float(3 * n.D * n.width),
                r"That is the number of connections without masks.",
            ),
            (
                float(first + 2 * first),
                r"You gave a unit of degree $m$ as many outputs as inputs. It sees the first $m$ inputs, and "
                r"the *last* $D-m$ dimensions see it.",
            ),
            (float(first), r"Those are the connections from the inputs; those to the outputs are missing."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A MADE for a MAF has $D=<D>$ inputs $x_1,\dots,x_<D>$, one hidden layer of $<width>$ units, and
            two outputs for each dimension, $s_i$ and $t_i$. A hidden unit of degree $m$ may depend on
            $x_1,\dots,x_m$ and nothing else; $s_i$ and $t_i$ may depend on $x_1,\dots,x_{i-1}$ and nothing
            else. No connection skips the hidden layer. The hidden units have the degrees

            $$<list>.$$

            The masks keep every connection that these rules allow. How many are there, from inputs to hidden
            units and from hidden units to outputs? (Biases are not counted.)
            """,
            n,
            list=r",\;".join(map(str, n.degrees)),
        )

    def solution(self, n: Numbers) -> str:
        first, back = sum(n.degrees), [n.D - m for m in n.degrees]
        return fill(
            r"""
            **Definition.** A mask keeps a connection if what the sending unit depends on is allowed to
            the receiving one.

            **Inputs to hidden units.** A unit of degree $m$ sees $x_j$ with $j\le m$: $m$ connections. Over
            the units, $<degrees>=<first>$.

            **Hidden units to outputs.** $s_i$ and $t_i$ may depend on $x_j$ with $j<i$, so they see a unit of
            degree $m$ if $m<i$, strictly. That holds for $i=m+1,\dots,D$: $D-m$ dimensions. Over the units,
            $<back>=<half>$, and with two outputs for each dimension $2\cdot<half>=<second>$.

            **Answer.** $<first>+<second>=<a:0>$ connections.

            **Does it make sense?** Without masks there would be
            $<D>\cdot<width>+2\cdot<D>\cdot<width>=<full>$, and fewer are left. $s_1$ and $t_1$ see
            nothing, as they must: they are constants.
            """,
            n,
            degrees="+".join(map(str, n.degrees)),
            first=first,
            back="+".join(map(str, back)),
            half=sum(back),
            a=self.answer(n),
            full=3 * n.D * n.width,
        )


class Passes(Problem):
    id = "P-FLOW-PASSES"
    title = "Sequential passes and time"
    lecture, objective = "13-autoregressive-flows", "O-13-4"
    unit = "ms"
    places = None
    rel, abs = 0.005, 0.0
    hint = r"In which direction does the network see only numbers that are known from the start?"

    # passes through a layer's network: to draw, to score given points
    MODELS = {
        "MAF": ("masked autoregressive flow (MAF)", "$x_{<i}$, on its data side", True, False),
        "IAF": ("inverse autoregressive flow (IAF)", "$z_{<i}$, on its noise side", False, True),
        "RealNVP": ("RealNVP (affine coupling layers)", "the half that the layer keeps", False, False),
    }
    JOBS = {
        "draw": "draws one batch of samples",
        "score": "computes the log-densities of one batch of test points",
        "own": "draws one batch of samples and gives the log-density of each of them",
        "both": "computes the log-densities of one batch of test points, then draws one of samples",
    }

    def draw(self, rng: Random) -> Numbers:
        return Numbers(
            model=rng.choice(list(self.MODELS)), job=rng.choice(list(self.JOBS)), K=rng.randint(3, 8),
            D=rng.choice([16, 20, 25, 32, 36, 49, 64]), ms=rng.choice([0.2, 0.3, 0.4, 0.5, 0.8]),
        )  # fmt: skip

    def passes(self, n: Numbers) -> list[int]:
        """Passes through one layer's network, for each part of the job."""
        draw, score = (n.D if slow else 1 for slow in self.MODELS[n.model][2:])
        return {"draw": [draw], "score": [score], "own": [draw], "both": [score, draw]}[n.job]

    def answer(self, n: Numbers) -> float:
        return round(sum(self.passes(n)) * n.K * n.ms, 9)

    def slips(self, n: Numbers) -> dict[int, str]:
        """Wrong numbers of passes through a layer's network."""
        sees, right = self.MODELS[n.model][1], sum(self.passes(n))
        slow = rf"You counted $D$ passes a layer. The network sees {sees}: known at once here."
        fast = rf"You counted one pass a layer. The network sees {sees}: here one number after the other."
        if n.job == "both":
            slips = {
                2 * n.D: r"You took both directions for sequential.",
                2: r"You took both directions for parallel.",
                n.D + 1: r"You took one direction for sequential. Coupling layers are parallel in *both*.",
            }
        else:
            slips = {1: fast, n.D: slow}
        if n.job == "own":
            slips[sum(n.D if s else 1 for s in self.MODELS[n.model][2:])] = (
                r"You added passes for the density. The draw has used every $s_i$ already: it is free."
            )
        return {passes: why for passes, why in slips.items() if passes != right}

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        right = sum(self.passes(n))
        return [
            *((passes * n.K * n.ms, why) for passes, why in self.slips(n).items()),
            (right * n.ms, r"That is a single layer; the $K$ layers wait for one another."),
            (float(right * n.K), r"That is the number of passes; multiply by the time of one."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            <name> with $K=<K>$ layers on $D=<D>$ dimensions <job>.

            One pass through the network of one layer takes $<ms>$ ms for a whole batch; all else takes no
            time. All $s_i$ and $t_i$ come from the network, the first ones included. A layer starts when the
            one before it has finished. A network that has to wait for its inputs is run as a whole, once for
            each coordinate (the plain loop). The $s_i$ and $t_i$ that a job has computed for a point need not
            be computed again. How long does the job take, in ms?
            """,
            n,
            name="A " + self.MODELS[n.model][0] if n.model != "IAF" else "An " + self.MODELS[n.model][0],
            job=self.JOBS[n.job],
        )

    def solution(self, n: Numbers) -> str:
        parts = self.passes(n)
        _, sees, slow_draw, slow_score = self.MODELS[n.model]

        def why(direction: str, slow: bool) -> str:
            if slow:
                return (
                    f"**{direction}.** These numbers appear one after the other, each needed for the next: "
                    f"$D={n.D}$ passes a layer."
                )
            return f"**{direction}.** All of these numbers are known at once: 1 pass a layer."

        said = []
        if n.job in ("score", "both"):
            said.append(why("Density of given points", slow_score))
        if n.job != "score":
            said.append(why("Drawing", slow_draw))
        if n.job == "own":
            said.append(
                "**Density of its own draw.** The drawing passes have given every $s_i$: no further pass."
            )
        per = "+".join(map(str, parts))
        total = sum(parts)
        return fill(
            r"""
            **Assumptions.** Layers follow one another. The network of a layer sees <sees>. A batch costs as
            much as one point.

            <said>

            **Passes.** <per>All <K> layers: $<K>\cdot<total>=<passes>$ passes.

            **Answer.** $<passes>\cdot<ms>=<a>$ ms.

            **Does it make sense?** <sense>
            """,
            n,
            sees=sees,
            said="\n\n".join(said),
            per=f"A layer takes ${per}={total}$. " if len(parts) > 1 else "",
            total=total,
            passes=total * n.K,
            a=self.answer(n),
            sense="One pass a layer is the least that there can be, in either direction."
            if n.model == "RealNVP"
            else "MAF and IAF mirror each other: one direction takes $D$ passes a layer, the other 1.",
        )


class Elbo(Stepwise):
    id = "P-FLOW-ELBO"
    title = "The ELBO with an IAF posterior"
    lecture, objective = "13-autoregressive-flows", "O-13-7"
    unit = "nats"
    rel = 0.005
    hint = r"First $z$. Then $\log q(z\mid x)$: the log-density of $\varepsilon$, changed by the $s_i$."

    def draw(self, rng: Random) -> Numbers:
        n = Numbers(
            e1=rng.choice(halves(-1.5, 1.5)), e2=rng.choice(halves(0.5, 1.5)), m=rng.choice([0.5, 1, 1.5]),
            s=rng.choice([0.1, 0.2, 0.3, 0.4]), a=rng.choice([0.2, 0.4, 0.6]), b=rng.choice([0.5, 0.8]),
            w=rng.choice([0.5, 2]), x=rng.choice(halves(0.5, 3)),
        )  # fmt: skip
        n.s2 = n.a * n.e1
        n.z1, n.z2 = n.e1 * math.exp(-n.s) + n.m, n.e2 * math.exp(n.s2) - n.b * n.e1
        return n

    @staticmethod
    def terms(n: Numbers, z1: float, z2: float) -> tuple[float, float, float]:
        """log p(x | z), log p(z), log q(z | x)."""
        return base(n.x - n.w * z1 - z2), base(z1, z2), base(n.e1, n.e2) + n.s - n.s2

    def answer(self, n: Numbers) -> float:
        fit, prior, q = self.terms(n, n.z1, n.z2)
        return fit + prior - q

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        fit, prior, q = self.terms(n, n.z1, n.z2)
        noise, s2 = base(n.e1, n.e2), n.a * n.z1
        fed = self.terms(n, n.z1, n.e2 * math.exp(s2) - n.b * n.z1)
        return [
            (
                fed[0] + fed[1] - (noise + n.s - s2),
                r"You fed the network with $z_1$, as a MAF does. An IAF sees the noise $\varepsilon_1$.",
            ),
            (
                fit + prior - noise - n.s2 + n.s,
                r"The log-determinant has the wrong sign. Where the flow stretches, $q$ falls: $\sum_is_i$ "
                r"is subtracted from the log-density of the noise.",
            ),
            (
                fit + prior - noise,
                r"You took the density of the noise for that of $z$: the log-determinant is missing.",
            ),
            (fit + prior + q, r"$\log q(z\mid x)$ is subtracted in the ELBO; you added it."),
            (fit + prior, r"You left out $\log q(z\mid x)$: that is the log-joint."),
        ]

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A VAE has two latents with the prior $\mathcal N(0,I)$ and one observed value with
            $p(x\mid z)=\mathcal N(x;\,<w>z_1+z_2,\,1)$. For $x=<x>$ its approximate posterior is
            an IAF: from $\varepsilon\sim\mathcal N(0,I)$ it makes $z_i=\varepsilon_i\,e^{s_i}+t_i$ with

            | $i$ | $s_i$ | $t_i$ |
            |---|---|---|
            | 1 | $-<s>$ | $<m>$ |
            | 2 | $<a>\varepsilon_1$ | $-<b>\varepsilon_1$ |

            Compute the one-sample estimate of the ELBO for $\varepsilon=(<e1>,\,<e2>)$, that is
            $\log p(x\mid z)+\log p(z)-\log q(z\mid x)$, in nats, to two decimals.
            """,
            n,
        )

    def steps(self, n: Numbers) -> dict[str, float]:
        _, prior, _ = self.terms(n, shown(n.z1), shown(n.z2))
        r = n.x - n.w * shown(n.z1) - shown(n.z2)
        fit = base(shown(r))
        noise, s = base(n.e1, n.e2), n.s2 - n.s
        q = shown(noise) - s
        total = shown(fit) + shown(prior) - shown(q)
        return {"r": r, "fit": fit, "prior": prior, "noise": noise, "sum": s, "q": q, "total": total}

    def solution(self, n: Numbers) -> str:
        at = self.steps(n)
        return fill(
            r"""
            **Assumptions.** The scales $e^{s_i}$ are positive, so the flow has an inverse and $q$ a density.
            The networks of $z_2$ see $\varepsilon_1$ only: the Jacobian is triangular.

            **The draw.** $s_2=<a>\cdot<(e1)>=<s2>$ and $t_2=-<b>\cdot<(e1)>=<t2>$, so

            $$z_1=<e1>\cdot e^{-<s>}+<m>=<z1>,$$

            $$z_2=<e2>\cdot e^{<s2>}+<(t2)>=<z2>.$$

            **Its own density.** $\log q(z\mid x)=\log\mathcal N(\varepsilon;0,I)-\sum_is_i$:

            $$-\log(2\pi)-\tfrac12\big(<(e1)>^2+<e2>^2\big)=<noise>,$$

            and $\sum_is_i=-<s>+<(s2)>$, that is $<sum>$, so $\log q(z\mid x)\approx <noise>-<(sum)>=<q>$.

            **Prior**, at $z$:

            $$-\log(2\pi)-\tfrac12\big(<(z1)>^2+<(z2)>^2\big)=<prior>.$$

            **Likelihood.** The residual is $<x>-<w>\cdot<(z1)>-<(z2)>=<r>$, so $\log p(x\mid z)$ is

            $$-\tfrac12\log(2\pi)-\tfrac12\cdot<(r)>^2=<fit>.$$

            **Answer.** $<fit>+<(prior)>-<(q)>\approx <total:2>$ nats.

            **Does it make sense?** The model has $x\sim\mathcal N(0,<var>)$, so $\log p(x)=<evidence>$ nats.
            The ELBO, the mean over $\varepsilon$, lies below it; a single draw may lie on either side. No
            flow was inverted.
            """,
            n,
            **{**at, "total": self.answer(n)},
            t2=-n.b * n.e1,
            var=n.w**2 + 2,
            evidence=-(LOG2PI + math.log(n.w**2 + 2) + n.x**2 / (n.w**2 + 2)) / 2,
        )


PROBLEMS = (Made(), Passes(), Elbo())
