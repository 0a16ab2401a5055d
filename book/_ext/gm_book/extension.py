"""The book's Sphinx extension: what makes the lectures' plain Markdown a designed page.

Each module is one idea and has its own `setup`; the order of the steps is their priority.
Standard library, docutils and Sphinx only (KaTeX runs in `mini-racer`, fonts are cut by `fontTools`).
"""

from __future__ import annotations

from sphinx.application import Sphinx

from gm_book import blocks, cells, chunks, figures, finish, links, maths, pages, recall, tags


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything; called by Sphinx."""
    app.add_config_value("comments_config", {}, "env")  # jupyter-book sets it; sphinx_comments is not loaded
    for module in (tags, maths, blocks, links, figures, cells, chunks, recall, pages, finish):
        module.setup(app)
    app.connect("builder-inited", _single_page)
    # recall cards and the checks page gather over all documents
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def _single_page(app: Sphinx) -> None:
    """Let the single page (for the PDF) be written by the handlers of "html".

    Some extensions register nodes for "singlehtml" alone, which hides every handler for "html".
    """
    handlers = app.registry.translation_handlers
    if "singlehtml" in handlers:
        handlers["singlehtml"] = {**handlers.get("html", {}), **handlers["singlehtml"]}
