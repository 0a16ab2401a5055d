"""Long pages are laid out piece by piece: `content-visibility` on pieces whose heights are estimated.

The browser lays a piece out when it comes near the window, and until then takes its height from
`--d` (wide screens) or `--p` (phones), estimated here from what the piece holds. Margins do not
collapse across the edge of a piece, so a piece ends where a paragraph follows, which has none above it.
"""

from __future__ import annotations

import math
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from gm_book.tags import Tag, tag

PIECE = 900  # px, about a window
FIRST = 1400  # px, what is seen first is laid out at once


def height(node: nodes.Node, columns: int) -> float:
    """About how many px a block takes at `columns` characters a line."""
    if isinstance(node, nodes.math_block):
        return 64 + 34 * node.astext().count(r"\\") + 14 * node.astext().count(r"\frac")
    if isinstance(node, nodes.literal_block):
        return 26 + 22.4 * (node.astext().count("\n") + 1)
    if isinstance(node, nodes.image):
        return 340 if columns > 60 else 200
    if isinstance(node, nodes.raw):
        return 0 if "<script" in node.astext()[:8] else min(700, 60 + len(node.astext()) / 40)
    if isinstance(node, nodes.row):
        return 20 + 28 * max(math.ceil(len(entry.astext()) / (columns / len(node))) for entry in node)
    if isinstance(node, Tag) and node["tag"] == "details":
        return 56
    if isinstance(node, nodes.container) and node.get("hide_mode") == "all":
        return 60
    if isinstance(node, (nodes.paragraph, nodes.title)) or (
        isinstance(node, Tag) and node["tag"] in ("p", "figcaption")
    ):
        return 18 + 29 * math.ceil(max(1, len(node.astext()) * 0.9) / columns)
    around = 44 if isinstance(node, Tag) and "gm-callout" in node["html"].get("class", "") else 0
    if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
        around = 40
    return around + sum(height(child, columns) for child in node.children)


class Chunks(SphinxPostTransform):
    """Wraps runs of blocks of a long page."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        if self.app.builder.name == "singlehtml" or height(self.document, 76) < 6000:
            return
        self.seen = 0.0
        for section in list(self.document.findall(nodes.section)):
            self._wrap(section)

    def _wrap(self, section: nodes.section) -> None:
        out: list[nodes.Node] = []
        run: list[nodes.Node] = []
        size = 0.0
        for child, follower in zip(section.children, [*section.children[1:], None], strict=True):
            fixed = isinstance(child, (nodes.section, nodes.title, nodes.target, nodes.Invisible))
            tall = 0 if isinstance(child, nodes.section) else height(child, 76)
            if fixed or self.seen < FIRST:
                out += [*self._piece(run), child]
                run, size = [], 0
            else:
                run.append(child)
                size += tall
                if size > PIECE and isinstance(follower, nodes.paragraph):
                    out += self._piece(run)
                    run, size = [], 0
            self.seen += tall
        section.children = []
        section.extend([*out, *self._piece(run)])

    def _piece(self, run: list[nodes.Node]) -> list[nodes.Node]:
        wide, phone = (sum(height(node, columns) for node in run) for columns in (76, 38))
        if wide < 300:
            return run
        return [tag("div", "gm-piece", *run, style=f"--d:{wide:.0f}px;--p:{phone:.0f}px")]


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(Chunks)
