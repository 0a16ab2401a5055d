"""Rules that every listed lecture keeps: anatomy, ids, links, alternative texts, captions, lengths, sizes."""

from __future__ import annotations

import json
import re
import statistics
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import pair  # noqa: E402

from gm_utils import plotting  # noqa: E402

LECTURES = pair.listed()
ids = [md.stem for md in LECTURES]
each_lecture = pytest.mark.parametrize("md", LECTURES, ids=ids)

FOLD = re.compile(r"<details>.*?</details>", re.S)
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.S | re.M)
ITEM = re.compile(r"\*\*(?:Recall |Common mistake )?([ORM]-[A-Z0-9]+-[A-Z0-9]+)\b")
QUESTION = re.compile(r"^### (Q-[A-Z]+-\d+)$", re.M)
WEASEL = ("clearly", "trivially", "it can be shown", "obviously", "todo", "fixme")
HEADINGS = ["## What the exam asks", "## Common mistakes", "## Worked questions", "## Practice", "## Summary",
            "## References"]  # fmt: skip


def source(md: Path) -> str:
    return md.read_text(encoding="utf8")


def notebook(md: Path) -> dict:
    return json.loads(md.with_suffix(".ipynb").read_text(encoding="utf8"))


def prose(text: str) -> str:
    """The text without code cells, folds, maths, links' addresses and the header."""
    text = FOLD.sub("", CELL.sub("", text.split("---\n", 2)[2]))
    text = re.sub(r"\$\$.*?\$\$", " x ", text, flags=re.S)
    text = re.sub(r"\$[^$\n]+\$", " x ", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def cells(text: str) -> list[tuple[list[str], list[str]]]:
    """(tags, lines of code) of each code cell."""
    out = []
    for body in CELL.findall(text):
        head = re.match(r"(---\n.*?---\n|(?::[a-z]+:[^\n]*\n)+\n?|)", body, re.S)[0]
        tags = re.search(r"tags: *\[([^\]]*)\]", head)
        code = [line for line in body[len(head) :].splitlines() if line.strip()]
        out.append(([t.strip() for t in tags[1].split(",")] if tags else [], code))
    return out


@each_lecture
def test_anatomy(md: Path) -> None:
    text = source(md)
    number = int(md.stem[:2])
    assert re.search(rf"^# {number}\. ", text, re.M), "the title carries the lecture's number"
    places = [text.find(f"\n{h}\n") for h in HEADINGS]
    assert min(places) > 0, f"missing: {[h for h, p in zip(HEADINGS, places, strict=True) if p < 0]}"
    assert places == sorted(places), "the sections stand in another order"
    head = text[: places[0]]
    assert pair.BADGE in head
    assert re.search(r"\*\*Time\.\*\* .*\bmin", head), "say how long it takes"
    assert "**You need.**" in head
    tags = [t for tags, _ in cells(text) for t in tags]
    assert tags.count("setup") == 1


@each_lecture
def test_ids_are_unique_and_objectives_are_asked(md: Path) -> None:
    text = source(md)
    defined = ITEM.findall(text) + QUESTION.findall(text)
    objectives = re.findall(r"^- \*\*(O-\d+-\d+)\*\* .*\(#q-", text, re.M)
    assert objectives, "objectives link to their questions"
    doubles = {i for i in defined if defined.count(i) > 1}
    assert not doubles
    asked = set(re.findall(r"^\*[\w ]+ · \d+ points? · \w+ · (O-\d+-\d+)\*$", text, re.M))
    assert asked >= set(objectives), f"no question for {set(objectives) - asked}"
    assert all(o.startswith(f"O-{int(md.stem[:2])}-") for o in objectives)


@each_lecture
def test_recall_prompts(md: Path) -> None:
    prompts = re.findall(r"^> \*\*Recall R-[A-Z]+-\d+\.\*\* .*(?:\n>.*)*", source(md), re.M)
    assert 12 <= len(prompts) <= 25
    for prompt in prompts:
        assert "<details><summary>Answer</summary>" in prompt, prompt[:60]
        question = re.sub(r"\*\*.*?\*\*", "", prompt.split("<details>")[0]).replace(">", "")
        assert len(question.split()) <= 45, f"too long to be answered in ten seconds: {prompt[:60]}"


@each_lecture
def test_every_question_has_a_solution(md: Path) -> None:
    text = source(md)
    part = text[text.index("## Worked questions") : text.index("## Practice")]
    for block in re.split(r"^### ", part, flags=re.M)[1:]:
        assert "<details><summary>Solution</summary>" in block, block[:20]


@each_lecture
def test_links_inside_the_book(md: Path) -> None:
    def anchors(path: Path) -> set[str]:
        text = source(path)
        found = {i.lower() for i in ITEM.findall(text) + QUESTION.findall(text)}
        found |= {f"fig-{a}-{b}" for a, b in re.findall(r"\*\*Figure (\d+)\.(\d+)\.\*\*", text)}
        return found | {
            re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)
        }

    for target in re.findall(r"\]\(((?:[\w-]+\.ipynb)?#[^)]+)\)", source(md)):
        name, anchor = target.split("#")
        path = md if not name else md.with_name(name).with_suffix(".md")
        assert path.exists(), target
        assert anchor in anchors(path), target


