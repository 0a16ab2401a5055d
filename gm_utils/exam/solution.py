"""What problems are written with: numbers that are easy to reckon with, and lines of a solution.

A solution prints rounded numbers and goes on with what it printed, so that a reader can follow it by hand.
"""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, decimal, fill

LOG2PI = math.log(2 * math.pi)


def halves(low: float, high: float) -> list[float]:
    """low, low + 0.5, ..., high, without 0."""
    return [k / 2 for k in range(round(2 * low), round(2 * high) + 1) if k]


def shares(rng: Random, parts: int, of: int = 20, least: int = 1) -> list[float]:
    """A distribution over so many values, in multiples of 1/of, each at least least/of."""
    cuts = sorted(rng.sample(range(1, of - parts * (least - 1)), parts - 1))
    counts = [b - a + least - 1 for a, b in zip([0, *cuts], [*cuts, of - parts * (least - 1)], strict=True)]
    return [k / of for k in counts]


def base(*z: float) -> float:
    """The standard normal log-density of z, in nats."""
    return -(len(z) * LOG2PI + sum(a * a for a in z)) / 2


class Stepwise(Problem):
    """A problem whose solution goes on with rounded numbers: `steps` has them, and their end as `total`."""

    def steps(self, n: Numbers) -> dict[str, float]:
        raise NotImplementedError

    def settled(self, n: Numbers) -> bool:
        end, right = (decimal(x, self.places) for x in (self.steps(n)["total"], self.answer(n)))
        return super().settled(n) and end == right


def shown(x: float) -> float:
    """x as a solution prints it, to go on with."""
    return float(decimal(x))


def column(terms: list[tuple[str, float]], places: int = 4) -> str:
    """Terms in TeX with their values, one below the other."""
    lines = (fill(rf"{tex}&=<v:{places}>", v=value) for tex, value in terms)
    return r"$$\begin{aligned}" + r"\\".join(lines) + r"\end{aligned}$$"


def added(values: list[float], places: int = 4) -> str:
    """The sum of the values as printed, not worked out; negative ones in brackets."""
    first, *rest = (decimal(value, places) for value in values)
    return "+".join([first, *(f"({v})" if v.startswith("-") else v for v in rest)])


def total(values: list[float]) -> str:
    """The sum of the values as printed, worked out."""
    return f"{sum(round(value, 4) for value in values):.4f}"


def table(head: list[str], *rows: tuple[str, list[float]]) -> str:
    """A Markdown table: a name and numbers in each row."""
    body = [f"| {name} | " + " | ".join(f"${decimal(v)}$" for v in values) + " |" for name, values in rows]
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *body])
