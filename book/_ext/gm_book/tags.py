"""One docutils node for every HTML element that the book adds, and one for a link to be resolved late."""

from __future__ import annotations

import html
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

INLINE = {"a", "b", "dd", "dt", "figcaption", "h3", "p", "span", "summary", "td", "th"}


class Tag(nodes.General, nodes.TextElement):
    """An HTML element, made by `tag`: `tag` is its name, `html` its attributes.

    An id goes into `ids`, so that docutils and Sphinx know it. `keep` names the place where the
    written HTML of its children is kept for other pages (recall cards). A text element, since Sphinx
    writes references in nothing else.
    """


class Link(nodes.Inline, nodes.TextElement):
    """A link to `anchor` on the page `docname`, made a reference once the builder is known."""


def tag(name: str, css: str = "", *children: nodes.Node, **attributes: str) -> Tag:
    """The element `name` with a class: `tag("div", "gm-check", nodes.Text("…"), data_kind="…")`."""
    given = {"class": css} if css else {}
    return Tag(
        "", "", *children, tag=name, html=given | {k.replace("_", "-"): v for k, v in attributes.items()}
    )


def _visit(self: Any, node: Tag) -> None:
    given = dict(node["html"])
    if node["ids"]:
        given = {"id": node["ids"][0], **given}
    text = "".join(f' {key}="{html.escape(value)}"' if value else f" {key}" for key, value in given.items())
    extra = "".join(f'<span id="{i}"></span>' for i in node["ids"][1:])
    self.body.append(f"<{node['tag']}{text}>{extra}" + ("" if node["tag"] in INLINE else "\n"))
    node["start"] = len(self.body)


def _depart(self: Any, node: Tag) -> None:
    if "keep" in node:
        page, item, part = node["keep"]
        kept = self.builder.app.gm_kept.setdefault(page, {}).setdefault(item, {})
        kept[part] = "".join(self.body[node["start"] :]).strip()
    self.body.append(f"</{node['tag']}>" + ("" if node["tag"] in INLINE - {"p"} else "\n"))


class Links(SphinxPostTransform):
    """Turns `Link` into a reference that is right for the present builder."""

    default_priority = 50

    def run(self, **kwargs: Any) -> None:
        here = self.env.docname
        for node in list(self.document.findall(Link)):
            there, anchor = node["docname"], node.get("anchor", "")
            if there == here and anchor:
                new = nodes.reference("", "", *node.children, internal=True, refid=anchor)
            else:
                uri = self.app.builder.get_relative_uri(here, there)
                uri += f"#{anchor}" if anchor else ""
                new = nodes.reference("", "", *node.children, internal=True, refuri=uri)
            new["classes"] += node["classes"]
            node.replace_self(new)


def setup(app: Sphinx) -> None:
    """Register the two nodes."""
    app.gm_kept = {}  # type: ignore[attr-defined]
    app.add_node(Tag, html=(_visit, _depart))
    app.add_node(Link)
    app.add_post_transform(Links)
