"""Every parametric problem over 1,000 seeds: the answer by a second way, mistakes that can be told apart,
texts that hold the answer, and files that are those of the present code."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace as Numbers

import numpy as np
import pytest
import torch
from scipy import optimize

from gm_utils.exam import export
from gm_utils.exam.practice import variant
from gm_utils.exam.problem import (
    Grade,
    Mistake,
    Problem,
    Variant,
    decimal,
    fill,
    grade,
    parse_number,
    problems,
)
from gm_utils.exam.variants import GAP, pack, unpack

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = json.loads((ROOT / "tests/data/numbers.json").read_text(encoding="utf8"))
PROBLEMS = problems()
SEEDS = range(1000)
each_problem = pytest.mark.parametrize("id", PROBLEMS)


# -- the second ways: none shares a formula with the problem


def gaussian(z, mean, var):
    return -((z - mean) ** 2) / (2 * var) - np.log(2 * np.pi * var) / 2


def grid(mean, var, n=4001):
    return np.linspace(mean - 12 * math.sqrt(var), mean + 12 * math.sqrt(var), n)


def kl(n):
    """Quadrature of q log(q / p) in each dimension."""
    total = 0.0
    for m, v in ((n.m1, n.s1**2), (n.m2, n.s2**2)):
        z = grid(m, v)
        log_q = gaussian(z, m, v)
        total += np.trapezoid(np.exp(log_q) * (log_q - gaussian(z, 0, 1)), z)
    return total


def elbo(n):
    """Quadrature of q (log p(x, z) - log q)."""
    z = grid(n.m, n.v)
    log_q = gaussian(z, n.m, n.v)
    return np.trapezoid(np.exp(log_q) * (gaussian(z, 0, 1) + gaussian(n.x, n.w * z, n.s2) - log_q), z)


def iwae(n):
    """Torch's densities give back the table; then the weights themselves in exact rationals of e^0.1."""
    tenths = [round(10 * (x + p - q)) for x, p, q in ((n.x1, n.p1, n.q1), (n.x2, n.p2, n.q2))]
    low = min(tenths)
    weights = [Fraction(math.exp(0.1)) ** (t - low) for t in tenths]
    return low / 10 + math.log(sum(weights) / 2)


def reparam(n):
    """Autograd through the encoder's output."""
    log_var = torch.tensor(2 * math.log(n.sd), dtype=torch.float64, requires_grad=True)
    z = n.mu + (log_var / 2).exp() * n.eps
    (n.x - n.a * z).square().backward()
    return log_var.grad.item()


def posterior(n):
    """Conditioning the joint Gaussian of z and x, in fractions: cov(z, x) cov(x)^-1 (x - b)."""
    w, s2 = (Fraction(n.w1), Fraction(n.w2)), Fraction(n.s2)
    a, b, d = w[0] ** 2 + s2, w[0] * w[1], w[1] ** 2 + s2
    c = (n.x1 - n.b1, n.x2 - n.b2)
    det = a * d - b * b
    return float((w[0] * (d * c[0] - b * c[1]) + w[1] * (a * c[1] - b * c[0])) / det)


def collapse(n):
    """The optimal linear VAE built as matrices; its mean KL from torch's posterior of every direction."""
    values, d = np.array(n.values), n.d
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    W = turn[:, :d] * np.sqrt(np.clip(values[:d] - n.s2, 0, None))
    cov = turn @ np.diag(values) @ turn.T
    v = np.linalg.inv(np.eye(d) + W.T @ W / n.s2)
    A = v @ W.T / n.s2  # posterior mean = A (x - b)
    return (np.trace(v) + np.trace(A @ cov @ A.T) - d - np.linalg.slogdet(v)[1]) / 2


