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

FENCED = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.M | re.S)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*$", re.M)
QUOTE = re.compile(r"(?:^>.*\n?)+", re.M)
ITEM = re.compile(r"^- \*\*O-.*?(?=\n- |\n\s*\n|\s*\Z)", re.M | re.S)
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
    try:
        lecture = Lecture(
            name=path.stem,
            title=next((title for level, title, _ in _sections(text) if level == 1), ""),
            objectives=tuple(_objectives(text, path.stem)),
            recalls=tuple(_recalls(text, path.stem)),
            mistakes=tuple(_mistakes(text, path.stem)),
            questions=tuple(_questions(text, path.stem)),
            problems=tuple(_problems(cells)),
        )
        _check_references(lecture)
    except ValueError as error:
        raise ValueError(f"{path.stem}: {error}") from None
    return lecture


def read_book(source: str | Path | Iterable[str | Path]) -> tuple[Lecture, ...]:
    """Read all lectures: those that a `_toc.yml` lists under notebooks/, or the notebooks of a list of paths.

    Raises ValueError for a listed notebook that is missing, an id that two lectures use, or a link from an
    objective to a question that no lecture has.
    """
    lectures = tuple(map(read_lecture, _listed(Path(source)) if isinstance(source, str | Path) else source))
    owner: dict[str, str] = {}
    for lecture in lectures:
        for id in _ids(lecture):
            if id in owner:
                raise ValueError(f"{lecture.name}: {id}: the id is used in {owner[id]} already")
            owner[id] = lecture.name
    for objective in (objective for lecture in lectures for objective in lecture.objectives):
        for question in objective.questions:
            if question not in owner:
                where = f"{objective.lecture}: {objective.id}"
                raise ValueError(f"{where}: it links to {question}, which no lecture has")
    return lectures


def _listed(toc: Path) -> Iterator[Path]:
    for name in TOC.findall(toc.read_text(encoding="utf8")):
        path = toc.parent / f"{name.removesuffix('.ipynb')}.ipynb"
        if name.startswith("notebooks/"):
            if not path.exists():
                raise ValueError(f"{toc.name} lists {path.stem}, but {path} is not there")
            yield path


def _unfenced(text: str) -> str:
    """The text with fenced code blanked, every other character at its place."""
    return FENCED.sub(lambda block: re.sub(".", " ", block[0]), text)


def _sections(text: str) -> Iterator[tuple[int, str, str]]:
    """(level, heading, text below up to the next heading of any level), in order."""
    headings = list(HEADING.finditer(_unfenced(text)))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    for heading, end in zip(headings, ends, strict=False):
        yield len(heading[1]), heading[2], text[heading.end() : end]


def _quotes(text: str, label: str) -> Iterator[str]:
    """The block quotes that open with the bold `label`, without their marks."""
    for quote in QUOTE.findall(text):
        inside = re.sub(r"^> ?", "", quote, flags=re.M).rstrip("\n")
        if inside.startswith(f"**{label}"):
            yield inside


def _folds(text: str, allowed: tuple[str, ...], id: str) -> tuple[str, dict[str, str]]:
    """The text outside `<details>`, and what is folded, by summary."""
    folds: dict[str, str] = {}
    for summary, inside in FOLD.findall(text):
        name = summary.strip()
        if name not in allowed:
            known = " or ".join(map(repr, allowed))
            raise ValueError(f"{id}: the fold {name!r} is unknown; expected {known}")
        if name in folds:
            raise ValueError(f"{id}: it has two folds {name!r}; expected one")
        if "<details>" in inside:
            raise ValueError(f"{id}: a fold opens inside the fold {name!r}: is a </details> missing?")
        if not inside.strip():
            raise ValueError(f"{id}: the fold {name!r} is empty")
        folds[name] = inside.strip()
    outside = FOLD.sub("", text)
    if re.search(r"</?(details|summary)\b", outside):
        raise ValueError(f"{id}: a <details> is not closed, or lacks its <summary>")
    return outside.strip(), folds


def _objectives(text: str, lecture: str) -> Iterator[Objective]:
    for block in ITEM.findall(_unfenced(text)):
        item = OBJECTIVE.fullmatch(block)
        if not item:
            raise ValueError(f"{block[:30]}: an objective is written `- **O-10-1** Derive …`")
        id, sentence = item.groups()
        links = LINK.findall(sentence)
        for question, _, anchor in links:
            if anchor != question.lower():
                raise ValueError(f"{id}: the link says {question} and leads to #{anchor}")
        if not links:
            raise ValueError(f"{id}: it links to no question; expected ([Q-VAE-03](#q-vae-03))")
        yield Objective(id, " ".join(sentence.split()), tuple(link[0] for link in links), lecture)


