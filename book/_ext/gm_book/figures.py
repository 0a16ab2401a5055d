"""A paragraph `**Figure 10.3.** …` after a code cell is the caption of the picture or HTML before it.

An SVG gets a twin in the dark palette beside it; a PNG stays on a light card. A broad picture scrolls
on a phone, so that its words stay large enough to read.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from gm_book import palette
from gm_book.blocks import opening
from gm_book.links import FIGURE
from gm_book.tags import tag

LOG = logging.getLogger(__name__)
BROAD = 500  # pt; what is not wider keeps readable words when it is fitted to a phone


class Figures(SphinxPostTransform):
    """Ties captions to pictures, after MyST-NB has chosen the output to show (priority 4)."""

    default_priority = 10
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for paragraph in list(self.document.findall(nodes.paragraph)):
            bold = opening(paragraph)
            if bold is not None and FIGURE.match(bold.astext()):
                self._tie(paragraph, bold)
        for image in list(self.document.findall(nodes.image)):
            if _in_cell(image):
                self._picture(image)

    def _tie(self, paragraph: nodes.paragraph, bold: nodes.strong) -> None:
        before = _before(paragraph)
        shown = _shown(before)
        if len(shown) != 1:
            LOG.warning("%s follows %d pictures or HTML outputs; one is needed", bold.astext(), len(shown),
                        location=paragraph, type="gm", subtype="figure")  # fmt: skip
            return
        label = tag("span", "gm-figure-label", *bold.children)
        rest = paragraph.children[paragraph.children.index(bold) + 1 :]
        caption = tag("figcaption", "", label, *rest)
        figure = tag("figure", "gm-figure")
        figure["ids"] = paragraph["ids"]
        paragraph.parent.remove(paragraph)
        shown[0].replace_self(figure)
        if isinstance(shown[0], nodes.raw):  # with classes of its own it would be put into a span
            shown[0]["classes"] = []
            shown[0] = tag("div", "output text_html", shown[0])
        figure += [shown[0], caption]

    def _picture(self, image: nodes.image) -> None:
        path = Path(self.env.srcdir) / image["uri"]
        if image.get("alt", "") in ("", image["uri"]):
            LOG.warning("a picture without alternative text (cell metadata `mystnb: {image: {alt: …}}`)",
                        location=image.parent, type="gm", subtype="figure")  # fmt: skip
        if path.suffix != ".svg":
            image["classes"].append("gm-raster")
            image.replace_self(_frame(path, image.deepcopy()))
            return
        dark_uri = image["uri"].removesuffix(".svg") + "-dark.svg"
        text, other = palette.twin(path.read_text(encoding="utf8"))
        path.with_name(path.stem + "-dark.svg").write_text(text, encoding="utf8")
        if other:
            LOG.warning("colours that are not the palette's: %s", ", ".join(sorted(other)),
                        location=image.parent, type="gm", subtype="figure")  # fmt: skip
        dark = image.deepcopy()
        dark["uri"], dark["candidates"] = dark_uri, {"*": dark_uri}
        self.env.images.add_file(self.env.docname, dark_uri)
        image["classes"].append("only-light")
        dark["classes"].append("only-dark")
        image.replace_self(_frame(path, image.deepcopy(), dark))


def _frame(path: Path, *images: nodes.image) -> nodes.Element:
    """The box around a picture; a broad one says how wide it has to be at least, in px."""
    wide = breadth(path)
    if wide <= BROAD:
        return tag("div", "gm-picture", *images)
    return tag("div", "gm-picture gm-broad gm-scroll", *images, style=f"--w:{0.87 * wide:.0f}")


def breadth(path: Path) -> float:
    """A picture's width in pt: an SVG's own, a PNG's at the 144 dots per inch that plotting writes."""
    data = path.read_bytes()
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return struct.unpack(">I", data[16:20])[0] / 2
    found = re.search(rb'<svg[^>]*\bwidth="([\d.]+)pt"', data)
    return float(found[1]) if found else 0.0


def _before(paragraph: nodes.paragraph) -> nodes.Node | None:
    index = paragraph.parent.index(paragraph)
    return paragraph.parent[index - 1] if index else None


def _shown(before: nodes.Node | None) -> list[nodes.Element]:
    """The pictures in a block, or if there is none its pieces of HTML."""
    if before is None:
        return []
    images = list(before.findall(nodes.image))
    html = [r for r in before.findall(nodes.raw) if r.get("format") == "html" and r.astext().strip()]
    return images or html


def _in_cell(image: nodes.image) -> bool:
    node: Any = image
    while node is not None:
        if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output":
            return True
        node = node.parent
    return False


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(Figures)
