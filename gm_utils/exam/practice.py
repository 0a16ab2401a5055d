"""What the cell under "Practice" shows: problems as text where nobody works, a form where somebody does.

Both take the variants that `make problems` wrote, in which the maths is MathML already, so that no kernel
needs KaTeX, and Colab, which draws no TeX in outputs, shows the same.
"""

from __future__ import annotations

import html
import random
import re
from typing import TYPE_CHECKING

from gm_utils import runtime
from gm_utils.exam.problem import Mistake, Variant, grade
from gm_utils.exam.variants import unpack

if TYPE_CHECKING:
    from ipywidgets import Widget

ID = re.compile(r"P-[A-Z0-9]+(-[A-Z0-9]+)+")


def practice(*ids: str) -> None:
    """Show practice problems, `practice("P-VAE-KL", "P-VAE-ELBO")`.

    In a person's kernel a form that marks answers and draws new numbers; else the problems with the numbers
    of seed 0, hint and solution folded, to which the site adds its own form.
    Raises ValueError for no id or one that is not of the form P-VAE-KL, FileNotFoundError for a problem whose
    variants are not written.
    """
    from IPython.display import HTML, display

    problems = {id: load(id) for id in ids}
    if not problems:
        raise ValueError('practice needs at least one problem; expected ids such as "P-VAE-KL"')
    display(Form(problems).box if runtime.live() else HTML(page(problems)))


def load(id: str) -> dict:
    """The problem `id` with its variants (HTML), read from `book/_static/problems`.

    Raises ValueError for a malformed id, FileNotFoundError where the file is missing.
    """
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise ValueError(f"{id!r} is no id of a problem; expected one such as 'P-VAE-KL'")
    name = f"book/_static/problems/{id}.js"
    path = runtime.ROOT / name
    if not path.exists():
        raise FileNotFoundError(f"{name} is not there: check the id, or run `make problems` to write it")
    runtime._read.add(name)
    return unpack(path.read_text(encoding="utf8"))


def page(problems: dict[str, dict]) -> str:
    """Problems (by id, as `load` gives them) with the numbers of seed 0, as HTML that needs no script."""
    blocks = "".join(_block(id, problem) for id, problem in problems.items())
    return f'<div class="gm-practice">{blocks}</div>'


def _block(id: str, problem: dict) -> str:
    first = next(v for v in problem["variants"] if v["seed"] == 0)
    return (
        f'<div class="gm-problem" id="{id.lower()}" data-problem="{id}">'
        f'<p class="gm-problem-title">{html.escape(problem["title"])}</p>'
        f'<div class="gm-statement">{first["statement"]}</div>'
        f'<details class="gm-hint"><summary>Hint</summary>{first["hint"]}</details>'
        f'<details class="gm-solution"><summary>Solution</summary>{first["solution"]}</details></div>'
    )


def variant(id: str, data: dict) -> Variant:
    """A variant of a file as the grader takes it."""
    texts = {key: data[key] for key in ("seed", "statement", "answer", "unit", "hint", "solution")}
    mistakes = tuple(Mistake(**mistake) for mistake in data["mistakes"])
    return Variant(problem=id, **texts, **data["tolerance"], mistakes=mistakes)


class Form:
    """The practice form of a live notebook; `box` is the widget to display.

    problems: by id, as `load` gives them. rng chooses among the variants. A set of numbers counts once,
    as right if the right answer came before the solution was opened.
    """

    def __init__(self, problems: dict[str, dict], rng: random.Random | None = None) -> None:
        import ipywidgets as w

        self.problems, self.rng = problems, rng or random.Random()
        self.seen: dict[str, list[int]] = {id: [] for id in problems}
        self.right = self.tried = 0
        titles = [(problem["title"], id) for id, problem in problems.items()]
        self.choice = w.Dropdown(options=titles, description="Problem", layout=w.Layout(width="28em"))
        self.statement, self.said, self.fold, self.score = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.answer = w.Text(placeholder="0.25, 1/4 or 2.5e-1", description="Your answer")
        self.unit = w.HTML()
        self.check = w.Button(description="Check", button_style="primary")
        self.hint, self.solution = w.Button(description="Hint"), w.Button(description="Solution")
        self.again = w.Button(description="New numbers")
        self.box = self._laid_out(w)
        self._connect()
        self.renew()

    def _laid_out(self, w) -> Widget:
        answer = w.HBox([self.answer, self.unit, self.check])
        buttons = w.HBox([self.hint, self.solution, self.again])
        return w.VBox([self.choice, self.statement, answer, self.said, buttons, self.fold, self.score])

    def _connect(self) -> None:
        self.choice.observe(lambda _: self.renew(), names="value")
        self.again.on_click(lambda _: self.renew())
        self.check.on_click(lambda _: self.mark())
        self.hint.on_click(lambda _: self._unfold(self.variant.hint))
        self.solution.on_click(lambda _: self._give_away())

    def renew(self) -> None:
        """Other numbers of the chosen problem: unseen ones while there are any, never the same ones again."""
        id = self.choice.value
        variants, seen = {v["seed"]: v for v in self.problems[id]["variants"]}, self.seen[id]
        fresh = [seed for seed in variants if seed not in seen] or [s for s in variants if s != seen[-1]]
        seed = self.rng.choice(fresh)
        seen.append(seed)
        self.variant = variant(id, variants[seed])
        self.marked = self.solved = self.given_away = False
        self.statement.value, self.unit.value = self.variant.statement, html.escape(self.variant.unit)
        self.answer.value = self.said.value = self.fold.value = ""
        self._count()

    def mark(self) -> None:
        """Grade what stands in the answer field."""
        verdict = grade(self.variant, self.answer.value)
        text = html.escape(verdict.message) if verdict.correct is None else verdict.message
        self.said.value = f'<p role="status">{text}</p>'
        if verdict.correct is None or self.given_away:
            return
        self.tried += not self.marked
        self.right += verdict.correct and not self.solved
        self.marked, self.solved = True, self.solved or verdict.correct
        self._count()

    def _give_away(self) -> None:
        self.given_away = True
        self._unfold(self.variant.solution)

    def _unfold(self, text: str) -> None:
        self.fold.value = "" if self.fold.value == text else text

    def _count(self) -> None:
        self.score.value = f"<p>Right: {self.right} of {self.tried}</p>"
