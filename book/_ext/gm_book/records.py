"""What the notebooks' files say of themselves: title, checks, seconds, staleness."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sphinx.environment import BuildEnvironment


@functools.cache
def _load(path: str, time: float) -> dict[str, Any]:
    return json.loads(Path(path).read_text(encoding="utf8"))


def notebook(env: BuildEnvironment, docname: str) -> dict[str, Any] | None:
    """The notebook behind a page, or None if the page is not one."""
    path = Path(env.doc2path(docname))
    return _load(str(path), path.stat().st_mtime) if path.suffix == ".ipynb" else None


def lectures(env: BuildEnvironment) -> list[str]:
    """The pages that are notebooks, in the order of their names."""
    return sorted(d for d in env.found_docs if d.startswith("notebooks/") and notebook(env, d))


def title(book: dict[str, Any]) -> str:
    """The first heading of a notebook."""
    for cell in book["cells"]:
        found = (
            re.search(r"^# +(.+)$", "".join(cell["source"]), re.M)
            if cell["cell_type"] == "markdown"
            else None
        )
        if found:
            return found[1].strip()
    return "Untitled"


def checks(book: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """(index of the cell, record) of every check in a notebook's outputs."""
    return [
        (index, output["metadata"]["gm_check"])
        for index, cell in enumerate(book["cells"])
        for output in cell.get("outputs", [])
        if "gm_check" in output.get("metadata", {})
    ]


def stale(env: BuildEnvironment, docname: str) -> str | None:
    """Why a notebook's outputs are not those of its code; None where they are, or nothing can tell."""
    tell = _stale_function(str(env.srcdir))
    return tell(Path(env.doc2path(docname))) if tell and notebook(env, docname) else None


@functools.cache
def _stale_function(root: str) -> Callable[[Path], str | None] | None:
    path = Path(root) / "tools" / "keys.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("gm_keys", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return functools.partial(module.stale, root=Path(root))
