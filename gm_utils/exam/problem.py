"""A parametric problem: numbers from a seed, the answer, and what typical mistakes give; and the grader.

The page grades by the same rules in JavaScript (book/_static/js/problems.js); tests/data/numbers.json
holds what both must read alike.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import random
import re
import textwrap
from dataclasses import dataclass
from itertools import combinations
from types import SimpleNamespace

DECIMAL = re.compile(r"([+-]?)\s*(\d+(?:[.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
MINUS = re.compile("[\u2010-\u2013\u2212\ufe63\uff0d]")
SLASH = re.compile("[\u2044\u2215]")
SLOT = re.compile(r"(=?)<(\(?)(\w+)\)?(?::(\d))?>")
CLOSE = 3  # so many tolerances away a wrong answer is called close


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that a person reaches, and what went wrong on the way (Markdown or HTML)."""

    answer: float
    diagnosis: str


@dataclass(frozen=True)
class Variant:
    """A problem with its numbers. Texts are Markdown as `Problem` makes them, HTML as pages hold them.

    x is accepted where |x - answer| <= max(abs, rel·|answer|); a mistake has the same width.
    """

    problem: str
    seed: int
    statement: str
    answer: float
    unit: str
    rel: float
    abs: float
    hint: str
    solution: str
    mistakes: tuple[Mistake, ...]

    def slack(self, target: float) -> float:
        """How far from `target` (in the variant's unit) a number may lie and still count as it."""
        return max(self.abs, self.rel * abs(target))

    def separate(self) -> bool:
        """True where no number counts as two of: the answer, the mistakes.

        The answer stays below 1000 ("1,152" would be read in two ways) and well above its tolerance.
        """
        targets = [self.answer, *(m.answer for m in self.mistakes)]
        apart = all(abs(a - b) > self.slack(a) + self.slack(b) for a, b in combinations(targets, 2))
        sized = 10 * self.abs <= abs(self.answer) < 1000
        return apart and sized and all(map(math.isfinite, targets))


class Problem:
    """A template. A subclass says what it is and how its numbers become texts.

    Attributes: id ("P-VAE-KL"), title, lecture ("10-vae"), objective ("O-10-4"), hint (the first step,
    not the result), unit of the answer, rel and abs, the tolerance, and places, the decimals that are
    asked for (None: the answer is exact). `n` is what `draw` returned.

    Digits in a solution: exact numbers in full, others on the way with four decimals (five where a
    large number multiplies them), the answer with the decimals that are asked for. Each printed equation
    holds for the printed numbers: what stands right of its sign is what stands left of it, rounded.
    """

    id: str
    title: str
    lecture: str
    objective: str
    hint: str
    unit = ""
    places: int | None = 2
    rel = 0.01
    abs = 0.006  # a value rounded to two decimals always passes

    def draw(self, rng: random.Random) -> SimpleNamespace:
        """The numbers of one variant."""
        raise NotImplementedError

    def answer(self, n: SimpleNamespace) -> float:
        """The number that is asked for, in `unit`."""
        raise NotImplementedError

    def mistakes(self, n: SimpleNamespace) -> list[tuple[float, str]]:
        """(wrong answer, diagnosis in Markdown), those that these numbers make possible."""
        raise NotImplementedError

    def statement(self, n: SimpleNamespace) -> str:
        """The question, Markdown with $TeX$."""
        raise NotImplementedError

    def solution(self, n: SimpleNamespace) -> str:
        """Assumptions, steps with these numbers, unit, a check for sense."""
        raise NotImplementedError

    def settled(self, n: SimpleNamespace) -> bool:
        """True where rounding on the way cannot change the last decimal that is asked for."""
        return self.places is None or off_tie(self.answer(n), self.places)

    def numbers(self, seed: int) -> SimpleNamespace:
        """The first draw of `random.Random(seed)` that is settled and keeps answer and mistakes apart.

        Raises RuntimeError where 1000 draws hold none.
        """
        rng = random.Random(seed)
        for _ in range(1000):
            n = self.draw(rng)
            if self.settled(n) and self._variant(seed, n, words=False).separate():
                return n
        raise RuntimeError(f"{self.id}: no draw of seed {seed} keeps the answer and the mistakes apart")

    def variant(self, seed: int) -> Variant:
        """The problem with the numbers of `seed`; the same on every machine.

        >>> from gm_utils.exam.problem import problems
        >>> problems()["P-VAE-SHELL"].variant(0).unit
        ''
        """
        return self._variant(seed, self.numbers(seed), words=True)

    def _variant(self, seed: int, n: SimpleNamespace, words: bool) -> Variant:
        statement, solution = (f(n) if words else "" for f in (self.statement, self.solution))
        wrong = tuple(Mistake(value, diagnosis) for value, diagnosis in self.mistakes(n))
        return Variant(
            problem=self.id,
            seed=seed,
            statement=statement,
            answer=self.answer(n),
            unit=self.unit,
            rel=self.rel,
            abs=self.abs,
            hint=self.hint,
            solution=solution,
            mistakes=wrong,
        )


