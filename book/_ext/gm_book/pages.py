"""Directives for the pages under `book/`: the checks, what the lectures cost, the map of the models."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from gm_book import cells, records
from gm_book.blocks import inline
from gm_book.tags import Link, tag

KINDS = ("closed form", "quadrature", "autograd", "another library", "Monte Carlo")


def link(docname: str, text: str, anchor: str = "") -> Link:
    """A link to a page of the book, or to a place on it."""
    return Link("", "", *inline(text), docname=docname, anchor=anchor)


def table(css: str, head: list[str], rows: list[list[nodes.Node | str]]) -> nodes.Node:
    """A plain HTML table that scrolls sideways where it is too wide."""

    def cells_of(name: str, row: list[nodes.Node | str], **given: str) -> list[nodes.Node]:
        return [tag(name, "", nodes.Text(c) if isinstance(c, str) else c, **given) for c in row]

    top = tag("thead", "", tag("tr", "", *cells_of("th", list(head), scope="col")))
    body = tag("tbody", "", *[tag("tr", "", *cells_of("td", row)) for row in rows])
    return tag("div", "gm-wide-table gm-scroll", tag("table", css, top, body))


class Checks(SphinxDirective):
    """`{gm-checks}`: every check of every lecture, with a link to its cell, and how many of each kind."""

    def run(self) -> list[nodes.Node]:
        found = {d: records.checks(records.notebook(self.env, d)) for d in records.lectures(self.env)}
        found = {d: checks for d, checks in found.items() if checks}
        if not found:
            return [
                tag("p", "gm-none", nodes.Text("No lecture with checks is in this copy of the book yet."))
            ]
        kinds = Counter(r["kind"] for checks in found.values() for _, r in checks)
        trained = sum(r["trained"] for checks in found.values() for _, r in checks)
        rows = [
            [kind, str(kinds[kind])] for kind in (*KINDS, *sorted(set(kinds) - set(KINDS))) if kinds[kind]
        ]
        rows += [["All", str(kinds.total())], ["of these on a trained model", str(trained)]]
        out = [table("gm-counts", ["The expected value comes from", "Checks"], rows)]
        return out + [self._lecture(d, checks) for d, checks in found.items()]

    def _lecture(self, docname: str, checks: list[tuple[int, dict[str, Any]]]) -> nodes.section:
        name = records.title(records.notebook(self.env, docname))
        slug = "checks-" + docname.rpartition("/")[2]
        section = nodes.section("", ids=[slug], names=[slug])
        section += nodes.title("", "", *inline(name))
        count = f"{len(checks)} check{'s' if len(checks) != 1 else ''}, in the order of the lecture."
        section += nodes.paragraph("", count)
        box = tag("ol", "gm-checked")
        for index, record in checks:
            where = cells.anchor(docname, index, self.env.app.builder.name)
            tolerance = f"±{record['tol']:.2g}" if record["tol"] else ""
            parts = (record["kind"], tolerance, record["why"], "trained" if record["trained"] else "")
            claim = Link("", "", nodes.Text(record["claim"]), docname=docname, anchor=where)
            values = tag("span", "gm-values", nodes.Text(record["values"]))
            source = tag("span", "gm-source", nodes.Text(", ".join(part for part in parts if part)))
            box += tag("li", "", claim, nodes.Text(" "), values, nodes.Text(" "), source)
        section += box
        return section


class Costs(SphinxDirective):
    """`{gm-costs}`: seconds and memory of each lecture, as the book's runner measured them."""

    def run(self) -> list[nodes.Node]:
        rows: list[list[nodes.Node | str]] = []
        for docname in records.lectures(self.env):
            book = records.notebook(self.env, docname)
            gm = book["metadata"].get("gm")
            if gm:
                rows.append(
                    [
                        link(docname, records.title(book)),
                        f"{gm['seconds']:.0f} s",
                        f"{gm['memory_mb']} MB" if "memory_mb" in gm else "not measured",
                        str(gm["machine"]),
                    ]
                )
        if not rows:
            return [
                tag("p", "gm-none", nodes.Text("No lecture in this copy of the book has been timed yet."))
            ]
        return [table("gm-costs", ["Lecture", "Time in cpu", "Memory", "Measured on"], rows)]


class Family(SphinxDirective):
    """`{gm-family} NAME`: a card of the map. Lectures that exist are links, the others are in preparation."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {
        "picture": directives.unchanged_required,
        "alt": directives.unchanged,
        "likelihood": directives.unchanged_required,
        "sampling": directives.unchanged_required,
        "lectures": directives.unchanged_required,  # 10-vae: Variational autoencoders; 11-…
    }

    def run(self) -> list[nodes.Node]:
        text = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, text)
        facts = tag("dl", "gm-family-facts")
        for name in ("likelihood", "sampling"):
            if name in self.options:
                said = inline(self.options[name])
                facts += tag("div", "", tag("dt", "", nodes.Text(name.capitalize())), tag("dd", "", *said))
        head = tag("h3", "gm-family-title", *inline(self.arguments[0]))
        parts = [self._picture(), tag("div", "gm-family-text", head, *text.children, facts, self._lectures())]
        return [tag("div", "gm-family", *parts)]

    def _lectures(self) -> nodes.Node:
        box = tag("ul", "gm-family-lectures")
        for entry in self.options["lectures"].split(";"):
            name, _, words = (part.strip() for part in entry.partition(":"))
            docname = f"notebooks/{name}"
            if docname in self.env.found_docs:
                box += tag("li", "", link(docname, words))
            else:
                box += tag(
                    "li", "gm-planned", nodes.Text(words), tag("span", "", nodes.Text(" in preparation"))
                )
        return box

    def _picture(self) -> nodes.Node:
        """The book's own picture if it is there (`_static/map/vae.webp`), else the pictogram."""
        name, folder = self.options["picture"], Path(self.env.srcdir) / "book" / "_static" / "map"
        real = next((f for end in ("webp", "png") if (f := folder / f"{name}.{end}").exists()), None)
        if real:
            image = nodes.image(uri=f"/book/_static/map/{real.name}", alt=self.options.get("alt", ""))
            image["candidates"] = {"*": image["uri"]}
            source = f"_static/map/{real.name}"
            up = "../" * self.env.docname.count("/")
            return tag(
                "div", "gm-family-picture", tag("img", "", src=up + source, alt=self.options.get("alt", ""))
            )
        drawn = (folder / f"{name}.svg").read_text(encoding="utf8")
        return tag("div", "gm-family-picture", nodes.raw("", re.sub(r"\s*\n\s*", "", drawn), format="html"))


class Art(SphinxDirective):
    """`{gm-art} hero`: a drawing of `_static/map/`, in the page, so that it follows light and dark."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "book" / "_static" / "map" / f"{self.arguments[0]}.svg"
        return [nodes.raw("", re.sub(r"\s*\n\s*", "", path.read_text(encoding="utf8")), format="html")]


class Start(SphinxRole):
    """{gm-start}`10-vae: Start with the VAE`: a link to a lecture, or the words that it is in preparation."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name, _, words = (part.strip() for part in self.text.partition(":"))
        if f"notebooks/{name}" in self.env.found_docs:
            return [link(f"notebooks/{name}", words)], []
        return [tag("span", "gm-planned", nodes.Text("The first lecture is in preparation"))], []


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("gm-checks", Checks)
    app.add_directive("gm-costs", Costs)
    app.add_directive("gm-family", Family)
    app.add_directive("gm-art", Art)
    app.add_role("gm-start", Start())
