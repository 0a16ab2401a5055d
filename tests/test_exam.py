"""The question bank reads lectures and says what is wrong with them; the practice cell shows and grades."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gm_utils import runtime
from gm_utils.exam.bank import Lecture, Mistake, Recall, read_book, read_lecture
from gm_utils.exam.practice import Form, load, page, practice
from gm_utils.exam.problem import problems

ROOT = Path(__file__).resolve().parents[1]

OBJECTIVES = """\
## What the exam asks

- **O-7-1** Derive the bound,
  and use it. ([Q-TOY-01](#q-toy-01), [Q-TOY-02](#q-toy-02))
- **O-7-2** Say what differs. ([Q-TOY-02](#q-toy-02))
- an item that is no objective
"""
RECALL = """\
> **Recall R-TOY-01.** What is $x$?
>
> <details><summary>Answer</summary>
>
> The data, $x$.
>
> </details>
"""
QUOTES = """\
> **Key idea.** Nothing for the bank.

> **Common mistake M-TOY-01.** People write 2.
> True is 3.
"""
FIRST = """\
### Q-TOY-01

*spot the error · 1 point · easy · O-7-1*

What is wrong here?

```python
# ### Q-TOY-09
```

<details><summary>Hint</summary>

Look.

</details>

<details><summary>Solution</summary>

#### A part

The sign.

</details>
"""
SECOND = """\
### Q-TOY-02

*derivation · 12 points · hard · O-7-1, O-7-2*

Derive it.

<details>
<summary>Solution</summary>

Done.

</details>

<details><summary>A typical weak answer, marked</summary>

2 of 12.

</details>

## Practice
"""
CODE = '%matplotlib inline\npractice("P-TOY-A", "P-TOY-B-2")'


def written(folder: Path, *cells: str, code: str = CODE, name: str = "07-toy") -> Path:
    """A notebook of Markdown cells and, last, a code cell."""
    made = [{"cell_type": "markdown", "source": [line + "\n" for line in cell.split("\n")]} for cell in cells]
    made.append({"cell_type": "code", "source": [code]})
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": made}), encoding="utf8")
    return path


CELLS = ("# 7. Toys", OBJECTIVES, RECALL, QUOTES, FIRST, SECOND)


def test_a_lecture_is_read_whole(tmp_path: Path) -> None:
    lecture = read_lecture(written(tmp_path, *CELLS))
    assert (lecture.name, lecture.title) == ("07-toy", "7. Toys")
    assert [(o.id, o.questions) for o in lecture.objectives] == [
        ("O-7-1", ("Q-TOY-01", "Q-TOY-02")),
        ("O-7-2", ("Q-TOY-02",)),
    ]
    assert lecture.objectives[0].text.startswith("Derive the bound, and use it.")
    assert lecture.recalls == (Recall("R-TOY-01", "What is $x$?", "The data, $x$.", "07-toy"),)
    assert lecture.mistakes == (Mistake("M-TOY-01", "People write 2.\nTrue is 3.", "07-toy"),)
    first, second = lecture.questions
    assert (first.kind, first.points, first.difficulty, first.objectives) == (
        "spot the error",
        1,
        "easy",
        ("O-7-1",),
    )
    assert first.prompt == "What is wrong here?\n\n```python\n# ### Q-TOY-09\n```"
    assert (first.hint, first.weak) == ("Look.", "")
    assert first.solution == "#### A part\n\nThe sign."
    assert (second.points, second.objectives) == (12, ("O-7-1", "O-7-2"))
    assert (second.solution, second.weak) == ("Done.", "2 of 12.")
    assert lecture.problems == ("P-TOY-A", "P-TOY-B-2")


def test_a_notebook_without_questions_is_no_error(tmp_path: Path) -> None:
    path = written(tmp_path, "# 0. Start\n\nText.", code="practice = 1", name="00-start")
    assert read_lecture(path) == Lecture("00-start", "0. Start", (), (), (), (), ())


MESSAGES = [
    (
        RECALL,
        RECALL.replace("Answer<", "Reply<"),
        r"R-TOY-01: the fold 'Reply' is unknown; expected 'Answer'",
    ),
    (RECALL, RECALL.replace("R-TOY-01", "TOY-1"), r"opens `> \*\*Recall R-VAE-01"),
    (RECALL, "> **Recall R-TOY-01.** What?\n", "R-TOY-01: it has no answer"),
    (
        RECALL,
        RECALL + "> and more\n",
        "R-TOY-01: expected the question, then the folded answer, and nothing after",
    ),
    (RECALL, RECALL.replace("> </details>\n", ">\n"), "R-TOY-01: a <details> is not closed"),
    (RECALL, RECALL.replace("The data, $x$.", ""), "R-TOY-01: the fold 'Answer' is empty"),
    (RECALL, RECALL + "\n" + RECALL, "R-TOY-01: the id is used 2 times"),
    (QUOTES, QUOTES.replace(" M-TOY-01", ""), r"expected `> \*\*Common mistake M-VAE-01"),
    (OBJECTIVES, OBJECTIVES.replace("**O-7-2** ", "**O-7-2**"), r"an objective is written `- \*\*O-10-1\*\*"),
    (OBJECTIVES, OBJECTIVES.replace("O-7-2", "O-8-2"), "O-8-2: an objective of this lecture is called O-7-"),
    (
        OBJECTIVES,
        OBJECTIVES.replace("#q-toy-01", "#q-toy-02"),
        "O-7-1: the link says Q-TOY-01 and leads to #q-toy-02",
    ),
    (
        OBJECTIVES,
        OBJECTIVES.replace(" ([Q-TOY-02](#q-toy-02))\n- an", "\n- an"),
        "O-7-2: it links to no question",
    ),
    (
        OBJECTIVES,
        OBJECTIVES.replace("TOY-01", "TOY-03").replace("toy-01", "toy-03"),
        "O-7-1: it links to Q-TOY-03",
    ),
    (
        FIRST,
        FIRST.replace("### Q-TOY-01", "### Q-TOY-01 The sign"),
        "Q-TOY-01: its heading is ### Q-TOY-01 The sign",
    ),
    (
        FIRST,
        FIRST.replace("### Q-TOY-01", "## Q-TOY-01"),
        "Q-TOY-01: its heading is ## Q-TOY-01; expected ###",
    ),
    (
        FIRST,
        FIRST.replace("1 point ·", "one point ·"),
        r"Q-TOY-01: the line below the heading is '\*spot the error",
    ),
    (FIRST, FIRST.replace("1 point", "0 points"), "Q-TOY-01: it is worth 0 points"),
    (
        FIRST,
        FIRST.replace("spot the error", "essay"),
        "Q-TOY-01: the kind is 'essay'; expected one of conceptual",
    ),
    (FIRST, FIRST.replace("easy", "simple"), "Q-TOY-01: the difficulty is 'simple'; expected one of easy"),
    (FIRST, FIRST.replace("O-7-1", "O-7-9"), "Q-TOY-01: the objective O-7-9 is unknown here"),
    (FIRST, FIRST.replace("<summary>Solution", "<summary>Answer"), "Q-TOY-01: the fold 'Answer' is unknown"),
    (FIRST, FIRST[: FIRST.index("<details><summary>Solution")], "Q-TOY-01: it has no solution"),
    (FIRST, FIRST.replace("Look.\n\n</details>", "Look."), "Q-TOY-01: a fold opens inside the fold 'Hint'"),
    (FIRST, FIRST.replace("<summary>Hint</summary>", ""), "Q-TOY-01: a"),
    (FIRST, FIRST.replace(">Hint<", ">Solution<"), "Q-TOY-01: it has two folds 'Solution'"),
    (FIRST, re.sub(r"What is.*?```\n\n<", "<", FIRST, flags=re.S), "Q-TOY-01: it has no prompt"),
    (SECOND, SECOND.replace("Q-TOY-02", "Q-TOY-01"), "Q-TOY-01: the id is used 2 times"),
    (SECOND, SECOND.replace("## Practice", ""), r"P-TOY-A: practice\(…\) stands before the heading"),
]


@pytest.mark.parametrize(("cell", "instead", "message"), MESSAGES, ids=[m[:50] for _, _, m in MESSAGES])
def test_what_is_wrong_is_said(tmp_path: Path, cell: str, instead: str, message: str) -> None:
    assert cell != instead
    path = written(tmp_path, *(instead if c == cell else c for c in CELLS))
    with pytest.raises(ValueError, match=message) as error:
        read_lecture(path)
    assert str(error.value).startswith("07-toy: ")


@pytest.mark.parametrize(
    "code", ['practice("VAE-KL")', "practice(name)", "practice(3)", 'practice(*["P-VAE-KL"])']
)
def test_practice_ids_are_written_out(tmp_path: Path, code: str) -> None:
    with pytest.raises(ValueError, match="07-toy: .*: practice takes ids such as 'P-VAE-KL'"):
        read_lecture(written(tmp_path, *CELLS, code=code))


def book(folder: Path) -> Path:
    """Two lectures and a `_toc.yml`."""
    written(folder / "notebooks", *CELLS)
    other = [cell.replace("O-7-", "O-8-").replace("TOY", "GAME").replace("toy", "game") for cell in CELLS]
    written(folder / "notebooks", *other, code="", name="08-game")
    toc = folder / "_toc.yml"
    toc.write_text(
        "root: book/index\nparts:\n  - chapters:\n      - file: notebooks/07-toy\n"
        "      - file: 'notebooks/08-game.ipynb'  # with suffix\n      - file: book/review\n",
        encoding="utf8",
    )
    return toc


def test_a_book_is_read_from_its_contents_or_a_list(tmp_path: Path) -> None:
    toc = book(tmp_path)
    lectures = read_book(toc)
    assert [lecture.name for lecture in lectures] == ["07-toy", "08-game"]
    assert read_book(str(toc)) == lectures
    assert read_book(tmp_path / "notebooks" / f"{lecture.name}.ipynb" for lecture in lectures) == lectures


def test_a_book_refuses_doubles_gaps_and_dead_links(tmp_path: Path) -> None:
    toc = book(tmp_path)
    path = tmp_path / "notebooks" / "08-game.ipynb"
    good = path.read_text(encoding="utf8")
    path.write_text(good.replace("R-GAME-01", "R-TOY-01"), encoding="utf8")
    with pytest.raises(ValueError, match="08-game: R-TOY-01: the id is used in 07-toy already"):
        read_book(toc)
    path.write_text(
        good.replace("[Q-GAME-01](#q-game-01)", "[Q-TOY-01](07-toy.ipynb#q-toy-01)"), encoding="utf8"
    )
    assert read_book(toc)[1].objectives[0].questions == ("Q-TOY-01", "Q-GAME-02")
    path.write_text(
        good.replace("[Q-GAME-01](#q-game-01)", "[Q-TOY-05](07-toy.ipynb#q-toy-05)"), encoding="utf8"
    )
    with pytest.raises(ValueError, match="08-game: O-8-1: it links to Q-TOY-05, which no lecture has"):
        read_book(toc)
    path.unlink()
    with pytest.raises(ValueError, match="lists 08-game, but"):
        read_book(toc)


def test_the_bank_needs_the_standard_library_only() -> None:
    code = "import sys, gm_utils.exam.bank, gm_utils.exam.variants; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_this_books_lectures_agree_with_the_problems() -> None:
    lectures, known = read_book(sorted((ROOT / "notebooks").glob("*.ipynb"))), problems()
    for lecture in lectures:
        objectives = {objective.id for objective in lecture.objectives}
        for id in lecture.problems:
            assert id in known, f"{lecture.name} lists {id}, which does not exist"
            assert known[id].lecture == lecture.name, id
        for problem in known.values():
            if problem.lecture == lecture.name:
                assert problem.objective in objectives, f"{problem.id} names {problem.objective}"
                assert problem.id in lecture.problems, f"{lecture.name} does not offer {problem.id}"


# -- the practice cell


IDS = ("P-VAE-KL", "P-VAE-SHELL")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list:
    """What is displayed."""
    out: list = []
    monkeypatch.setattr("IPython.display.display", out.append)
    return out


def test_without_a_person_the_cell_shows_the_page(shown: list, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GM_PROFILE", "smoke")
    monkeypatch.setattr(runtime, "_read", set())
    practice(*IDS)
    html = shown[0].data
    assert html.startswith(
        '<div class="gm-practice"><div class="gm-problem" id="p-vae-kl" data-problem="P-VAE-KL">'
    )
    assert (
        '<p class="gm-problem-title">KL divergence of a code to the prior</p><div class="gm-statement"><p>'
        in html
    )
    assert html.count('<details class="gm-hint"><summary>Hint</summary><p>') == 2
    assert html.count('<details class="gm-solution"><summary>Solution</summary><p>') == 2
    assert html.count("<div") == html.count("</div>") == 5
    assert "<script" not in html
    assert load("P-VAE-KL")["variants"][0]["statement"] in html
    assert runtime._read == {f"book/_static/problems/{id}.js" for id in IDS}


def test_titles_are_escaped() -> None:
    first = {"seed": 0, "statement": "s", "hint": "h", "solution": "l"}
    assert '<p class="gm-problem-title">a &lt; b</p>' in page(
        {"P-X-Y": {"title": "a < b", "variants": [first]}}
    )


def test_what_practice_refuses(shown: list) -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        practice()
    with pytest.raises(ValueError, match="'../x' is no id of a problem"):
        practice("../x")
    with pytest.raises(
        FileNotFoundError, match=r"P-VAE-NONE\.js is not there: check the id, or run `make problems`"
    ):
        practice("P-VAE-NONE")
    assert shown == []


def test_a_person_gets_the_form(shown: list, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "live", lambda: True)
    practice(*IDS)
    assert type(shown[0]).__name__ == "VBox"


@pytest.fixture
def form() -> Form:
    return Form({id: load(id) for id in IDS}, random.Random(0))


def answer(form: Form, text: str) -> str:
    form.answer.value = text
    form.check.click()
    return form.said.value


def test_right_wrong_and_unreadable(form: Form) -> None:
    v = form.variant
    assert form.statement.value == v.statement
    assert "<math" in v.statement
    assert form.unit.value == "nats"
    assert "Type a number" in answer(form, "")
    assert "&lt;b&gt;" in answer(form, "<b>")
    assert "Right: 0 of 0" in form.score.value
    assert v.mistakes[0].diagnosis in answer(form, str(v.mistakes[0].answer))
    assert "Right: 0 of 1" in form.score.value
    assert "Right:" in answer(form, str(v.answer))
    assert "Right:" in answer(form, str(v.answer))
    assert "Right: 1 of 1" in form.score.value


def test_hint_and_solution_fold_and_unfold(form: Form) -> None:
    form.hint.click()
    assert form.fold.value == form.variant.hint
    form.hint.click()
    assert form.fold.value == ""
    form.solution.click()
    assert form.fold.value == form.variant.solution
    answer(form, str(form.variant.answer))
    assert "Right: 0 of 0" in form.score.value, "an answer after the solution does not count"


def test_new_numbers_never_repeat_before_all_were_seen(form: Form) -> None:
    seeds = [form.variant.seed]
    answer(form, "1e9")
    form.solution.click()
    for _ in range(19):
        form.again.click()
        seeds.append(form.variant.seed)
    assert sorted(seeds) == list(range(20))
    assert form.said.value == form.fold.value == form.answer.value == ""
    form.again.click()
    assert form.variant.seed != seeds[-1]
    assert "Right: 0 of 1" in form.score.value


def test_another_problem(form: Form) -> None:
    form.choice.value = "P-VAE-SHELL"
    assert form.variant.problem == "P-VAE-SHELL"
    assert form.statement.value == form.variant.statement
    assert form.unit.value == ""
    assert "Right" in answer(form, f"{form.variant.answer:.2f}")


def test_practice_needs_neither_katex_nor_markdown() -> None:
    """As in Colab: what renders the variants is not there."""
    code = (
        "import sys\n"
        "for name in ('py_mini_racer', 'markdown_it', 'mdit_py_plugins'): sys.modules[name] = None\n"
        "from gm_utils.exam.practice import practice, Form, load\n"
        "practice('P-VAE-KL'); Form({'P-VAE-KL': load('P-VAE-KL')})\n"
        "assert 'gm_utils.exam.export' not in sys.modules"
    )
    env = {**os.environ, "GM_PROFILE": "smoke"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
