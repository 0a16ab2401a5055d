"""Problems on the differential entropy of one density, and on a density's logarithm at one point."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.problems.information import LECTURE, NATS

HALF = r"You forgot the factor one half."


class Ruler(Problem):
    id = "P-INF-RULER"
    title = "A Gaussian measured with another ruler"
    lecture, objective = LECTURE, "O-4-5"
    unit = "nats"
    hint = r"Write the standard deviation in the new unit first; the mean does not matter."

    SIZES = {"mm": 1, "cm": 10, "m": 1000}

    def draw(self, rng: Random) -> Numbers:
        old, new = rng.sample(list(self.SIZES), 2)
        s = rng.choice([0.02, 0.03, 0.04, 0.05, 0.2, 0.3, 0.4, 0.5, 2, 3, 4, 5])
        times = self.SIZES[old] / self.SIZES[new]
        return Numbers(old=old, new=new, m=rng.choice([12, 25, 40, 60, 75]), s=s, times=times, t=s * times)

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and 1e-4 <= n.t <= 5000

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import gaussian_entropy

        return gaussian_entropy([[n.t**2]]).item()

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h, shift = self.answer(n), math.log(n.times)
        units = {"old": n.old, "new": n.new}
        return [
            (h - shift,
             fill(r"That is the entropy for positions in <old>; a density changes with the unit.", **units)),
            (h - 2 * shift,
             fill(r"You moved the entropy the wrong way: positions in <new> are those in <old> times "
                  r"$<times:3>$, and $\log<times:3>$ is added.", n)),
            (h - shift / 2,
             fill(r"You multiplied the variance by $<times:3>$; that is the factor of the standard "
                  r"deviation; the variance takes its square.", n)),
            (h - 0.5,
             r"You left out the $e$ in $2\pi e\sigma^2$: the quadratic part of $-\log p$ has the mean "
             r"$\tfrac12$."),
            (2 * h, HALF),
            (h - math.log(n.t) / 2, r"You put $\sigma$ where $\sigma^2$ belongs."),
            (h / math.log(2), NATS),
            (-h,
             r"The sign: $h=-\mathbb E[\log p(X)]$, which may well be negative for a narrow density and "
             r"positive for a wide one."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A position along a line is Gaussian with mean $<m>$ <old> and **standard deviation** $<s>$ <old>.

            Compute its differential entropy in nats for positions measured in **<new>**, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        h, shift = self.answer(n), math.log(n.times)
        return fill(
            r"""
            **Assumption.** A differential entropy belongs to a density, and a density is per unit of
            length: the unit has to be named. Here it is 1 <new>.

            **The new unit.** A position in <new> is the position in <old> times $<times:3>$, so it is
            Gaussian with $\sigma=<times:3>\cdot<s>=<t:6>$ (in <new>).

            **Gaussian.** With $-\log p(x)=\tfrac12\log(2\pi\sigma^2)+\dfrac{(x-\mu)^2}{2\sigma^2}$ and
            $\mathbb E(x-\mu)^2=\sigma^2$,

            $$h=\tfrac12\log(2\pi\sigma^2)+\tfrac12=\tfrac12\log(2\pi e)+\log\sigma.$$

            The first part is $1.4189$ whatever $\sigma$; the second is $\log<t:6>=<log>$.

            **Answer.** $h=1.4189+<(log)>\approx <h:2>$ nats, for positions in <new>.

            **Does it make sense?** For positions in <old> it would be $1.4189+\log<s>\approx <before:2>$
            nats; the difference is $\log<times:3>\approx <shift:4>$, as $h(aX)=h(X)+\log|a|$
            says. The entropy is <sign>, as $\sigma$ is <side> $1/\sqrt{2\pi e}\approx 0.242$.
            """,
            n,
            log=math.log(n.t),
            h=h,
            before=math.log(n.s) + 1.4189,
            shift=shift,
            sign="negative" if h < 0 else "positive",
            side="below" if h < 0 else "above",
        )


class Uniform(Problem):
    id = "P-INF-UNIFORM"
    title = "Differential entropy after a linear map"
    lecture, objective = LECTURE, "O-4-5"
    unit = "bits"
    hint = r"Where do the two ends of the interval go? A linear map of a uniform variable is uniform."

    def draw(self, rng: Random) -> Numbers:
        low = rng.choice([-2, -1.5, -1, -0.5, 0, 0.5, 1])
        scale = rng.choice([-3, -2, -0.75, -0.5, -0.4, -0.25, -0.2, -0.1, 0.1, 0.2, 0.25, 0.3, 0.75, 3, 5])
        width = rng.choice([0.5, 1.5, 2, 2.5, 3, 5])
        return Numbers(a=low, b=low + width, c=scale, d=rng.choice([-3, -2, -1, 1, 2, 3]), width=width)

    def answer(self, n: Numbers) -> float:
        from gm_utils.information import uniform_entropy

        return uniform_entropy(n.a, n.b, base=2).item() + math.log2(abs(n.c))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h, before = self.answer(n), math.log2(n.width)
        return [
            (h * math.log(2), r"That is in nats; bits are asked for: use $\log_2$."),
            (before,
             r"That is $h(X)$; the map changes the density, and with it the entropy, by "
             r"$\log_2|c|$."),
            (before - math.log2(abs(n.c)),
             r"The sign of the change: shrinking the interval lowers the entropy, stretching raises it."),
            (abs(n.c) * before,
             r"You multiplied the entropy by $|c|$; $\log_2|c|$ is added to it."),
            (-h,
             r"The sign: the density is 1 over the width, and $-\log_2$ of it is $\log_2$ of the width. "
             r"An interval shorter than 1 has a negative entropy."),
            (abs(n.c) * n.width, r"That is the width of the new interval; take $\log_2$."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            $X$ is uniform on $[<a>,\,<b>]$, and $Y=cX+d$ with $c=<c>$ and $d=<d>$.

            Compute the differential entropy $h(Y)$ in bits, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        ends = sorted([n.c * n.a + n.d, n.c * n.b + n.d])
        first, second = ("a", "b") if n.c > 0 else ("b", "a")
        h = self.answer(n)
        return fill(
            r"""
            **Assumption.** A linear map with $c\ne0$ takes the interval to an interval and stretches all of
            it by the same factor, so $Y$ is uniform too.

            **The new interval.** Its ends are $<c>\cdot<(x0)>+<(d)>=<y0>$ and $<c>\cdot<(x1)>+<(d)>=<y1>$,
            its width is $w=<y1>-<(y0)>=<w>$.

            **Entropy.** The density is $1/w$ on this interval, hence

            $$h(Y)=-\int\frac1w\log_2\frac1w\,dy=\log_2w.$$

            **Answer.** $h(Y)=\log_2 <w>=<h:2>$ bits.

            **Does it make sense?** The same comes from $h(cX+d)=h(X)+\log_2|c|$:
            $h(X)=\log_2 <width>=<before>$ and $\log_2 <abs>=<shift>$ bits. The shift $d$ plays no part. The
            entropy is <sign>, as the interval is <side> than 1; a density may have either sign.
            """,
            n,
            x0=getattr(n, first),
            x1=getattr(n, second),
            y0=ends[0],
            y1=ends[1],
            w=ends[1] - ends[0],
            h=h,
            before=math.log2(n.width),
            abs=abs(n.c),
            shift=math.log2(abs(n.c)),
            sign="negative" if h < 0 else "positive",
            side="shorter" if h < 0 else "longer",
        )


class Waiting(Problem):
    id = "P-INF-WAITING"
    title = "Differential entropy of a waiting time"
    lecture, objective = LECTURE, "O-4-5"
    unit = "nats"
    hint = r"$-\log p(t)=-\log\lambda+\lambda t$: what is the mean of this?"

    def draw(self, rng: Random) -> Numbers:
        kind = rng.choice(["mean", "median"])
        time = round(rng.choice([0.02, 0.1, 0.5]) * rng.randint(2, 30), 2)
        return Numbers(kind=kind, time=time, mean=time if kind == "mean" else time / math.log(2))

    def answer(self, n: Numbers) -> float:
        return 1 + math.log(n.mean)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        h, log = self.answer(n), math.log(n.mean)
        median = [
            (1 + math.log(n.time),
             r"You took the median for the mean. Half of the waits are over at $t=\log2/\lambda$, before "
             r"the mean $1/\lambda$."),
            (1 + math.log(n.time * math.log(2)),
             r"You divided by the median the wrong way: $e^{-\lambda t}=\tfrac12$ gives "
             r"$1/\lambda=t/\log2$."),
        ]  # fmt: skip
        return [
            (1 - log,
             r"You took the mean for the rate, or the sign of the logarithm slipped: with "
             r"$\lambda=1/\text{mean}$, $h=1-\log\lambda=1+\log(\text{mean})$."),
            (log, r"You left out the 1, the mean of $\lambda t$."),
            (h / math.log(2), NATS),
            (-h, r"The sign: $h=\mathbb E[-\log p(T)]$, with a minus in front."),
            (log + math.log(2 * math.pi * math.e) / 2,
             r"That is the entropy of a Gaussian with the same standard deviation, the largest possible "
             r"one."),
            *median * (n.kind == "median"),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        given = r"mean $<time>$ s" if n.kind == "mean" else r"**median** $<time>$ s"
        return fill(
            rf"""
            The time $T$ between two requests to a server, in seconds, is exponentially distributed with
            {given}.

            Compute the differential entropy $h(T)$ in nats, to two decimals.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        known = (
            r"The mean of an exponential time is $1/\lambda$, so $1/\lambda=<mean>$ s."
            if n.kind == "mean"
            else r"The median is where $e^{-\lambda t}=\tfrac12$, so $\lambda t=\log2$ and "
            r"$1/\lambda=\frac{<time>}{\log2}=<mean:5>$ s, the mean."
        )
        h = self.answer(n)
        return fill(
            rf"""
            **Assumptions.** $p(t)=\lambda e^{{-\lambda t}}$ for $t\ge0$, with $t$ in seconds; the entropy
            refers to this unit.

            **The rate.** {known}

            **Entropy.** $-\log p(t)=-\log\lambda+\lambda t$, and $\mathbb E[\lambda T]=1$, hence

            $$h(T)=\mathbb E[-\log p(T)]=1-\log\lambda=1+\log\frac1\lambda.$$

            **Answer.** $h(T)=1+\log<mean:5>\approx <h:2>$ nats.

            **Does it make sense?** Of all densities on $t\ge0$ with this mean the exponential has the largest
            entropy. The uniform one on $[0,2/\lambda]$ has $\log<double:5>=<flat>$ nats, which is less. The
            entropy is <sign>, as $1/\lambda$ is <side> $1/e\approx 0.368$ s.
            """,
            n,
            h=h,
            double=round(2 * round(n.mean, 5), 5),
            flat=math.log(2 * round(n.mean, 5)),
            sign="negative" if h < 0 else "positive",
            side="below" if h < 0 else "above",
        )


