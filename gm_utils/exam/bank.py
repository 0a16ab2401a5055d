"""The question bank: what a lecture's notebook holds for the exam. Standard library only.

The lectures are the source. Read are, in Markdown cells: objectives (list items `- **O-10-1** …`), recall
prompts and common mistakes (block quotes), worked questions (`### Q-VAE-03`, a line about it, the prompt,
folded solution); in code cells, the ids given to `practice`. What does not fit raises ValueError with the
lecture, the id and what to mend.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("conceptual", "derivation", "calculation", "comparison", "spot the error", "code")
DIFFICULTIES = ("easy", "medium", "hard")
SOLUTION, HINT, WEAK = "Solution", "Hint", "A typical weak answer, marked"

FENCE = re.compile(r"\s*(```|~~~)")
HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
OBJECTIVE = re.compile(r"- \*\*(O-\d+-\d+)\*\* (.+)", re.S)
RECALL = re.compile(r"\*\*Recall (R-[A-Z]+-\d+)\.\*\*\s+(.*)", re.S)
MISTAKE = re.compile(r"\*\*Common mistake (M-[A-Z]+-\d+)\.\*\*\s+(.*)", re.S)
QUESTION = re.compile(r"Q-[A-Z]+-\d+")
META = re.compile(r"\*([^*·]+) · (\d+) points? · ([^*·]+) · (O-[^*·]+)\*")
LINK = re.compile(r"\[(Q-[A-Z]+-\d+)\]\(([\w.-]*)#([\w-]+)\)")
FOLD = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.S)
PROBLEM = re.compile(r"P-[A-Z0-9]+(-[A-Z0-9]+)+")
TOC = re.compile(r"^\s*-?\s*(?:file|root):\s*[\"']?([^\"'#\s]+)", re.M)


@dataclass(frozen=True)
class Objective:
    """A thing that the exam can ask one to do; `questions` are the ids that it links to."""

    id: str
    text: str
    questions: tuple[str, ...]
    lecture: str


@dataclass(frozen=True)
class Recall:
    """A prompt to be answered from memory; Markdown."""

    id: str
    question: str
    answer: str
    lecture: str


@dataclass(frozen=True)
class Mistake:
    """What is often written, and what is true; Markdown."""

    id: str
    text: str
    lecture: str


@dataclass(frozen=True)
class Question:
    """A worked exam question; Markdown. `hint` and `weak`, a weak answer with marks, may be empty."""

    id: str
    kind: str
    points: int
    difficulty: str
    objectives: tuple[str, ...]
    prompt: str
    solution: str
    hint: str
    weak: str
    lecture: str


@dataclass(frozen=True)
class Lecture:
    """What one notebook holds for the exam; `problems` are ids of parametric problems."""

    name: str
    title: str
    objectives: tuple[Objective, ...]
    recalls: tuple[Recall, ...]
    mistakes: tuple[Mistake, ...]
    questions: tuple[Question, ...]
    problems: tuple[str, ...]


def read_lecture(path: str | Path) -> Lecture:
    """Read a notebook (.ipynb). Its name without the suffix is the lecture's: `10-vae`.

    Raises ValueError "LECTURE: ID: what is wrong" where the lecture breaks the format.
    """
    path = Path(path)
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    lecture = Lecture(
        name=path.stem,
        title=next((h for level, h, _ in _sections(text) if level == 1), ""),
        objectives=tuple(_objectives(text, path.stem)),
        recalls=tuple(_recalls(text, path.stem)),
        mistakes=tuple(_mistakes(text, path.stem)),
        questions=tuple(_questions(text, path.stem)),
        problems=tuple(_problems(cells, path.stem)),
    )
    _check_references(lecture)
    return lecture


def read_book(source: str | Path | Iterable[str | Path]) -> tuple[Lecture, ...]:
    """Read all lectures: those that a `_toc.yml` lists under notebooks/, or the notebooks of a list of paths.

    Raises ValueError for a listed notebook that is missing, an id that two lectures use, or a link from an
    objective to a question that no lecture has.
    """
    paths = _listed(Path(source)) if isinstance(source, str | Path) else [Path(p) for p in source]
    lectures = tuple(read_lecture(path) for path in paths)
    owner: dict[str, str] = {}
    for lecture in lectures:
        for id in _ids(lecture):
            if id in owner:
                raise _wrong(lecture.name, id, f"the id is used in {owner[id]} already")
            owner[id] = lecture.name
    for lecture in lectures:
        for objective in lecture.objectives:
            for question in objective.questions:
                if question not in owner:
                    raise _wrong(lecture.name, objective.id, f"it links to {question}, which no lecture has")
    return lectures


def _listed(toc: Path) -> list[Path]:
    names = [name.removesuffix(".ipynb") for name in TOC.findall(toc.read_text(encoding="utf8"))]
    paths = [toc.parent / f"{name}.ipynb" for name in names if name.startswith("notebooks/")]
    for path in paths:
        if not path.exists():
            raise ValueError(f"{toc.name} lists {path.stem}, but {path} is not there")
    return paths


def _wrong(lecture: str, id: str, what: str) -> ValueError:
    return ValueError(f"{lecture}: {id}: {what}")


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """(line, whether it stands in a fenced block)."""
    inside = ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence and not inside:
            inside = fence[1]
            yield line, True
        else:
            yield line, bool(inside)
            inside = "" if fence and fence[1] == inside else inside


def _sections(text: str) -> Iterator[tuple[int, str, str]]:
    """(level, heading, text below up to the next heading of any level), in order."""
    level, title, body = 0, "", []
    for line, fenced in _lines(text):
        heading = None if fenced else HEADING.fullmatch(line)
        if heading:
            yield level, title, "\n".join(body)
            level, title, body = len(heading[1]), heading[2], []
        else:
            body.append(line)
    yield level, title, "\n".join(body)


def _blocks(text: str, first: str) -> Iterator[str]:
    """Runs of lines outside fences that begin with `first` and go on to the next empty line or `first`."""
    block: list[str] = []
    for line, fenced in [*_lines(text), ("", False)]:
        ends = not line.strip() or fenced or line.startswith(first)
        if block and ends:
            yield "\n".join(block)
            block = []
        if block or (line.startswith(first) and not fenced):
            block.append(line)


def _quotes(text: str, label: str) -> Iterator[str]:
    """The block quotes that open with the bold `label`, without their marks."""
    quote: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith(">"):
            quote.append(line[1:].removeprefix(" "))
        elif quote:
            if quote[0].startswith(f"**{label}"):
                yield "\n".join(quote)
            quote = []


def _folds(text: str, allowed: tuple[str, ...], lecture: str, id: str) -> tuple[str, dict[str, str]]:
    """The text outside `<details>`, and what is folded, by summary."""
    folds: dict[str, str] = {}
    for summary, inside in FOLD.findall(text):
        name = summary.strip()
        if name not in allowed:
            raise _wrong(
                lecture, id, f"the fold {name!r} is unknown; expected {' or '.join(map(repr, allowed))}"
            )
        if name in folds:
            raise _wrong(lecture, id, f"it has two folds {name!r}; expected one")
        if "<details>" in inside:
            raise _wrong(lecture, id, f"a fold opens inside the fold {name!r}: is a </details> missing?")
        if not inside.strip():
            raise _wrong(lecture, id, f"the fold {name!r} is empty")
        folds[name] = inside.strip()
    outside = FOLD.sub("", text)
    if re.search(r"</?(details|summary)\b", outside):
        raise _wrong(lecture, id, "a <details> is not closed, or lacks its <summary>")
    return outside.strip(), folds


def _objectives(text: str, lecture: str) -> Iterator[Objective]:
    for block in _blocks(text, "- "):
        if not block.startswith("- **O-"):
            continue
        item = OBJECTIVE.fullmatch(block)
        if not item:
            raise _wrong(lecture, block[:30], "an objective is written `- **O-10-1** Derive …`")
        links = LINK.findall(item[2])
        for question, _, anchor in links:
            if anchor != question.lower():
                raise _wrong(lecture, item[1], f"the link says {question} and leads to #{anchor}")
        if not links:
            raise _wrong(lecture, item[1], "it links to no question; expected ([Q-VAE-03](#q-vae-03))")
        yield Objective(item[1], " ".join(item[2].split()), tuple(q for q, _, _ in links), lecture)


def _recalls(text: str, lecture: str) -> Iterator[Recall]:
    for quote in _quotes(text, "Recall"):
        item = RECALL.fullmatch(quote)
        if not item:
            raise _wrong(
                lecture, quote.split("\n")[0][:40], "a prompt opens `> **Recall R-VAE-01.** question`"
            )
        question, folds = _folds(item[2], ("Answer",), lecture, item[1])
        if "Answer" not in folds:
            raise _wrong(
                lecture, item[1], "it has no answer; expected <details><summary>Answer</summary> in the quote"
            )
        if not question or item[2].strip()[-10:] != "</details>":
            raise _wrong(
                lecture, item[1], "expected the question, then the folded answer, and nothing after it"
            )
        yield Recall(item[1], question, folds["Answer"], lecture)


def _mistakes(text: str, lecture: str) -> Iterator[Mistake]:
    for quote in _quotes(text, "Common mistake"):
        item = MISTAKE.fullmatch(quote)
        if not item:
            raise _wrong(lecture, quote.split("\n")[0][:40], "expected `> **Common mistake M-VAE-01.** …`")
        yield Mistake(item[1], item[2].strip(), lecture)


def _questions(text: str, lecture: str) -> Iterator[Question]:
    sections = list(_sections(text))
    for i, (level, title, body) in enumerate(sections):
        found = QUESTION.search(title)
        if not found:
            continue
        if level != 3 or found[0] != title:
            raise _wrong(
                lecture, found[0], f"its heading is {'#' * level} {title}; expected ### {found[0]} alone"
            )
        for deeper, heading, more in sections[i + 1 :]:  # headings within the question
            if deeper <= 3:
                break
            body += f"\n{'#' * deeper} {heading}\n{more}"
        yield _question(found[0], body.strip(), lecture)


def _question(id: str, body: str, lecture: str) -> Question:
    first, _, rest = body.partition("\n")
    meta = META.fullmatch(first.strip())
    if not meta:
        raise _wrong(
            lecture,
            id,
            f"the line below the heading is {first!r}; expected *derivation · 6 points · medium · O-10-2*",
        )
    kind, points, difficulty, objectives = meta.groups()
    if kind not in KINDS:
        raise _wrong(lecture, id, f"the kind is {kind!r}; expected one of {', '.join(KINDS)}")
    if difficulty not in DIFFICULTIES:
        raise _wrong(
            lecture, id, f"the difficulty is {difficulty!r}; expected one of {', '.join(DIFFICULTIES)}"
        )
    if int(points) == 0:
        raise _wrong(lecture, id, "it is worth 0 points; expected at least 1")
    prompt, folds = _folds(rest, (SOLUTION, HINT, WEAK), lecture, id)
    if SOLUTION not in folds:
        raise _wrong(lecture, id, "it has no solution; expected <details><summary>Solution</summary>")
    if not prompt:
        raise _wrong(lecture, id, "it has no prompt between the line about it and the folds")
    return Question(
        id=id,
        kind=kind,
        points=int(points),
        difficulty=difficulty,
        objectives=tuple(o.strip() for o in objectives.split(",")),
        prompt=prompt,
        solution=folds[SOLUTION],
        hint=folds.get(HINT, ""),
        weak=folds.get(WEAK, ""),
        lecture=lecture,
    )


def _problems(cells: list[dict], lecture: str) -> Iterator[str]:
    """Ids given to `practice` below the heading "Practice"."""
    below = False
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            below = below or any(h == "Practice" and level == 2 for level, h, _ in _sections(source))
        elif cell["cell_type"] == "code" and "practice(" in source:
            for id in _practised(source, lecture):
                if not below:
                    raise _wrong(lecture, id, "practice(…) stands before the heading ## Practice")
                yield id


def _practised(source: str, lecture: str) -> Iterator[str]:
    code = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", None) != "practice":
            continue
        for argument in node.args:
            id = getattr(argument, "value", None)
            if not isinstance(id, str) or not PROBLEM.fullmatch(id):
                raise _wrong(
                    lecture, ast.unparse(argument), "practice takes ids such as 'P-VAE-KL', written out"
                )
            yield id


def _ids(lecture: Lecture) -> Iterator[str]:
    for part in (lecture.objectives, lecture.recalls, lecture.mistakes, lecture.questions):
        for item in part:
            yield item.id
    yield from lecture.problems


def _check_references(lecture: Lecture) -> None:
    ids = list(_ids(lecture))
    for id in ids:
        if ids.count(id) > 1:
            raise _wrong(lecture.name, id, f"the id is used {ids.count(id)} times; expected once")
    number = lecture.name.split("-")[0].lstrip("0") or "0"
    for objective in lecture.objectives:
        if objective.id.split("-")[1] != number:
            raise _wrong(lecture.name, objective.id, f"an objective of this lecture is called O-{number}-…")
    known = {objective.id for objective in lecture.objectives}
    for question in lecture.questions:
        for objective in question.objectives:
            if objective not in known:
                raise _wrong(lecture.name, question.id, f"the objective {objective} is unknown here")
    own = {question.id for question in lecture.questions}
    for objective in lecture.objectives:
        missing = [q for q in objective.questions if q not in own]
        raise_for = [q for q in missing if f"[{q}](#" in objective.text]
        if raise_for:
            raise _wrong(
                lecture.name, objective.id, f"it links to {raise_for[0]}, which this lecture has not"
            )
