"""Folds and callouts: `<details>` in Markdown, and block quotes that open with a bold label."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from gm_book import links
from gm_book.tags import Tag, tag

LOG = logging.getLogger(__name__)
LABELS = ("Key idea", "Exam tip", "Common mistake", "Derivation", "Recall")
LABEL = re.compile(rf"^({'|'.join(LABELS)})(?:\s+({links.ITEM}))?\s*[.:]?\s*(.*)$", re.S)
PIECES = re.compile(r"(<details[^>]*>|<summary[^>]*>.*?</summary>|</details>)", re.S | re.I)
INLINE = re.compile(r"(\$[^$]+\$|`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*)")
KINDS = ("solution", "hint", "answer", "derivation", "proof")


def inline(text: str) -> list[nodes.Node]:
    """Nodes of a summary's text: maths, code, bold and italics, which no parser reads inside HTML."""
    out: list[nodes.Node] = []
    text = html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
    for piece in INLINE.split(text):
        if piece.startswith("$") and len(piece) > 2:
            out.append(nodes.math(piece[1:-1], piece[1:-1]))
        elif piece.startswith("`") and len(piece) > 2:
            out.append(nodes.literal(piece[1:-1], piece[1:-1]))
        elif piece.startswith("*") and len(piece) > 2:
            inner = piece.strip("*")
            out.append(nodes.strong(inner, inner) if piece.startswith("**") else nodes.emphasis(inner, inner))
        elif piece:
            out.append(nodes.Text(piece))
    return out


def fold(summary: list[nodes.Node], *children: nodes.Node) -> Tag:
    """A `<details>` with its summary; its kind is the summary's first word."""
    word = "".join(n.astext() for n in summary).lower().split(maxsplit=1)[:1]
    kind = next((k for k in KINDS if word and word[0].startswith(k)), "more")
    head = tag("summary", "", tag("span", "", *summary))
    return tag("details", f"gm-fold gm-fold-{kind}", head, tag("div", "gm-fold-body", *children))


class Folds(SphinxTransform):
    """Raw `<details>`, `<summary>` and `</details>` around Markdown become one node."""

    default_priority = 210

    def apply(self, **kwargs: Any) -> None:
        raws = [r for r in self.document.findall(nodes.raw) if PIECES.search(r.astext())]
        for parent in {id(r.parent): r.parent for r in raws}.values():
            if not (isinstance(parent, nodes.container) and parent.get("nb_element")):
                parent.children = self._fold(parent)
                for child in parent.children:
                    child.parent = parent

    def _fold(self, parent: nodes.Element) -> list[nodes.Node]:
        levels: list[list[nodes.Node]] = [[]]
        summaries: list[str] = []
        for child in parent.children:
            if not (isinstance(child, nodes.raw) and PIECES.search(child.astext())):
                levels[-1].append(child)
                continue
            for piece in PIECES.split(child.astext()):
                low = piece.lower()
                if low.startswith("<details"):
                    levels.append([])
                    summaries.append("")
                elif low.startswith("<summary") and summaries:
                    summaries[-1] = piece
                elif low == "</details>" and summaries:
                    body = levels.pop()
                    levels[-1].append(fold(inline(summaries.pop()), *body))
                elif low == "</details>":
                    LOG.warning("</details> closes nothing", location=child, type="gm", subtype="fold")
                elif piece.strip():
                    levels[-1].append(nodes.raw("", piece, format="html"))
        if summaries:
            LOG.warning("<details> is not closed in the same cell and level: %s", summaries[-1],
                        location=parent, type="gm", subtype="fold")  # fmt: skip
        return [node for level in levels for node in level]


class Callouts(SphinxTransform):
    """A block quote that opens with a label of the fixed set becomes a callout."""

    default_priority = 220

    def apply(self, **kwargs: Any) -> None:
        for quote in list(self.document.findall(nodes.block_quote)):
            first = quote.children[0] if quote.children else None
            bold = opening(first)
            found = LABEL.match(bold.astext()) if bold is not None else None
            if found:
                _strip(bold, len(bold.astext()) - len(found[3]))
                quote.replace_self(self._callout(quote, first, bold, found))

    def _callout(self, quote: nodes.Element, first: nodes.Element, bold: nodes.Element, found: Any) -> Tag:
        name, item = found[1], (found[2] or "").upper()
        css = "gm-callout gm-" + name.lower().replace(" ", "-")
        label = tag("p", "gm-callout-label", nodes.Text(name))
        if item and name != "Recall":
            label += [nodes.Text(" "), tag("span", "gm-id", nodes.Text(item))]
        if found[3]:
            label += [nodes.Text(" "), tag("span", "gm-callout-title", *bold.children)]
        first.children = first.children[first.children.index(bold) + 1 :]
        if first.children and isinstance(first.children[0], nodes.Text):
            first[0] = nodes.Text(first.children[0].astext().lstrip())
        body = [c for c in quote.children if c is not first or first.astext().strip()]
        if name == "Recall":
            return self._recall(quote, css, label, item, body)
        out = tag("div", css, label, *body)
        if item:
            links.register(self.document, self.env, item, out, f"{name} {item}", location=quote)
        return out

    def _recall(self, quote: nodes.Element, css: str, label: Tag, item: str, body: list[nodes.Node]) -> Tag:
        folds = [c for c in body if isinstance(c, Tag) and c["tag"] == "details"]
        if not item or len(folds) != 1:
            LOG.warning("a recall prompt needs an id and one folded answer: %s", quote.astext()[:60],
                        location=quote, type="gm", subtype="recall")  # fmt: skip
            return tag("div", css, label, *body)
        question = tag("div", "gm-question", *[c for c in body if c is not folds[0]])
        answer = tag("div", "gm-fold-body", *folds[0].children[1].children)
        head = tag("summary", "", nodes.Text("Show the answer"))
        out = tag("div", css, label, question, tag("details", "gm-answer", head, answer), data_recall=item)
        question["keep"], answer["keep"] = (
            (self.env.docname, item, "question"),
            (self.env.docname, item, "answer"),
        )
        links.register(self.document, self.env, item, out, f"Recall {item}", location=quote)
        return out


def opening(node: nodes.Node | None) -> nodes.Element | None:
    """The bold text that opens a paragraph (MyST puts an empty text before it)."""
    if isinstance(node, nodes.paragraph):
        filled = [c for c in node.children if c.astext()]
        if filled and isinstance(filled[0], nodes.strong):
            return filled[0]
    return None


def _strip(bold: nodes.Element, count: int) -> None:
    """Take `count` characters off the front of a bold text, and its last full stop."""
    for child in list(bold.children):
        text = child.astext()
        if count >= len(text):
            bold.remove(child)
            count -= len(text)
        elif isinstance(child, nodes.Text):
            bold.replace(child, nodes.Text(text[count:]))
            break
        else:
            break
    if bold.children and isinstance(bold.children[-1], nodes.Text):
        bold.replace(bold.children[-1], nodes.Text(bold.children[-1].astext().removesuffix(".")))


def setup(app: Sphinx) -> None:
    """Register the two transforms."""
    app.add_transform(Folds)
    app.add_transform(Callouts)
