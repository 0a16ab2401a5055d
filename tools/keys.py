"""Is a notebook's output that of the present code? Standard library only: the site asks it too.

The runner writes `gm = {key, inputs, profile, seconds, machine}` to a notebook's metadata. `inputs` are
the files of the repository that the run used: `gm_utils` modules, scripts, checkpoints. `key` hashes
them and the code cells, from the text without comments and docstrings, so that it can be computed
again without importing anything and is the same on every Python.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def stripped(source: str) -> str:
    """Python source without comments, docstrings and blank lines; other text as it is.

    Cut by position, not through `ast.unparse`, whose output differs between Python versions.
    """
    try:
        cuts = _docstrings(source) + _comments(source)
    except (SyntaxError, tokenize.TokenError):  # a magic, or a script in another language
        return source
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # ast counts bytes
    for (a, b), (c, d) in sorted(cuts, reverse=True):
        head, tail = lines[a - 1][:b], lines[c - 1][d:]
        lines[a - 1 : c] = [head + tail] + [b""] * (c - a)
    text = b"".join(lines).decode()
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def _docstrings(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    out = []
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, holders) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
            out.append(((first.lineno, first.col_offset), (first.end_lineno, first.end_col_offset)))
    return out


def _comments(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    def bytes_before(line: str, column: int) -> int:
        return len(line[:column].encode())

    return [
        ((t.start[0], bytes_before(t.line, t.start[1])), (t.end[0], bytes_before(t.line, t.end[1])))
        for t in tokenize.generate_tokens(io.StringIO(source).readline)
        if t.type == tokenize.COMMENT
    ]


def code_cells(notebook: dict) -> list[str]:
    """The sources of a notebook's code cells (nbformat JSON)."""
    cells = (c for c in notebook["cells"] if c["cell_type"] == "code")
    return ["".join(c["source"]) for c in cells]


def key(notebook: dict, inputs: list[str], root: Path = ROOT) -> str:
    """The hash of a notebook's code and of the files that it used (paths relative to `root`)."""
    h = hashlib.sha256()
    for source in code_cells(notebook):
        h.update(stripped(source).encode() + b"\0")
    for name in sorted(inputs):
        path = root / name
        data = path.read_bytes() if path.exists() else b"missing"
        if path.suffix == ".py":
            data = stripped(data.decode("utf8")).encode()
        elif path.suffix in (".js", ".css", ".json"):
            data = data.replace(b"\r\n", b"\n")
        h.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return h.hexdigest()[:16]


def stale(path: Path, root: Path = ROOT) -> str | None:
    """Why the outputs of the notebook at `path` are not those of its code, or None."""
    notebook = json.loads(Path(path).read_text(encoding="utf8"))
    gm = notebook["metadata"].get("gm")
    if not gm:
        return "never run by the book's runner"
    if gm["profile"] != "cpu":
        return f"run in profile {gm['profile']}, not cpu"
    missing = [name for name in gm["inputs"] if not (root / name).exists()]
    if missing:
        return f"{missing[0]} is gone"
    if gm["key"] != key(notebook, gm["inputs"], root):
        return "its code, or a file that it uses, has changed since it was run"
    return None
