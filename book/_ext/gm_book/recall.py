"""Recall prompts for the review page: one script a lecture, and an index with its problems.

Links in a prompt's HTML are relative to `book/` (where the review page is) and to `notebooks/` alike.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from sphinx.application import Sphinx


def portable(text: str, page: str) -> str:
    """A prompt's HTML for another page: no ids, and links that name the lecture's page."""
    text = re.sub(r' id="[^"]*"', "", text)
    text = re.sub(r'href="#', f'href="{page}#', text)
    return re.sub(r'href="(?![a-z]+:|/|\.\./)', 'href="../notebooks/', text)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write `_static/recall/*.js` after a build of the site."""
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "_static" / "recall"
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for docname in sorted(d for d in app.env.found_docs if d.startswith("notebooks/")):
        name = docname.rpartition("/")[2]
        prompts = [
            {"id": item, **{part: portable(text, name + ".html") for part, text in parts.items()}}
            for item, parts in app.gm_kept.get(docname, {}).items()
        ]
        lecture = {"title": app.env.titles[docname].astext(), "url": docname + ".html"}
        slugs = app.env.metadata[docname].get("myst_slugs", {})
        problems = [key.upper() for key in slugs if key.startswith("p-")]
        index.append({"lecture": name, **lecture, "recall": len(prompts), "problems": problems})
        _call(folder / f"{name}.js", f'gmRecall("{name}",', {**lecture, "prompts": prompts})
    _call(folder / "index.js", "gmRecallIndex(", index)


def _call(path: Path, start: str, data: object) -> None:
    path.write_text(f"{start}{json.dumps(data, ensure_ascii=False)});\n", encoding="utf8")


def setup(app: Sphinx) -> None:
    """Register the writer."""
    app.connect("build-finished", write, priority=600)
