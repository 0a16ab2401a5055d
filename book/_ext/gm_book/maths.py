"""Maths drawn at build time: KaTeX in V8 (`mini-racer`), so a page needs no script to show a formula.

A formula that does not render is a warning. What is written is KaTeX's HTML with MathML for screen
readers; a formula of one level (no script, no fraction) is plain text already and carries no MathML,
which halves the nodes of a page of small formulas.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from gm_book.tags import tag

LOG = logging.getLogger(__name__)
KATEX = Path(__file__).parents[1] / "vendor" / "katex.min.js"
CLOSES = re.compile(r"[.,;:!?)\]…”’]+")
OPENS = re.compile(r"[(\[“‘]$")
TAG = re.compile(r"\s*\\tag\*?\{([^{}]*)\}")
RENDER = """
function draw(tex, display) {
  try {
    return [katex.renderToString(tex, {displayMode: display, throwOnError: true, strict: 'ignore',
                                       output: 'htmlAndMathml'}), ''];
  } catch (e) { return ['', String(e.message)]; }
}"""
# what makes a formula more than a row of characters, or a letter more than its character
LEVELS = re.compile(
    r"vlist|mfrac|sqrt|<svg|delimsizing|math(?:cal|bb|frak|scr|sf|tt)|accent|overline|rule|nulldelimiter"
)

# a script that is one symbol: its size and its kind go into one element
SIZED = re.compile(
    r'<span class="(katex-sizing [^"]*)"><span class="([^"]*)"( style="[^"]*")?>([^<]*)</span></span>'
)


@lru_cache(maxsize=1)
def _engine() -> Any:
    from py_mini_racer import MiniRacer

    engine = MiniRacer()
    engine.eval(KATEX.read_text(encoding="utf8"))
    engine.eval(RENDER)
    return engine


@cache
def render(tex: str, display: bool = False) -> tuple[str, str]:
    """HTML of the formula `tex`, and KaTeX's complaint ("" if there is none)."""
    call = f"JSON.stringify(draw({json.dumps(tex)}, {json.dumps(display)}))"
    out, error = json.loads(_engine().eval(call))
    return slim(out), error


def slim(out: str) -> str:
    """KaTeX's HTML with the nodes left out that nothing needs."""
    out = re.sub(r"<annotation[^>]*>.*?</annotation>", "", out, flags=re.S)
    out = re.sub(r"</?semantics>", "", out)
    out = re.sub(r'<math xmlns="[^"]*"', "<math", out)
    # put there for text that is edited in place, which this is not
    out = out.replace("<span></span></span></span></span></span>", "</span></span></span></span>")
    out = SIZED.sub(r'<span class="\1 \2"\3>\4</span>', out)
    out = re.sub(r"<mrow>(<(m[ino])\b[^>]*>[^<]*</\2>)</mrow>", r"\1", out)
    mathml, between, drawn = out.partition('<span class="katex-html" aria-hidden="true">')
    if "katex-display" in mathml:
        return out
    # a line of text is tall enough
    drawn = re.sub(r'<span class="katex-strut" style="[^"]*"></span>', "", drawn)
    if drawn and not LEVELS.search(drawn):
        return '<span class="katex">' + drawn.removesuffix("</span>").strip()
    return mathml + between + drawn


def split_tag(tex: str) -> tuple[str, str]:
    r"""The formula without its `\tag{10.3}`, and the number."""
    found = TAG.search(tex)
    return (TAG.sub("", tex), found[1]) if found else (tex, "")


def anchor(number: str) -> str:
    """The id of the equation `number`: "10.3" is at `eq-10-3`."""
    return "eq-" + re.sub(r"[^a-z0-9]+", "-", number.lower()).strip("-")


def _draw(node: nodes.Element, tex: str, display: bool) -> str:
    out, error = render(tex.strip(), display)
    if error:
        LOG.warning("KaTeX: %s in %r", error, tex.strip()[:80], location=node, type="gm", subtype="maths")
    return out or f"<code>{html.escape(tex)}</code>"


def _long(drawn: str) -> bool:
    """Whether a part that cannot be broken is wider than a phone."""
    bases = re.split(r'<span class="katex-base">', drawn)[1:]
    return any(len(html.unescape(re.sub(r"<[^>]+>", "", base))) > 30 for base in bases)


def _end(drawn: str, mark: str) -> str:
    """A formula with the punctuation after it inside its last part, which no browser breaks."""
    if not mark:
        return drawn
    tail = "</span>" * (3 if "katex-html" in drawn else 2)
    inside = drawn.removesuffix(tail)
    mark = f'<span class="gm-mark">{html.escape(mark)}</span>'
    return f"{inside}{mark}{tail}" if inside != drawn else drawn + mark


def _inline(self: Any, node: nodes.math) -> None:
    drawn = _draw(node, node.astext(), False)
    drawn = _end(drawn, node.get("gm_after", ""))
    if _long(drawn):
        drawn = f'<span class="gm-wide gm-scroll">{drawn}</span>'
    self.body.append(drawn)
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    tex, number = split_tag(node.astext())
    if "amsmath" in node.get("classes", []):
        LOG.warning(
            "a bare environment: write `aligned` inside $$", location=node, type="gm", subtype="maths"
        )
    where = f' id="{anchor(number)}"' if number else ""
    end = f'<span class="gm-eqno">({html.escape(number)})</span>' if number else ""
    self.body.append(f'<div class="gm-eq"{where}>{_draw(node, tex, True)}{end}</div>\n')
    raise nodes.SkipNode


class Glue(SphinxPostTransform):
    """Keeps a formula and the punctuation around it on one line; browsers break between them.

    A long formula may break inside, so there the mark goes into its last part (`_end`).
    """

    default_priority = 60
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for node in list(self.document.findall(nodes.math)):
            parent = node.parent
            at = parent.index(node)
            after = CLOSES.match(_text(parent, at + 1))
            before = OPENS.search(_text(parent, at - 1)) if at else None
            if (after or before) and _width(node.astext()) <= 22:
                parts: list[nodes.Node] = [node]
                if after:
                    parts.append(nodes.Text(after[0]))
                    parent[at + 1] = nodes.Text(_text(parent, at + 1)[after.end() :])
                if before:
                    parts.insert(0, nodes.Text(before[0]))
                    parent[at - 1] = nodes.Text(_text(parent, at - 1)[: before.start()])
                parent[at] = tag("span", "gm-glue", *parts)
            elif after:
                node["gm_after"] = after[0]
                parent[at + 1] = nodes.Text(_text(parent, at + 1)[after.end() :])


def _text(parent: nodes.Element, at: int) -> str:
    node = parent.children[at] if 0 <= at < len(parent.children) else None
    return node.astext() if isinstance(node, nodes.Text) else ""


def _width(tex: str) -> int:
    """How many characters a formula shows."""
    drawn = render(tex.strip())[0].rpartition("</math></span>")[2]
    return len(html.unescape(re.sub(r"<[^>]+>", "", drawn)))


def setup(app: Sphinx) -> None:
    """Make this the renderer of the HTML builders; MathJax is then not loaded at all."""
    app.add_post_transform(Glue)
    app.add_html_math_renderer("gm", (_inline, None), (_block, None))
