"""Ids that lectures link to: objectives, recall prompts, mistakes, questions, problems, figures, equations.

`(#q-vae-03)` and `(10-vae.ipynb#q-vae-03)` resolve to them, headings or not; an unknown one is MyST's
warning. The text "(10.3)", "Figure 10.3" and, under a question, "O-10-2" become links where they exist.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from gm_book import maths
from gm_book.tags import Link, Tag

LOG = logging.getLogger(__name__)
ITEM = r"[OQMRP]-[A-Z0-9]+(?:-[A-Z0-9]+)*"
STARTS = re.compile(rf"^({ITEM})(?=$|[^A-Za-z0-9-])")
FIGURE = re.compile(r"^Figure (\d+\.\d+)")
HTML_ID = re.compile(r"""\bid=["']((?:p|i)-[a-z0-9-]+)["']""")
MENTION = re.compile(r"\((\d+\.\d+[a-z]?)\)|(Figure \d+\.\d+)")
META = re.compile(rf"\b({ITEM})\b")
PERCENT = re.compile(r"(?<=\d) %")


def register(document: nodes.document, env: BuildEnvironment, name: str, node: nodes.Element | None,
             title: str, *, location: Any = None) -> str:  # fmt: skip
    """Make `name` a target of this page, at `node` (None: an id inside raw HTML). Returns the id."""
    key = name.lower()
    labels = env.get_domain("std").anonlabels  # type: ignore[attr-defined]
    if labels.get(key, (env.docname,))[0] != env.docname or key in document.get("gm_ids", ()):
        LOG.warning("the id %s is used twice: here and in %s", name, labels.get(key, (env.docname,))[0],
                    location=location or node, type="gm", subtype="id")  # fmt: skip
    document["gm_ids"] = [*document.get("gm_ids", ()), key]
    if node is not None and key not in node["ids"]:
        node["ids"].insert(0, key)
    labels[key] = (env.docname, key)
    env.get_domain("std").labels[key] = (env.docname, key, title)  # type: ignore[attr-defined]
    slugs = env.metadata[env.docname].setdefault("myst_slugs", {})
    slugs[key] = (0, key, title)
    document.myst_slugs = {**getattr(document, "myst_slugs", {}), key: (0, key, title)}
    return key


class Targets(SphinxTransform):
    """Finds and registers what is not a callout (callouts register themselves)."""

    default_priority = 230

    def apply(self, **kwargs: Any) -> None:
        for section in self.document.findall(nodes.section):
            found = STARTS.match(section[0].astext())
            if found:
                self._add(found[1], section, section[0].astext())
        for item in self.document.findall(nodes.list_item):
            found = STARTS.match(item.astext())
            if found:
                self._add(found[1], item, found[1])
        for block in self.document.findall(nodes.math_block):
            number = maths.split_tag(block.astext())[1]
            if number:
                register(self.document, self.env, maths.anchor(number), None, f"({number})", location=block)
        for paragraph in self.document.findall(nodes.paragraph):
            found = FIGURE.match(_bold(paragraph))
            if found:
                self._add("fig-" + found[1].replace(".", "-"), paragraph, f"Figure {found[1]}")
        for raw in self.document.findall(nodes.raw):
            for name in HTML_ID.findall(raw.astext()):
                register(self.document, self.env, name, None, name.upper(), location=raw)

    def _add(self, name: str, node: nodes.Element, title: str) -> None:
        register(self.document, self.env, name, node, title, location=node)


def _bold(paragraph: nodes.paragraph) -> str:
    filled = [c for c in paragraph.children if c.astext()]
    return filled[0].astext() if filled and isinstance(filled[0], nodes.strong) else ""


class Mentions(SphinxPostTransform):
    """Links "(10.3)", "Figure 10.3" and the objective of a question; a percent sign stays with its number."""

    default_priority = 20
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for text in list(self.document.findall(nodes.Text)):
            parent = text.parent
            if PERCENT.search(text) and not isinstance(parent, (nodes.literal, nodes.FixedTextElement)):
                loose, text = text, nodes.Text(PERCENT.sub("\N{NO-BREAK SPACE}%", text))
                parent.replace(loose, text)
            if isinstance(parent, nodes.paragraph) or (
                isinstance(parent, Tag) and parent["tag"] == "figcaption"
            ):
                self._link(text, MENTION)
        for reference in self.document.findall(nodes.reference):
            if re.fullmatch(ITEM, reference.astext()):
                reference["classes"].append("gm-item")
        for emphasis in list(self.document.findall(nodes.emphasis)):
            paragraph = emphasis.parent
            if " · " in emphasis.astext() and isinstance(paragraph, nodes.paragraph):
                paragraph["classes"].append("gm-meta")
                for text in [c for c in emphasis.children if isinstance(c, nodes.Text)]:
                    self._link(text, META)

    def _link(self, text: nodes.Text, pattern: re.Pattern[str]) -> None:
        out: list[nodes.Node] = []
        end = 0
        for found in pattern.finditer(text.astext()):
            target = self._target(found, pattern)
            if target:
                out.append(nodes.Text(text.astext()[end : found.start()]))
                out.append(
                    Link(
                        "", "", nodes.Text(found[0]), docname=target[0], anchor=target[1], classes=["gm-ref"]
                    )
                )
                end = found.end()
        if out:
            out.append(nodes.Text(text.astext()[end:]))
            text.parent.replace(text, out)

    def _target(self, found: re.Match[str], pattern: re.Pattern[str]) -> tuple[str, str] | None:
        if pattern is META:
            key = found[1].lower()
        elif found[1]:
            key = maths.anchor(found[1])
        else:
            key = "fig-" + found[2].removeprefix("Figure ").replace(".", "-")
        return self.env.get_domain("std").anonlabels.get(key)  # type: ignore[attr-defined]


def setup(app: Sphinx) -> None:
    """Register the two transforms."""
    app.add_transform(Targets)
    app.add_post_transform(Mentions)