def noise(n):
    """The variance at which a Gaussian's gradient in the reconstruction is that of torch's loss over beta."""
    x = torch.rand(n.D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    guess = torch.full_like(x, 0.3).requires_grad_()
    loss = torch.nn.functional.mse_loss(guess, x, reduction="mean" if n.mean else "sum") / n.beta
    unit = -torch.distributions.Normal(guess, 1.0).log_prob(x).sum()
    (of_loss,), (of_unit,) = torch.autograd.grad(loss, guess), torch.autograd.grad(unit, guess)
    return (of_unit / of_loss).mean().item()


def calibrated(n):
    """Numerical maximum over the noise of an actual Gaussian log-likelihood."""
    r = np.random.default_rng(0).normal(size=n.D)
    r *= math.sqrt(n.sse / (r @ r))
    found = optimize.minimize_scalar(
        lambda t: -gaussian(r, 0, math.exp(t)).sum(), bracket=(-6, -1), tol=1e-10
    )
    return -found.fun


def active(n):
    """Codes of 1,000 images with the moments of the table, then the variance of their means."""
    sign = np.tile([-1.0, 1.0], 500)
    codes = np.stack([m + math.sqrt(s) * sign for m, s, _ in n.rows])
    return float((codes.var(axis=1) > 0.01).sum())


def shell(n):
    """The covariance of an average of k draws, as the matrix product A A^T with A = [I, ..., I] / k."""
    A = np.tile(np.eye(n.d), n.k) / n.k
    return math.sqrt(np.einsum("ij,ij->", A, A))


def surgery(n):
    """Average KL to the prior minus mutual information, from joint entropies."""

    def entropy(p):
        return -sum(k * math.log(k) for k in p if k)

    rows, prior = (n.q1, n.q2), n.p
    mean = (
        sum(-entropy(q) - sum(k * math.log(p) for k, p in zip(q, prior, strict=True) if k) for q in rows) / 2
    )
    aggregate = [sum(column) / 2 for column in zip(*rows, strict=True)]
    information = entropy(aggregate) + math.log(2) - entropy([k / 2 for q in rows for k in q])
    return mean - information


def blur(n):
    """Half the mean squared distance of two independent draws, in fractions."""
    r = [Fraction(w).limit_denominator(100) for w in n.weights]
    x = [[Fraction(a) for a in image] for image in n.images]
    pairs = ((i, j) for i in range(3) for j in range(3))
    return float(
        sum(r[i] * r[j] * sum((a - b) ** 2 for a, b in zip(x[i], x[j], strict=True)) for i, j in pairs) / 2
    )


SECOND = {
    "P-VAE-KL": kl, "P-VAE-ELBO": elbo, "P-VAE-IWAE": iwae, "P-VAE-REPARAM": reparam, "P-VAE-POSTERIOR": posterior,
    "P-VAE-COLLAPSE": collapse, "P-VAE-NOISE": noise, "P-VAE-CALIBRATED": calibrated, "P-VAE-ACTIVE": active,
    "P-VAE-SHELL": shell, "P-VAE-SURGERY": surgery, "P-VAE-BLUR": blur,
}  # fmt: skip
for _path in sorted(Path(__file__).parent.glob("ways_*.py")):  # a file a lecture, each with its SECOND
    SECOND |= importlib.import_module(_path.stem).SECOND


@pytest.fixture(scope="module")
def renderer():
    with export.Renderer() as renderer:
        yield renderer


@each_problem
def test_the_answer_by_a_second_way(id: str) -> None:
    problem, worst = PROBLEMS[id], (0.0, 0)
    for seed in SEEDS:
        n = problem.numbers(seed)
        a, b = problem.answer(n), SECOND[id](n)
        worst = max(worst, (abs(a - b) / max(1, abs(a)), seed))
    assert worst[0] < 1e-7, f"seed {worst[1]} differs by {worst[0]}"


@each_problem
def test_answer_and_mistakes_can_be_told_apart(id: str) -> None:
    for seed in SEEDS:
        v = PROBLEMS[id].variant(seed)
        assert len(v.mistakes) >= 3
        targets = sorted([v.answer, *(m.answer for m in v.mistakes)])
        for a, b in zip(targets, targets[1:], strict=False):
            assert b - v.slack(b) > a + v.slack(a), (seed, a, b)
        assert grade(v, repr(v.answer)).correct
        for m in v.mistakes:
            assert grade(v, repr(m.answer)) == Grade(False, f"Not yet. {m.diagnosis}")


@each_problem
def test_a_rounded_answer_passes(id: str) -> None:
    asked = {"one": 1, "two": 2}
    for seed in range(200):
        v = PROBLEMS[id].variant(seed)
        places = re.search(r"to (one|two)\s+decimals?", v.statement)
        assert grade(v, f"{v.answer:.{asked[places[1]] if places else 4}f}").correct, seed
        assert (asked[places[1]] if places else 0) == (PROBLEMS[id].places or 0)


@each_problem
def test_texts_are_complete_and_hold_the_answer(id: str) -> None:
    for seed in range(100):
        v = PROBLEMS[id].variant(seed)
        assert "**Answer.**" in v.solution
        assert "**Does it make sense?**" in v.solution
        assert re.search(r"\*\*(Assumptions?|Definition|Criterion)\.\*\*", v.solution)
        end = v.solution[v.solution.index("**Answer.**") : v.solution.index("**Does it")]
        shown = re.findall(r"(?<![\d.])-?\d+(?:\.\d+)?", end)
        asked = decimal(v.answer, PROBLEMS[id].places)
        assert asked in shown, (seed, v.answer)
        for text in (v.statement, v.hint, v.solution, *(m.diagnosis for m in v.mistakes)):
            assert not re.search(r"\bnan\b|\binf\b|e-\d\d|None|<\(?\w+\)?(:\d)?>", text), (seed, text)
            assert not re.search(r"(?i)\b(clearly|obviously|trivially)\b", text)
            assert text.count("$") % 2 == 0


def arithmetic(tex: str) -> list[float | None]:
    """The values of the sides of an equation in TeX, None for a side that is not made of numbers alone."""
    values = []
    for side in re.split(r"&?=|&?\\approx", tex):
        s = re.sub(r"\\[Bb]ig|\\(begin|end)\{aligned\}|\\[,; ]", "", side).strip(" .,\n")
        s = (
            s.replace(r"\tfrac12", "(1/2)")
            .replace(r"\cdot", "*")
            .replace(r"\pi", " pi ")
            .replace(r"e^", r" exp")
        )
        s = re.sub(r"exp\{([^{}]*)\}", r"exp(\1)", s)
        s = re.sub(r"\\d?frac\{([^{}]*)\}(?:\{([^{}]*)\}|(\d))", lambda m: f"(({m[1]})/({m[2] or m[3]}))", s)
        s = re.sub(r"\\sqrt\{([^{}]*)\}", r" sqrt(\1)", s)
        s = re.sub(r"(?:\\lvert|\|)(.*?)(?:\\rvert|\|)", r" abs(\1)", s)
        s = re.sub(r"\\log_2 *(\d+(?:\.\d+)?)", r" lb(\1)", s).replace(r"\log_2", " lb")
        s = re.sub(r"\\log *(\d+(?:\.\d+)?)", r" log(\1)", s).replace(r"\log", " log").replace("^", "**")
        s = re.sub(r"(?<=[\d)]) *(?=log|lb|exp|sqrt|abs|pi|\()", "*", s)
        part = r"(?:[\d\s.+\-*/()]|log|lb|exp|sqrt|abs|pi)*"
        names = {**vars(math), "lb": math.log2, "abs": abs}
        values.append(eval(s, {"__builtins__": {}}, names) if re.fullmatch(rf"{part}\d{part}", s) else None)
    return values


@pytest.mark.parametrize(
    ("tex", "value"),
    [
        (r"\tfrac12\big(1+0.25-(-1.3863)-1\big)", 0.8181),
        (r"-\tfrac12\log(2\pi\cdot0.5)-\frac{2.5}{2\cdot0.5}", -3.0724),
        (r"-53.7+\log\frac{1+e^{-2}}2", -54.2662),
        (r"0.3125\log\frac{0.3125}{0.25}", 0.0697),
        (r"\tfrac12\Big(\log\frac{0.5}{0.1}+\log\frac{0.2}{0.1}\Big)", 1.1513),
        (r"\sqrt{9}", 3),
        (r"(-1.5)^2+0.25", 2.5),
        (r"(-2-0.5)e^{-0.5\cdot2}", -0.9197),
        (r"-0.5\log_20.5-0.25\log_2\frac{0.25}{1}", 1),
        (r"2\lvert 0.2-0.5\rvert+|-1|", 1.6),
        (r"e^{2}-e^{-1.5}+3e^{0}", 10.1659),
        (r"x+1", None),
    ],
)
def test_the_arithmetic_reader_itself(tex: str, value: float | None) -> None:
    (got,) = arithmetic(tex)
    assert got == (value if value is None else pytest.approx(value, abs=1e-4))


def holds(equation: str) -> int:
    """How many of its signs join two sides made of numbers; each such sign is true of the printed numbers.

    An equals sign is exact. What stands right of an approximate one is the left side rounded to the decimals
    that the right one has.
    """
    values, signs, count = arithmetic(equation), re.findall(r"=|\\approx", equation), 0
    sides = re.split(r"=|\\approx", equation)[1:]
    for a, b, sign, side in zip(values, values[1:], signs, sides, strict=False):
        if a is None or b is None:
            continue
        literal = re.fullmatch(r"[\s&]*-?\d+(?:\.(\d+))?[\s.,:]*(?:\\end\{aligned\})?", side)
        assert sign == "=" or literal, f"{side} is no number to round to: {equation}"
        room = 0 if sign == "=" else 0.5 * 10 ** -len(literal[1] or "")
        assert abs(a - b) <= room + 1e-9 * max(1, abs(a)), equation
        count += 1
    return count


@pytest.mark.parametrize(
    ("equation", "true"),
    [
        (r"L\approx -2.8280-0.4431\approx -3.27", True),
        (r"L\approx -2.8280-0.4431\approx -3.2712", False),  # the exact sum, not that of what is printed
        (r"\frac{1}{3}=0.3333", False),
        (r"\frac{1}{3}\approx 0.3333", True),
        (r"1+1=2=\sqrt{4}", True),
        (r"\log9\approx 2.198", False),
        (r"2\cdot0.5&=1.01", False),
    ],
)
def test_the_reader_of_equations_itself(equation: str, true: bool) -> None:
    if true:
        assert holds(equation) >= 1
    else:
        with pytest.raises(AssertionError):
            holds(equation)


@each_problem
def test_the_steps_of_a_solution_add_up(id: str) -> None:
    """Both sides of every equation between numbers, evaluated from the numbers as printed."""
    found = set()
    for seed in range(200):
        solution = PROBLEMS[id].variant(seed).solution
        for tex in re.findall(r"\$\$(.*?)\$\$|\$(.*?)\$", solution, re.S):
            for equation in re.split(r"\\\\|\\qquad", tex[0] or tex[1]):
                if holds(equation):
                    found.add(equation)
    assert len(found) >= 5 or id == "P-VAE-ACTIVE", "few equations between numbers: can the test read them?"


def test_the_column_of_terms_adds_up() -> None:
    """The mismatch's terms as printed, their printed sum, and the answer that it rounds to."""
    for seed in range(200):
        said = PROBLEMS["P-VAE-SURGERY"].variant(seed).solution
        column = re.search(r"\\begin\{aligned\}(.*?)\\end", said, re.S)[1]
        terms = [float(x) for x in re.findall(r"&(?:=|\\approx )(-?[\d.]+)", column)]
        total = float(re.search(r"add up to \$(-?[\d.]+)\$", said)[1])
        answer = float(re.search(r"\*\*Answer\.\*\*.*?(?:=|\\approx )(-?[\d.]+)\$", said)[1])
        assert sum(terms) == pytest.approx(total, abs=1e-9)
        assert len(terms) == column.count("&")
        assert abs(total - answer) <= 0.005, seed


@each_problem
def test_numbers_differ_between_seeds_and_repeat_for_one(id: str) -> None:
    problem = PROBLEMS[id]
    assert problem.variant(3) == problem.variant(3)
    assert len({problem.variant(seed).statement for seed in export.SEEDS}) >= 16


def test_ids_lectures_and_objectives_are_well_formed() -> None:
    for id, problem in PROBLEMS.items():
        assert re.fullmatch(r"P-[A-Z]+-[A-Z]+", id)
        number = int(problem.lecture.split("-")[0])
        assert re.fullmatch(rf"O-{number}-\d+", problem.objective), id


def test_mistakes_are_what_they_say() -> None:
    """A few mistakes made again by another route, numbers by hand."""
    P = PROBLEMS
    n = Numbers(m1=1.0, m2=-0.5, s1=0.5, s2=2.0, v1=0.25, v2=4.0)
    wrong = [value for value, _ in P["P-VAE-KL"].mistakes(n)]
    assert P["P-VAE-KL"].answer(n) == pytest.approx(
        (1 + 0.25 + math.log(4) - 1 + 0.25 + 4 - math.log(4) - 1) / 2
    )
    assert wrong[2] == pytest.approx(((1 + 0.5 + math.log(2) - 1) + (0.25 + 2 - math.log(2) - 1)) / 2)
    assert wrong[4] == pytest.approx(3.5 / 2 + 1)
    n = Numbers(w=2, m=1.0, s2=1.0, v=0.25, x=3.0)  # question Q-VAE-09
    assert P["P-VAE-ELBO"].answer(n) == pytest.approx(-2.737086, abs=1e-6)
    assert P["P-VAE-ELBO"].evidence(n) == pytest.approx(-2.623657, abs=1e-6)
    assert P["P-VAE-ELBO"].gap(n) == pytest.approx(0.113428, abs=1e-6)
    n = Numbers(D=784, side=28, beta=1, mean=True, scale=784)  # question Q-VAE-10
    assert P["P-VAE-NOISE"].answer(n) == 392
    n = Numbers(values=[0.699, 0.639, 0.554, 0.395], s2=0.5, d=4)  # the digits' eigenvalues
    assert P["P-VAE-COLLAPSE"].answer(n) == pytest.approx(0.341, abs=5e-4)


def listed(id: str, says: str, **numbers) -> float:
    """The wrong answer whose diagnosis holds these words."""
    (value,) = (value for value, why in PROBLEMS[id].mistakes(Numbers(**numbers)) if says in why)
    return value


def test_the_slips_that_an_examiner_expects() -> None:
    """Numbers worked out by hand, outside the problems."""
    for expected, m1, m2, s1, s2 in ((4.40, 0.5, 1, 3, 0.2), (1.75, 1, -0.5, 0.5, 2)):
        n = {"m1": m1, "m2": m2, "s1": s1, "s2": s2, "v1": s1**2, "v2": s2**2}
        assert listed("P-VAE-KL", r"You put $\log\sigma_j$ where", **n) == pytest.approx(expected, abs=0.005)
    n = {"mu": -0.5, "eps": -2.0, "sd": 3.0, "a": 2, "x": 1, "var": 9.0, "z": -6.5}
    assert listed("P-VAE-REPARAM", "forgot the inner derivative", **n) == 2 * 14 * -2 * 1.5
    assert listed("P-VAE-REPARAM", "forgot the 2 of the square", **n) == -2 * 14 * -2 * 1.5
    assert listed("P-VAE-REPARAM", "not $-1$", **n) == -2 * 14 * -2 * 1.5 * -1 * -1
    n = {"side": 10, "D": 100, "beta": 0.2, "mean": True, "scale": 100}
    assert listed("P-VAE-NOISE", r"for $\beta=1$", **n) == 50
    assert listed("P-VAE-NOISE", "upside down", **n) == pytest.approx(1 / 40)
    assert listed("P-VAE-NOISE", r"You divided by $\beta$", **n) == 250
    n = {"side": 10, "D": 100, "beta": 0.2, "mean": False, "scale": 1}
    assert listed("P-VAE-NOISE", r"for $\beta=1$", **n) == 0.5
    n = {"D": 100, "mse": 0.025, "sse": 2.5}
    assert listed("P-VAE-CALIBRATED", r"You set $\sigma_x^2=S$", **n) == pytest.approx(-138.2, abs=0.05)
    n = {"w1": -66.1, "w2": -64.6, "x1": -63.9, "x2": -62.4, "p1": -5.0, "p2": -4.7, "q1": -2.8, "q2": -2.5}
    joint = math.log((math.exp(-68.9) + math.exp(-67.1)) / 2)
    assert listed("P-VAE-IWAE", "averaged the joint densities", **n) == pytest.approx(joint)
    assert listed("P-VAE-IWAE", "22 % of the larger", **n) == -64.6


def test_more_slips_in_the_second_lecture() -> None:
    P = PROBLEMS["P-VAE-COLLAPSE"]
    for seed in range(50):  # from the matrices: v, then the closed form with a part left out
        n = P.numbers(seed)
        v = 1 / (1 + (np.array(n.values[: n.live]) - n.s2) / n.s2)
        got = listed("P-VAE-COLLAPSE", "left out the posterior means", **vars(n))
        assert got == pytest.approx((v - np.log(v) - 1).sum() / 2)
        got = listed("P-VAE-COLLAPSE", r"\log(\Vert w_i\Vert^2/\sigma_x^2)", **vars(n))
        assert got == pytest.approx(np.log((1 - v) / v).sum() / 2)
    assert listed("P-VAE-SHELL", "one coordinate", d=64, k=4) == 0.5
    n = {"q1": [0.5, 0.5], "q2": [1.0, 0.0], "p": [0.5, 0.5], "q": [0.75, 0.25]}
    got = listed("P-VAE-SURGERY", r"(p\Vert q)", **n)
    assert got == pytest.approx(0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    n = {
        "images": [[0.0] * 3, [0.0] * 3, [1.0, 0.0, 0.0]],
        "weights": [0.5, 0.25, 0.25],
        "mean": [0.25, 0.0, 0.0],
    }
    assert listed("P-VAE-BLUR", "the same weight", **n) == pytest.approx(2 / 9)
    assert listed("P-VAE-BLUR", "plain average", **n) == pytest.approx(0.75 / 9 + 0.25 * 4 / 9)


def test_a_check_for_sense_does_not_lean_on_the_answer() -> None:
    """The gap and the loss's way come from elsewhere; here they meet the answer, over all seeds."""
    elbo, slope = PROBLEMS["P-VAE-ELBO"], PROBLEMS["P-VAE-REPARAM"]
    for seed in SEEDS:
        n = elbo.numbers(seed)
        assert elbo.gap(n) == pytest.approx(elbo.evidence(n) - elbo.answer(n), abs=1e-9)
        n = slope.numbers(seed)
        assert ("the loss rises" in slope.solution(n)) == (slope.answer(n) > 0), seed
    cheat = type("Cheat", (type(slope),), {"answer": lambda self, n: -type(slope).answer(self, n)})()
    n = slope.numbers(0)
    said = [re.search("the loss (rises|falls)", p.solution(n))[1] for p in (slope, cheat)]
    assert said[0] == said[1], "a wrong answer would have been called right"


# -- the grader


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_parse_number(text: str, value: float | None) -> None:
    if value is None:
        with pytest.raises(ValueError, match=r"^.* .*\.$"):
            parse_number(text)
    else:
        assert parse_number(text) == value


def test_there_are_enough_cases() -> None:
    assert len(NUMBERS) >= 60


V = Variant("P-X-Y", 0, "", 2.0, "nats", 0.01, 0.001, "", "", (Mistake(4.0, "twice"), Mistake(4.05, "more")))


@pytest.mark.parametrize(
    ("text", "correct", "message"),
    [
        ("2", True, "Right: 2 nats."),
        ("2.0199", True, "Right"),
        ("1,9801", True, "Right"),
        ("2.0201", False, "Close"),
        ("2.0599", False, "Close"),
        ("2.0601", False, "hint"),  # more than three tolerances away: not rounding
        ("4/1", False, "twice"),
        ("4.02", False, "twice"),  # within both: the nearer
        ("4.03", False, "more"),
        ("-2", False, "hint"),
        ("7", False, "hint"),
        ("x", None, "cannot be read"),
        ("", None, "Type a number"),
        ("1/0", None, "not zero"),
        ("1e999", None, "too large"),
    ],
)
def test_grade(text: str, correct: bool | None, message: str) -> None:
    verdict = grade(V, text)
    assert verdict.correct is correct
    assert message in verdict.message


def test_separate() -> None:
    def made(answer: float, *wrong: float, tol: float = 0.001) -> bool:
        return Variant(
            "", 0, "", answer, "", 0.01, tol, "", "", tuple(Mistake(w, "") for w in wrong)
        ).separate()

    assert made(2, 4, 1)
    assert not made(2, 2.03)  # 2.02 and 2.0097 overlap
    assert not made(2, 4, 4)
    assert not made(2, math.inf)
    assert not made(1000, 1)
    assert not made(0.005, 1)


def test_a_problem_without_room_says_so() -> None:
    class Stuck(Problem):
        id = "P-X-STUCK"
        title = lecture = objective = hint = ""

        def draw(self, rng):
            return Numbers(a=1)

        def answer(self, n):
            return 1.0

        def mistakes(self, n):
            return [(1.0, "the same")]

    with pytest.raises(RuntimeError, match="P-X-STUCK: no draw of seed 5"):
        Stuck().numbers(5)


def test_fill_and_decimal() -> None:
    assert fill("a <x>, <(x)>, =<y>, <z>", x=-1.0, y=1 / 3, z="w") == r"a -1, (-1), \approx 0.3333, w"
    assert fill(r"$a<b$ =<y>", y=0.25) == "$a<b$ =0.25"
    with pytest.raises(KeyError):
        fill("<missing>")
    assert fill("=<x:2>, <(x):1>, =<y:2>", x=-1.999, y=3.0) == r"\approx -2.00, (-2.0), =3"
    shown = [decimal(x) for x in (0, -0.0, -1e-5, 100.0, 0.01234, 0.00999)]
    assert shown == ["0", "0", "-0.00001", "100", "0.0123", "0.00999"]


# -- HTML and files


def test_rendering(renderer) -> None:
    html = renderer.html(
        "One **bold** $\\frac12$ & <b>\n\n$$x\\tag{1}$$\n\n| a | b |\n|---|---|\n| $x$ | 2 |"
    )
    assert "<strong>bold</strong>" in html
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in html
    assert '<math display="block">' in html
    assert "<td><math><mi>x</mi></math></td>" in html
    assert not re.search(r"annotation|semantics|katex|xmlns", html)
    html = renderer.html(r"$\mathbb E\mathcal L\mathcal N 2\log x=-1$", block=False)
    assert html == (
        "<math><mi>\U0001d53c</mi><mi>\u2112</mi><mi>\U0001d4a9</mi><mn>2</mn>"
        f'{export.THIN}<mi>log</mi>{export.THIN}<mi>x</mi><mo>=</mo><mo form="prefix">\u2212</mo><mn>1</mn></math>'
    )
    with pytest.raises(ValueError, match=r"KaTeX cannot draw '\\\\frac"):
        renderer.html(r"$\frac$")


@each_problem
def test_rendered_variants_are_clean(id: str, renderer) -> None:
    for seed in (0, 1, 2):
        data = export.rendered(PROBLEMS[id].variant(seed), renderer)
        for text in (
            data["statement"],
            data["hint"],
            data["solution"],
            *(m["diagnosis"] for m in data["mistakes"]),
        ):
            assert "$" not in text
            assert "**" not in text
            assert not re.search(r"<(?!/?(p|strong|em|table|thead|tbody|tr|t[hd]|m[a-z]+)\b)", text), text
        assert all("<p>" not in m["diagnosis"] for m in data["mistakes"])


@each_problem
def test_the_committed_file_is_that_of_the_code(id: str, renderer) -> None:
    text = (export.FOLDER / f"{id}.js").read_text(encoding="utf8")
    assert text == export.script(PROBLEMS[id], renderer), "run `make problems`"
    assert len(text.encode()) <= 40_000
    problem = unpack(text)
    assert [v["seed"] for v in problem["variants"]] == list(range(20))
    assert problem["variants"][7] == export.rendered(PROBLEMS[id].variant(7), renderer)
    again = variant(id, problem["variants"][7])
    assert grade(again, str(PROBLEMS[id].variant(7).answer)).correct


def test_the_script_calls_the_page_with_what_was_packed(renderer) -> None:
    """The decoder in the file, run by a JavaScript engine, gives what Python's gives."""
    from py_mini_racer import MiniRacer

    with MiniRacer() as engine:
        engine.eval("let got; const gmProblem = (id, problem) => { got = JSON.stringify([id, problem]); };")
        for id in PROBLEMS:
            text = (export.FOLDER / f"{id}.js").read_text(encoding="utf8")
            engine.eval(text)
            assert json.loads(engine.eval("got")) == [id, unpack(text)]


def test_pack_refuses_its_own_mark() -> None:
    problem = {"title": GAP, "variants": []}
    with pytest.raises(ValueError, match="P-X-Y: the texts hold"):
        pack("P-X-Y", problem)
    with pytest.raises(ValueError, match="make problems"):
        unpack("gmProblem(1)")


def test_stale_files_are_named_and_mended(tmp_path: Path) -> None:
    some = [PROBLEMS["P-VAE-SHELL"], PROBLEMS["P-VAE-BLUR"]]
    assert export.stale(some, write=False, folder=tmp_path) == ["P-VAE-BLUR.js", "P-VAE-SHELL.js"]
    assert not list(tmp_path.iterdir())
    export.stale(some, write=True, folder=tmp_path)
    assert export.stale(some, write=False, folder=tmp_path) == []
    (tmp_path / "P-VAE-SHELL.js").write_text("old", encoding="utf8")
    (tmp_path / "P-VAE-GONE.js").write_text("old", encoding="utf8")
    assert export.stale(some, write=True, folder=tmp_path) == ["P-VAE-GONE.js", "P-VAE-SHELL.js"]
    assert {p.name for p in tmp_path.iterdir()} == {"P-VAE-BLUR.js", "P-VAE-SHELL.js"}


def test_the_command() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/problems.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(PROBLEMS)} problems, 0 files stale" in done.stdout


def test_the_command_fails_where_a_file_is_stale(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    spec = importlib.util.spec_from_file_location("command", ROOT / "tools/problems.py")
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    asked = []
    monkeypatch.setattr(command, "stale", lambda problems, write: asked.append(write) or ["P-X-Y.js"])
    monkeypatch.setattr(sys, "argv", ["problems.py", "--check"])
    assert command.main() == 1
    assert "stale: P-X-Y.js" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["problems.py"])
    assert command.main() == 0
    assert "written: P-X-Y.js" in capsys.readouterr().out
    assert asked == [False, True]