class Point(Problem):
    id = "P-INF-POINT"
    title = "A point mass against a density"
    lecture, objective = LECTURE, "O-4-6"
    unit = "nats"
    hint = r"Under $p$ there is only one value: which one, and what is the density $q$ there?"

    def draw(self, rng: Random) -> Numbers:
        if rng.random() < 0.5:
            w = rng.choice([2, 4, 6, 8, 10])
            x = rng.choice([0.1, 0.2, 0.25, 0.4, 0.6, 0.75, 0.8]) * w
            return Numbers(rising=True, w=w, x=x, q=2 * x / w**2, below=(x / w) ** 2, h=0.5 + math.log(w / 2))
        rate, x = rng.choice([0.2, 0.25, 0.5, 2, 3, 4, 5]), rng.choice([0.2, 0.25, 0.5, 1, 1.5, 2, 3])
        q = rate * math.exp(-rate * x)
        return Numbers(rising=False, w=rate, x=x, q=q, below=1 - math.exp(-rate * x), h=1 - math.log(rate))

    def answer(self, n: Numbers) -> float:
        return -math.log(n.q)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        ce = self.answer(n)
        return [
            (0.0,
             r"That is the entropy of $p$: one value, no surprise. Here $-\log q$ is averaged over $p$."),
            (n.h,
             r"That is the entropy of $q$: you averaged $-\log q$ over $q$. All of $p$ lies at one point."),
            (-ce, r"The sign: it is $-\log q$."),
            (n.q, r"That is the density $q(x_0)$; its negative logarithm is asked for."),
            (-math.log(n.below),
             r"You took the probability $Q(X\le x_0)$; the formula has the density at $x_0$."),
            (ce / math.log(2), NATS),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        density = (
            r"q(x)=\frac{x}{<half>}\ \text{for}\ 0\le x\le<w>"
            if n.rising
            else r"q(x)=<w>\,e^{-<w>x}\ \text{for}\ x\ge0"
        )
        return fill(
            rf"""
            The distribution $p$ puts all its mass on $x_0=<x>$. The distribution $q$ has the density

            $${density}$$

            and 0 elsewhere. What does the formal calculation of the cross-entropy, $\mathbb E_p[-\log q(X)]$,
            give, in nats and to two decimals? (Say also why this is not $D_{{KL}}(p\Vert q)$, although
            $H(p)=0$.)
            """,
            n,
            half=n.w**2 / 2,
        )

    def solution(self, n: Numbers) -> str:
        value = (
            r"$-\log q(x_0)=-\log\frac{<x>}{<half>}=<ce:4>$."
            if n.rising
            else r"$-\log q(x_0)=-\log<w>+<w>\cdot<x>=<ce:4>$."
        )
        return fill(
            rf"""
            **Definition.** $\mathbb E_p[-\log q(X)]$, the mean of $-\log q$ where $p$ lies. All of $p$ lies
            at $x_0$, so it is $-\log q(x_0)$.

            **Numbers.** {value}

            **Answer.** $\mathbb E_p[-\log q(X)]\approx <ce:2>$ nats. It is the log-loss of the density $q$
            at the observed point.

            **Why this is not the KL divergence.** The entropy of $p$ is 0 as that of a *discrete*
            distribution, while $-\log q(x_0)$ belongs to a *density*: their difference mixes a probability
            with a density and means nothing. $q$ gives the single point the probability 0, and $p$ gives it
            1, so $p\not\ll q$ and $D_{{KL}}(p\Vert q)=+\infty$ (in some courses: not defined).

            **Does it make sense?** In a unit that is 100 times smaller $x_0$ becomes $100\,x_0$, the
            density is divided by 100, and the number grows to $<ce:4>+\log100\approx <cm:4>$. A log-loss
            may depend on the unit like this, a KL divergence may not. The loss is <sign> here since
            $q(x_0)$ is <side> 1.
            """,
            n,
            half=n.w**2 / 2,
            ce=self.answer(n),
            cm=round(self.answer(n), 4) + math.log(100),
            sign="negative" if n.q > 1 else "positive",
            side="above" if n.q > 1 else "below",
        )


PROBLEMS = (Ruler(), Uniform(), Waiting(), Point())
