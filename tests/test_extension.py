"""The book's Sphinx extension, on tiny books built in a temporary folder (no browser, no torch)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
pytest.importorskip("sphinx")
pytest.importorskip("py_mini_racer")

from gm_book import bundle, cells, chunks, finish, links, maths, palette, recall  # noqa: E402

CONF = """
import sys
sys.path.insert(0, {ext!r})
extensions = ["myst_nb", "gm_book.extension"]
exclude_patterns = ["_build"]
html_theme = "basic"
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "gm"
html_baseurl = "https://example.org/"
root_doc = "index"
nitpicky = True
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"><path style="fill: {}; stroke: #1f2430"/></svg>'
LONG_ALT = "A path that fills the whole of the picture."
GM = {"key": "0", "inputs": [], "profile": "cpu", "seconds": 12.4, "machine": "a machine"}


def text(source: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": source.strip("\n")}


def code(source: str = "1", *outputs: dict, alt: str = "", tags: tuple[str, ...] = ()) -> dict:
    metadata: dict = {"tags": list(tags)} if tags else {}
    if alt:
        metadata["mystnb"] = {"image": {"alt": alt}}
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "outputs": list(outputs),
        "execution_count": 1,
    }


def shown(data: dict, **metadata: object) -> dict:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def checked(claim: str, kind: str = "closed form", trained: bool = False) -> dict:
    record = {"claim": claim, "values": "0.5 = 0.5", "kind": kind, "tol": 1e-9, "why": "", "trained": trained}
    return shown({"text/plain": f"✓ {claim}: 0.5 = 0.5 ({kind}, ±1e-09)"}, gm_check=record)


class Book:
    """A built book: its pages, and the warnings that it gave."""

    def __init__(self, folder: Path, warnings: str) -> None:
        self.folder, self.warnings = folder, warnings

    def __getitem__(self, page: str) -> str:
        return (self.folder / f"{page}.html").read_text(encoding="utf8")


def build(
    folder: Path,
    notebooks: dict[str, list[dict]],
    pages: dict[str, str] | None = None,
    *,
    builder: str = "html",
    files: dict[str, str] | None = None,
) -> Book:
    source = folder / "source"
    (source / "notebooks").mkdir(parents=True)
    (source / "book" / "_static" / "map").mkdir(parents=True)
    shutil.copy(ROOT / "book" / "_static" / "map" / "vae.svg", source / "book" / "_static" / "map")
    python = {"language_info": {"name": "python"}, "gm": GM}
    for name, made in notebooks.items():
        book = {"cells": made, "metadata": python, "nbformat": 4, "nbformat_minor": 4}
        (source / "notebooks" / f"{name}.ipynb").write_text(json.dumps(book), encoding="utf8")
    pages = pages or {}
    tree = "\n".join([*(f"notebooks/{n}" for n in notebooks), *pages])
    index = f"# Book\n\n```{{toctree}}\n{tree}\n```\n"
    texts = {"conf.py": CONF.format(ext=str(ROOT / "book" / "_ext")), "index.md": index, **(files or {})}
    for name, made in {**texts, **{f"{page}.md": made for page, made in pages.items()}}.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(made, encoding="utf8")
    out = folder / builder
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-q", "-n", str(source), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Book(out, done.stderr)


LECTURE = [
    text(r"""
# 10 · A lecture

What it does.

- **O-10-1** Derive (10.1), see [Q-A-01](#q-a-01).

## Body

$$
a^2 + b^2 = c^2 \tag{10.1}
$$

> **Key idea.** By (10.1) and $x$.

> **Common mistake M-A-01.** Not 5 % of `5 %`.

> **Recall R-A-01.** What is $c$?
>
> <details><summary>Answer</summary>
>
> See [the mistake](#m-a-01) and (10.1).
>
> </details>

### Q-A-01

*proof · 3 points · easy · O-10-1*

Prove it.

<details><summary>Solution with $x^2$</summary>

Words.

<details><summary>More</summary>

Inner.

</details>

</details>
"""),
    code("check()", checked("one claim"), checked("another", "Monte Carlo", trained=True)),
    code("plot()", shown({"image/svg+xml": SVG.format("#0b6fa4"), "text/plain": "f"}), alt=LONG_ALT),
    text("**Figure 10.1.** A caption with $y$, see (10.1).\n\nBelow Figure 10.1."),
    code(
        "show()",
        shown({"text/html": '<div id="i-10-x" class="gm-interactive">I</div>'}),
        tags=("remove-input",),
    ),
    text("**Figure 10.2.** Of HTML."),
    code("practice()", shown({"text/html": '<div class="gm-problem" id="p-a-kl">P</div>'})),
    text("See [the problem](#p-a-kl)."),
]
OTHER = [
    text("# 11 · Other\n\n[a](10-a.ipynb#q-a-01) [b](10-a.ipynb#r-a-01) [c](10-a.ipynb#m-a-01)"),
    text("[d](#fig-10-1) [e](10-a.ipynb#p-a-kl)"),
]