def _recalls(text: str, lecture: str) -> Iterator[Recall]:
    for quote in _quotes(text, "Recall"):
        item = RECALL.fullmatch(quote)
        if not item:
            start = quote.splitlines()[0][:40]
            raise ValueError(f"{start}: a prompt opens `> **Recall R-VAE-01.** question`")
        id, body = item.groups()
        question, folds = _folds(body, ("Answer",), id)
        if not folds:
            fold = "<details><summary>Answer</summary>"
            raise ValueError(f"{id}: it has no answer; expected {fold} in the quote")
        if not question or not body.rstrip().endswith("</details>"):
            raise ValueError(f"{id}: expected the question, then the folded answer, and nothing after it")
        yield Recall(id, question, folds["Answer"], lecture)


def _mistakes(text: str, lecture: str) -> Iterator[Mistake]:
    for quote in _quotes(text, "Common mistake"):
        item = MISTAKE.fullmatch(quote)
        if not item:
            raise ValueError(f"{quote.splitlines()[0][:40]}: expected `> **Common mistake M-VAE-01.** …`")
        yield Mistake(item[1], item[2].strip(), lecture)


def _questions(text: str, lecture: str) -> Iterator[Question]:
    sections = list(_sections(text))
    for i, (level, title, body) in enumerate(sections):
        found = QUESTION.search(title)
        if not found:
            continue
        id = found[0]
        if level != 3 or id != title:
            raise ValueError(f"{id}: its heading is {'#' * level} {title}; expected ### {id} alone")
        for deeper, heading, more in sections[i + 1 :]:  # headings within the question
            if deeper <= 3:
                break
            body += f"{'#' * deeper} {heading}{more}"
        yield _question(id, body.strip(), lecture)


def _question(id: str, body: str, lecture: str) -> Question:
    first, _, rest = body.partition("\n")
    meta = META.fullmatch(first.strip())
    if not meta:
        sample = "*derivation · 6 points · medium · O-10-2*"
        raise ValueError(f"{id}: the line below the heading is {first!r}; expected {sample}")
    kind, points, difficulty, objectives = meta.groups()
    for name, value, known in (("kind", kind, KINDS), ("difficulty", difficulty, DIFFICULTIES)):
        if value not in known:
            raise ValueError(f"{id}: the {name} is {value!r}; expected one of {', '.join(known)}")
    if int(points) == 0:
        raise ValueError(f"{id}: it is worth 0 points; expected at least 1")
    prompt, folds = _folds(rest, (SOLUTION, HINT, WEAK), id)
    if SOLUTION not in folds:
        raise ValueError(f"{id}: it has no solution; expected <details><summary>Solution</summary>")
    if not prompt:
        raise ValueError(f"{id}: it has no prompt between the line about it and the folds")
    aims = tuple(aim.strip() for aim in objectives.split(","))
    texts = (prompt, *(folds.get(name, "") for name in (SOLUTION, HINT, WEAK)))
    return Question(id, kind, int(points), difficulty, aims, *texts, lecture)


def _problems(cells: list[dict]) -> Iterator[str]:
    """Ids given to `practice` below the heading "Practice"."""
    below = False
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            below = below or any(title == "Practice" and level == 2 for level, title, _ in _sections(source))
        elif cell["cell_type"] == "code" and "practice(" in source:
            for id in _practised(source):
                if not below:
                    raise ValueError(f"{id}: practice(…) stands before the heading ## Practice")
                yield id


def _practised(source: str) -> Iterator[str]:
    code = re.sub(r"^\s*[%!].*", "", source, flags=re.M)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "practice":
            for argument in node.args:
                id = getattr(argument, "value", None)
                if not isinstance(id, str) or not PROBLEM.fullmatch(id):
                    wrong = ast.unparse(argument)
                    raise ValueError(f"{wrong}: practice takes ids such as 'P-VAE-KL', written out")
                yield id


def _ids(lecture: Lecture) -> list[str]:
    items = (*lecture.objectives, *lecture.recalls, *lecture.mistakes, *lecture.questions)
    return [*(item.id for item in items), *lecture.problems]


def _check_references(lecture: Lecture) -> None:
    ids = _ids(lecture)
    for id in ids:
        if ids.count(id) > 1:
            raise ValueError(f"{id}: the id is used {ids.count(id)} times; expected once")
    number = lecture.name.split("-")[0].lstrip("0") or "0"
    for objective in lecture.objectives:
        if objective.id.split("-")[1] != number:
            raise ValueError(f"{objective.id}: an objective of this lecture is called O-{number}-…")
        for question in objective.questions:
            if question not in ids and f"[{question}](#" in objective.text:
                raise ValueError(f"{objective.id}: it links to {question}, which this lecture has not")
    for question in lecture.questions:
        for objective in question.objectives:
            if objective not in ids:
                raise ValueError(f"{question.id}: the objective {objective} is unknown here")