@each_lecture
def test_equations_and_figures_are_numbered_once(md: Path) -> None:
    text, number = source(md), int(md.stem[:2])
    for pattern in (r"\\tag\{(\d+\.\d+)\}", r"^\*\*Figure (\d+\.\d+)\.\*\*"):
        found = re.findall(pattern, text, re.M)
        assert found == [f"{number}.{i}" for i in range(1, len(found) + 1)], found
    for reference in re.findall(r"\((\d+\.\d+)\)", text):
        if reference.startswith(f"{number}."):
            assert f"\\tag{{{reference}}}" in text, f"({reference}) is no equation"
    for reference in re.findall(r"Figure (\d+\.\d+)", text):
        assert f"**Figure {reference}.**" in text, reference
    assert r"\begin{align}" not in text
    for block in re.findall(r"^.*\$\$.*$", text, re.M):
        assert re.fullmatch(r"(> )*\$\$", block), f"display maths on lines of its own: {block!r}"


@each_lecture
def test_figures_have_alternative_text_and_a_caption(md: Path) -> None:
    nb = notebook(md)["cells"]
    for cell, after in zip(nb, nb[1:] + [None], strict=True):
        if cell["cell_type"] != "code":
            continue
        pictures = [o for o in cell["outputs"] if {"image/png", "image/svg+xml"} & set(o.get("data", {}))]
        html = ["".join(o.get("data", {}).get("text/html", [])) for o in cell["outputs"]]
        interactive = [text for text in html if "gm-interactive" in text]
        if not pictures and not interactive:
            continue
        place = "".join(cell["source"])[:50]
        assert len(pictures) + len(interactive) == 1, f"one figure a cell: {place}"
        caption = "".join(after["source"])
        assert re.match(r"\*\*Figure \d+\.\d+\.\*\* \S", caption), f"a caption follows: {place}"
        if pictures:
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 8, f"alternative text of at least eight words: {place}"


@each_lecture
def test_line_figures_use_the_palette(md: Path) -> None:
    allowed = set(plotting.DARK) | {"#ffffff", "none"}
    for cell in notebook(md)["cells"]:
        for output in cell.get("outputs", []):
            svg = "".join(output.get("data", {}).get("image/svg+xml", []))
            if svg:
                colours = set(re.findall(r"(?:fill|stroke|stop-color)[:=]\s*\"?(#[0-9a-fA-F]{3,8})", svg))
                assert colours <= allowed, f"{sorted(colours - allowed)} in {''.join(cell['source'])[:50]}"
                assert not re.search(r"<dc:date>|Matplotlib v", svg)


@each_lecture
def test_lengths(md: Path) -> None:
    text = source(md)
    words = len(prose(text).split())
    assert words <= 5500, f"{words} words outside folds"
    code = cells(text)
    lines = sum(len(c) for _, c in code)
    visible = [len(c) for tags, c in code if not {"hide-cell", "hide-input", "remove-input"} & set(tags)]
    assert 8 <= words / lines <= 15, f"{words} words for {lines} lines of code"
    assert statistics.median(visible) <= 10, visible
    assert max(visible) <= 25, visible
    wide = [line for tags, c in code if not {"hide-cell", "hide-input"} & set(tags) for line in c if len(line) > 84]
    assert not wide, f"wider than the column: {wide}"
    for word in WEASEL:
        assert not re.search(rf"\b{word}\b", text, re.I), f"says {word!r}"


@each_lecture
def test_code_compiles_without_a_warning(md: Path) -> None:
    for tags, code in cells(source(md)):
        if "setup" not in tags:  # it may hold a magic
            with warnings.catch_warnings(action="error"):
                compile("\n".join(code), code[0], "exec")


@each_lecture
def test_outputs(md: Path) -> None:
    path = md.with_suffix(".ipynb")
    assert path.stat().st_size <= 1_500_000
    checks = 0
    for cell in notebook(md)["cells"]:
        for output in cell.get("outputs", []):
            checks += "gm_check" in output.get("metadata", {})
            assert output["output_type"] != "error"
            html = "".join(output.get("data", {}).get("text/html", []))
            assert len(html.encode()) <= 150_000
            assert not re.search(r"(?:src|href)=[\"']https?:", html), "an output asks another host"
            stream = "".join(output.get("text", []))
            assert len(stream.splitlines()) <= 30, f"a long output: {stream[:60]}"
            assert output.get("name") != "stderr", f"stderr in an output: {stream[:100]}"
    assert checks >= 10, "the book's signature: what the text says is checked"


@each_lecture
def test_answers_to_calculations_stand_after_the_questions(md: Path) -> None:
    text = source(md)
    part = text[text.index("## Worked questions") : text.index("## Practice")]
    before_last = part[: part.rindex("### Q-")]
    assert "```{code-cell}" not in before_last, "a tick between the questions gives an answer away"
    for tags, _ in cells(part):
        assert "hide-cell" in tags
