"""Code cells: an id to link to, check lines, the Colab badge, and a line where outputs are stale."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from gm_book import records
from gm_book.tags import Tag, tag

LOG = logging.getLogger(__name__)
MARKS = ("✓ ", "· ")
LINE = re.compile(r"^([✓·]) (.*?)(?: (\([^()]*(?:\([^()]*\)[^()]*)*\)))?( not asserted at this size)?$")


def anchor(docname: str, index: int, builder: str = "html") -> str:
    """The id of a notebook's cell: `cell-12`; on the single page the lecture's name is in it."""
    return f"cell-{index}" if builder != "singlehtml" else f"cell-{docname.rpartition('/')[2]}-{index}"


def pages_of(document: nodes.document) -> dict[int, str]:
    """The page that a box came from, by the box's id(), where the builder has put all pages into one.

    (The builder leaves the parents of what it moves as they were, so this goes from the top.)
    """
    files = document.findall(addnodes.start_of_file)
    return {id(box): file["docname"] for file in files for box in file.findall(nodes.container)}


class Cells(SphinxPostTransform):
    """Gives every code cell its id, and checks their calm look."""

    default_priority = 12
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        pages = pages_of(self.document)
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") == "cell_code":
                docname = pages.get(id(cell), self.env.docname)
                cell["ids"].append(anchor(docname, cell["cell_index"], self.app.builder.name))
                for block in list(cell.findall(nodes.literal_block)):
                    lines = block.astext().strip().split("\n")
                    if all(line.startswith(MARKS) for line in lines):
                        known = self._known(docname)
                        block.replace_self(
                            tag("div", "gm-checks", *[check_line(line, known) for line in lines])
                        )
                    elif re.search(r"\S  +\S", block.astext()) and "\n" in block.astext():
                        block["classes"].append("gm-columns")
                self._gather(cell)
                self._name(cell)

    def _known(self, docname: str) -> dict[str, dict[str, Any]]:
        book = records.notebook(self.env, docname)
        return {f"{r['claim']}: {r['values']}": r for _, r in records.checks(book)} if book else {}

    def _name(self, cell: nodes.container) -> None:
        """Say what a folded cell holds, where it is not just code."""
        if cell.get("hide_mode") == "all":
            checks = any(t["html"].get("class") == "gm-checks" for t in cell.findall(Tag))
            what = "the set-up" if "tag_setup" in cell["classes"] else "the checks" if checks else "the code"
            cell["prompt_show"], cell["prompt_hide"] = f"Show {what}", f"Hide {what}"

    def _gather(self, cell: nodes.container) -> None:
        """Put neighbouring checks into one box."""
        for box in [t for t in cell.findall(Tag) if t["html"].get("class") == "gm-checks"]:
            parent = box.parent
            index = parent.index(box)
            if (
                index
                and isinstance(parent[index - 1], Tag)
                and parent[index - 1]["html"].get("class") == "gm-checks"
            ):
                parent[index - 1].extend(box.children)
                parent.remove(box)


def check_line(line: str, known: dict[str, dict[str, Any]]) -> Tag:
    """A check's line in parts: tick, claim, values, where the expected value comes from."""
    found = LINE.match(line)
    mark, said, source, note = found[1], found[2], found[3] or "", found[4] or ""
    record = known.get(said)
    claim, values = (record["claim"], record["values"]) if record else (said, "")
    parts = [tag("span", "gm-tick", nodes.Text(mark)), nodes.Text(f" {claim}")]
    if values:
        parts += [nodes.Text(": "), tag("span", "gm-values", nodes.Text(values))]
    if source:
        parts += [
            nodes.Text(" "),
            tag("span", "gm-source", nodes.Text(source.strip("()") if not values else source[1:-1])),
        ]
    if note:
        parts.append(tag("span", "gm-source", nodes.Text(note)))
    return tag("p", "gm-check" + ("" if mark == "✓" else " gm-check-open"), *parts)


def badge(app: Sphinx, document: nodes.document) -> None:
    """A picture from another host becomes words: the Colab badge a link, anything else a warning."""
    for image in list(document.findall(nodes.image)):
        if not re.match(r"https?:", image["uri"]):
            continue
        link = image.parent
        if isinstance(link, nodes.reference) and "colab" in image["uri"]:
            link.children = []
            link += nodes.Text("Open in Colab")
            link["classes"].append("gm-colab")
        else:
            LOG.warning(
                "a picture from another host: %s", image["uri"], location=link, type="gm", subtype="host"
            )


def mark_stale(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Say at the top of the page that its outputs are older than its code."""
    why = records.stale(app.env, pagename) if doctree is not None else None
    if why:
        said = html.escape(f"The outputs on this page are not those of its present code: {why}.")
        note = f'</h1>\n<p class="gm-stale" role="note">{said}</p>'
        context["body"] = context["body"].replace("</h1>", note, 1)
        LOG.info("stale: %s: %s", pagename, why)


def setup(app: Sphinx) -> None:
    """Register the transform and the two handlers."""
    app.add_post_transform(Cells)
    app.connect("doctree-read", badge)
    app.connect("html-page-context", mark_stale)