CHECKED = {"checked": "# Checked\n\n```{gm-checks}\n```\n"}
PAGE = """
# Page

```{gm-costs}
```

```{gm-family} Title
:picture: vae
:likelihood: a bound
:sampling: one pass
:lectures: 10-a: Is there; 99-z: Is not

Text.
```
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Book:
    return build(tmp_path_factory.mktemp("book"), {"10-a": LECTURE, "11-b": OTHER}, {**CHECKED, "page": PAGE})


def test_a_lecture_builds_without_a_warning_and_has_the_agreed_html(book):
    assert book.warnings == ""
    page = book["notebooks/10-a"]
    assert re.search(r'<div id="r-a-01" class="gm-callout gm-recall" data-recall="R-A-01">\s*<p class="gm-callout-label">Recall</p>\s*'
                     r'<div class="gm-question">.*?</div>\s*<details class="gm-answer">\s*<summary>Show the answer</summary>',
                     page, re.S)  # fmt: skip
    assert '<div id="m-a-01" class="gm-callout gm-common-mistake">' in page
    assert 'class="gm-callout gm-key-idea"' in page
    assert '<div class="gm-eq" id="eq-10-1">' in page
    assert '<span class="gm-eqno">(10.1)</span>' in page
    assert page.count('href="#eq-10-1"') == 4  # objective, key idea, answer, caption
    assert '<li id="o-10-1">' in page
    assert re.search(r'<span class="gm-glue"><span class="katex">.{,120}</span>\.</span>', page)  # "$x$."
    assert 'href="#o-10-1"' in page
    assert "Not 5\N{NO-BREAK SPACE}% of" in page
    assert ">5 %<" in re.sub(r"</?span[^>]*>", "", page)  # code stays as it is
    assert page.count("<details") == page.count("</details>") == 3
    assert 'class="gm-fold gm-fold-solution"' in page
    other = book["notebooks/11-b"]
    for name in ("q-a-01", "r-a-01", "m-a-01", "fig-10-1", "p-a-kl"):
        assert f'href="10-a.html#{name}"' in other


def test_figures_are_tied_to_their_captions_and_have_a_dark_twin(book):
    page = book["notebooks/10-a"]
    figure = re.search(r'<figure id="fig-10-1" class="gm-figure">.*?</figure>', page, re.S)[0]
    assert "only-light" in figure
    assert "only-dark" in figure
    assert figure.count(f'alt="{LONG_ALT}"') == 2
    assert '<span class="gm-figure-label">Figure 10.1.</span>' in figure
    dark = next((book.folder / "_images").glob("*-dark.svg")).read_text(encoding="utf8")
    assert "#6cc6ee" in dark
    assert "#e6e9ee" in dark
    assert "#0b6fa4" not in dark
    html = re.search(r'<figure id="fig-10-2" class="gm-figure">.*?</figure>', page, re.S)[0]
    assert 'id="i-10-x"' in html


def test_recall_data_is_written_for_the_review_page(book):
    script = (book.folder / "_static" / "recall" / "10-a.js").read_text(encoding="utf8")
    assert script.startswith('gmRecall("10-a",')
    data = json.loads(script.removeprefix('gmRecall("10-a",').rstrip().removesuffix(");"))
    assert data["url"] == "notebooks/10-a.html"
    (prompt,) = data["prompts"]
    assert prompt["id"] == "R-A-01"
    assert "katex" in prompt["question"]
    assert 'href="../notebooks/10-a.html#m-a-01"' in prompt["answer"]
    assert " id=" not in prompt["answer"]
    index = (book.folder / "_static" / "recall" / "index.js").read_text(encoding="utf8")
    entry, _ = json.loads(index.removeprefix("gmRecallIndex(").rstrip().removesuffix(");"))
    assert entry == {
        "lecture": "10-a",
        "title": "10 · A lecture",
        "url": "notebooks/10-a.html",
        "recall": 1,
        "problems": ["P-A-KL"],
    }


def test_checks_are_calm_lines_and_a_page_lists_them(book):
    page = book["notebooks/10-a"]
    assert page.count('<p class="gm-check">') == 2
    assert page.count('class="gm-checks"') == 1
    assert 'id="cell-1"' in page
    listed = book["checked"]
    assert listed.count('href="notebooks/10-a.html#cell-1"') == 2
    assert re.search(r"<td>Monte Carlo</td>\s*<td>1</td>", listed)
    assert re.search(r"<td>All</td>\s*<td>2</td>", listed)
    assert re.search(r"<td>of these on a trained model</td>\s*<td>1</td>", listed)


def test_costs_and_map_follow_from_what_is_there(book):
    assert re.search(r"<td>12 s</td>\s*<td>not measured</td>\s*<td>a machine</td>", book["page"])
    assert re.search(r'<a class="[^"]*" href="notebooks/10-a.html">Is there</a>', book["page"])
    assert re.search(r'<li class="gm-planned">\s*Is not<span> in preparation</span>', book["page"])


MISTAKES = [
    (r"$\undefinedmacro$", "KaTeX: "),
    ("[x](#q-none-01)", "q-none-01"),
    ("[x](00-mistake.ipynb#m-none-01)", "m-none-01"),
    ("<details><summary>S</summary>\n\nText.", "<details> is not closed"),
    ("Text.\n\n</details>", "closes nothing"),
    ("> **Recall R-A-01.** No answer.", "one folded answer"),
    ("> **Recall.** No id.\n>\n> <details><summary>A</summary>\n>\n> B\n>\n> </details>", "needs an id"),
    ("> **Common mistake M-A-01.** a\n\n> **Common mistake M-A-01.** b", "used twice"),
    ("**Figure 1.1.** Of nothing.", "follows 0 pictures"),
    (code("p", shown({"image/svg+xml": SVG.format("#ffffff")}), alt=LONG_ALT), "#ffffff"),
    (code("p", shown({"image/svg+xml": SVG.format("#0b6fa4")})), "without alternative text"),
    ("![x](https://example.com/x.png)", "picture from another host"),
    ("\\begin{align}\na\n\\end{align}", "write `aligned`"),
]


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory) -> list[str]:
    """The warnings of a book with one mistake in each lecture, by lecture."""
    notebooks = {
        f"{n:02}-mistake": [text("# T"), text(wrong) if isinstance(wrong, str) else wrong]
        for n, (wrong, _) in enumerate(MISTAKES)
    }
    lines = build(tmp_path_factory.mktemp("mistakes"), notebooks).warnings.splitlines()
    return ["\n".join(line for line in lines if f"{name}.ipynb" in line) for name in notebooks]


@pytest.mark.parametrize("n", range(len(MISTAKES)), ids=[warning for _, warning in MISTAKES])
def test_a_mistake_in_a_lecture_is_a_warning(mistakes, n):
    assert MISTAKES[n][1] in mistakes[n]


def test_a_badge_of_another_host_becomes_words_and_a_stale_lecture_says_so(tmp_path):
    badge = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/x)"
    keys = {"tools/keys.py": "def stale(path, root=None):\n    return 'it is <old>'\n"}
    book = build(tmp_path, {"10-a": [text(f"# T\n\n{badge}")]}, files=keys)
    assert book.warnings == ""
    assert "colab-badge" not in book["notebooks/10-a"]
    assert ">Open in Colab</a>" in book["notebooks/10-a"]

    stale = r'</h1>\s*<p class="gm-stale" role="note">[^<]*it is &lt;old&gt;\.</p>'
    assert re.search(stale, book["notebooks/10-a"])


def test_the_single_page_holds_every_lecture(tmp_path):
    book = build(tmp_path, {"10-a": LECTURE, "11-b": OTHER}, CHECKED, builder="singlehtml")
    page = book["index"]
    assert 'id="cell-10-a-1"' in page
    assert 'href="index.html#cell-10-a-1"' in page
    assert 'class="katex"' in page


# -- parts


def test_formulas():
    out, error = maths.render("x")
    assert error == ""
    assert (
        out
        == '<span class="katex"><span class="katex-base"><span class="mord mathnormal">x</span></span></span>'
    )
    out, _ = maths.render(r"\frac{a}{b}")
    assert "<math>" in out
    assert "annotation" not in out
    assert maths.render(r"\frac{a}")[1]
    assert maths.split_tag(r"a = b \tag{10.3}") == ("a = b", "10.3")
    assert maths.anchor("10.3a") == "eq-10-3a"
    assert out.count("<span") == out.count("</span>")
    deep, _ = maths.render(r"p_\theta(x)")
    assert deep.count("<span") == deep.count("</span>")


def test_ids():
    assert links.STARTS.match("Q-VAE-03")[1] == "Q-VAE-03"
    assert links.STARTS.match("O-10-1 Derive")[1] == "O-10-1"
    assert not links.STARTS.match("R-squared")
    assert not links.STARTS.match("X-10")


def test_palette_is_that_of_the_plots_and_of_the_sheet():
    css = (ROOT / "book" / "_static" / "gm.css").read_text(encoding="utf8").lower()
    names = ("ground", "surface", "ink", "muted", "grid", "blue", "orange", "green", "purple", "gold", "red")
    for name, (light, dark) in zip(names, palette.DARK.items(), strict=True):
        assert f"--gm-{name}: {light};" in css
        assert f"--gm-{name}: {dark};" in css
    plots = (ROOT / "gm_utils" / "plotting.py").read_text(encoding="utf8").lower()
    assert all(dark in plots for light, dark in palette.DARK.items() if light != "#f5f4ef")


def test_twin_exchanges_colours_and_names_the_others():
    svg, other = palette.twin('<svg ><g style="fill: #C05109; stroke:#123456" id="#fffefb"/></svg>')
    assert "#ffa366" in svg
    assert other == {"#123456"}
    assert 'id="#fffefb"' in svg


def test_a_sheet_keeps_what_is_needed():
    css = "@charset 'x';.a{b:c}.gone{d:e}.a .gone,.b>p{f:g}@media print{.gone{h:i}}@media all{p{j:k}}:not(.gone){l:m}"
    kept = bundle.needed(css, {"a", "b"})
    assert ".a{b:c}" in kept
    assert ".gone{d:e}" not in kept
    assert ".a .gone,.b>p{f:g}" in kept
    assert "print" not in kept
    assert "@media all{p{j:k}}" in kept
    assert ":not(.gone){l:m}" in kept


def test_check_lines():
    tag = cells.check_line(
        "· bound (a, b) holds: True (Monte Carlo, ±0.1, 5 standard errors (n = 3)) not asserted at this size",
        {},
    )
    assert tag.astext().startswith("· bound (a, b) holds: True")
    assert "not asserted" in tag.astext()


def test_prompts_are_portable():
    out = recall.portable(
        '<p id="a"><a href="#b">x</a><a href="11-c.html#d">y</a><a href="https://e.f/">z</a></p>', "10-a.html"
    )
    assert (
        out
        == '<p><a href="../notebooks/10-a.html#b">x</a><a href="../notebooks/11-c.html#d">y</a><a href="https://e.f/">z</a></p>'
    )


def test_sizes_of_pictures(tmp_path):
    svg = tmp_path / "a.svg"
    svg.write_text(SVG.format("red"), encoding="utf8")
    assert finish.image_size(svg) == (96, 48)
    png = tmp_path / "a.png"
    png.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x10" + b"\0" * 8)
    assert finish.image_size(png) == (32, 16)


def test_heights_are_estimated():
    from docutils import nodes

    short, long = nodes.paragraph("", "word"), nodes.paragraph("", "word " * 200)
    assert chunks.height(short, 76) < chunks.height(long, 76) < chunks.height(long, 38)