def problems() -> dict[str, Problem]:
    """All problems by id, from the `PROBLEMS` of each module in `gm_utils.exam.problems`.

    Raises ValueError where two have one id.
    """
    from gm_utils.exam import problems as package

    found: dict[str, Problem] = {}
    for info in pkgutil.iter_modules(package.__path__):
        for problem in importlib.import_module(f"{package.__name__}.{info.name}").PROBLEMS:
            if problem.id in found:
                raise ValueError(f"problem id {problem.id} is used twice, the second time in {info.name}.py")
            found[problem.id] = problem
    return found


def off_tie(x: float, places: int) -> bool:
    """True where x is not about halfway between two numbers of so many decimals.

    >>> off_tie(2.504, 2), off_tie(-2.505, 2), off_tie(2.5049, 2)
    (True, False, False)
    """
    return abs(abs(x) * 10**places % 1 - 0.5) > 0.05


def fill(template: str, n: SimpleNamespace | None = None, **more: float | str) -> str:
    """A template with its slots filled: `<name>` by a number or text, `<(name)>` in brackets if negative.

    `<name:2>` has two decimals. `=<name>` becomes an approximate equality where `decimal` rounds.
    Raises KeyError for a name that neither `n` nor `more` has.

    >>> fill(r"$\\mu=<m>$, so $1-<(m)>=<r>$", m=-0.5, r=1.5)
    '$\\\\mu=-0.5$, so $1-(-0.5)=1.5$'
    """
    values = {**vars(n or SimpleNamespace()), **more}

    def put(slot: re.Match[str]) -> str:
        value = values[slot[3]]
        places = int(slot[4]) if slot[4] else None
        text = value if isinstance(value, str) else decimal(value, places)
        rounded = text != value and abs(float(text) - value) > 1e-9
        sign = r"\approx " if slot[1] and rounded else slot[1]
        return sign + (f"({text})" if slot[2] and text.startswith("-") else text)

    return SLOT.sub(put, textwrap.dedent(template).strip())


def decimal(x: float, places: int | None = None) -> str:
    """x with so many decimals; without zeros at the end where that is exact.

    places: None means four decimals, or three significant digits where x is small.

    >>> decimal(2.0), decimal(-0.69314), decimal(0.000123456), decimal(1.999, 2), decimal(0.5, 2)
    ('2', '-0.6931', '0.000123', '2.00', '0.5')
    """
    if places is None:
        places = 4 if x == 0 or abs(x) >= 0.01 else 2 - math.floor(math.log10(abs(x)))
    text = f"{x:.{places}f}"
    if "." in text and abs(float(text) - x) <= 1e-9:
        text = text.rstrip("0").rstrip(".")
    return text.removeprefix("-") if float(text) == 0 else text


def parse_number(text: str) -> float:
    """The number that a student typed: digits with a point or a comma, an exponent; or a fraction of two.

    Dashes count as minus signs. Raises ValueError with a sentence that says what to do.

    >>> parse_number("\u22120,5"), parse_number(" 3 / 4 "), parse_number("2.5e-3")
    (-0.5, 0.75, 0.0025)
    """
    typed = SLASH.sub("/", MINUS.sub("-", text)).strip()
    if not typed:
        raise ValueError("Type a number, for example 0.25, 1/4 or 2.5e-1.")
    parts = [DECIMAL.fullmatch(part.strip()) for part in typed.split("/")]
    if len(parts) > 2 or not all(parts):
        raise ValueError(
            f"{text.strip()!r} cannot be read as a number: type digits alone, for example 0.25, 1/4 or "
            "2.5e-1, with one decimal point or comma, nothing between thousands and no unit."
        )
    values = [float(part[1] + part[2].replace(",", ".") + (part[3] or "")) for part in parts]
    if len(values) == 2 and values[1] == 0:
        raise ValueError("A fraction needs a denominator that is not zero.")
    value = values[0] / values[1] if len(values) == 2 else values[0]
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()!r} is too large to be right.")
    return value


@dataclass(frozen=True)
class Grade:
    """`correct` is None where no number could be read: that costs nothing."""

    correct: bool | None
    message: str


def grade(variant: Variant, text: str) -> Grade:
    """Mark what was typed; a wrong answer gets the diagnosis of the nearest typical mistake, if one is near.

    Returns a `Grade`; its message is in the markup of the variant's texts. Raises nothing.
    """
    try:
        value = parse_number(text)
    except ValueError as error:
        return Grade(None, str(error))
    away = abs(value - variant.answer)
    if away <= variant.slack(variant.answer):
        return Grade(True, f"Right: {variant.answer:.4g} {variant.unit}".rstrip() + ".")
    near = [m for m in variant.mistakes if abs(value - m.answer) <= variant.slack(m.answer)]
    if near:
        return Grade(False, "Not yet. " + min(near, key=lambda m: abs(value - m.answer)).diagnosis)
    if away <= CLOSE * variant.slack(variant.answer):
        return Grade(False, "Not yet. Close, but further away than rounding allows: keep more digits.")
    return Grade(False, "Not yet. Look at the hint, or open the solution.")
