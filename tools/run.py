"""Run lectures in the profile `cpu` and keep their outputs.

    python tools/run.py                 what is stale
    python tools/run.py 10-vae 11-...   these, stale or not
    python tools/run.py --all           all
    python tools/run.py --verify        all, and nothing is written

No timestamps, no environment in the file: a second run writes the same bytes.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import keys  # noqa: E402
import pair  # noqa: E402

ASK = """import json as _j, sys as _s
from pathlib import Path as _P
import gm_utils.runtime as _r
_m = [_P(m.__file__).resolve() for n, m in list(_s.modules.items())
      if n.split(".")[0] == "gm_utils" and getattr(m, "__file__", None)]
_f = sorted({p.relative_to(_r.ROOT).as_posix() for p in _m} | _r._read)
try:
    import resource as _u
    _k = _u.getrusage(_u.RUSAGE_SELF).ru_maxrss // (1024 if _s.platform == "darwin" else 1)
except ImportError:  # Windows
    _k = 0
print(_j.dumps([_f, _k]))"""


def machine() -> str:
    """A class of machine, not a name: "2 cores, x86_64"."""
    return f"{os.cpu_count()} cores, {platform.machine()}"


def run(md: Path, *, write: bool = True) -> float:
    """Execute the notebook of `md` in profile cpu; returns the seconds. An error changes nothing."""
    path = md.with_suffix(".ipynb")
    nb = nbformat.read(path, 4)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    env = {**os.environ, "GM_PROFILE": "cpu", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0",
           "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}  # fmt: skip
    client = NotebookClient(nb, timeout=900, kernel_name="python3", record_timing=False,
                            resources={"metadata": {"path": str(path.parent)}})  # fmt: skip
    start = time.perf_counter()
    with client.setup_kernel(env=env):
        for i, cell in enumerate(nb.cells):
            client.execute_cell(cell, i)
        seconds = time.perf_counter() - start
        inputs, kilobytes = asked(client)
    if not write:
        return seconds
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        merge_streams(cell)
    gm = {"inputs": inputs, "profile": "cpu", "seconds": round(seconds), "machine": machine()}
    if kilobytes:
        gm["memory_mb"] = 100 * math.ceil(kilobytes / 102_400)
    nb.metadata["gm"] = nbformat.from_dict({"key": keys.key(nb, inputs), **gm})
    nb.metadata.pop("widgets", None)
    nb.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    pair.write(nb, path)
    return seconds


def asked(client: NotebookClient) -> tuple[list[str], int]:
    """The repository's files that the kernel has used, and its largest memory in kB (0 if unknown)."""
    client.nb.cells.append(nbformat.v4.new_code_cell(ASK))
    client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1)
    return json.loads(client.nb.cells.pop().outputs[0]["text"])


def merge_streams(cell: nbformat.NotebookNode) -> None:
    """Join neighbouring pieces of one stream: how it was cut depends on the clock."""
    out: list[nbformat.NotebookNode] = []
    for o in cell.get("outputs", []):
        if o.output_type == "stream" and out and out[-1].get("name") == o.name:
            out[-1].text += o.text
        else:
            out.append(o)
    if cell.cell_type == "code":
        cell.outputs = out


def main(argv: list[str]) -> int:
    names = [a for a in argv if not a.startswith("-")]
    verify = "--verify" in argv
    for md in pair.listed() if verify else pair.lectures():
        if not verify:
            pair.sync(md)
        asked_for = md.stem in names or verify or "--all" in argv
        why = "asked" if asked_for else None if names else keys.stale(md.with_suffix(".ipynb"))
        if why:
            print(f"{md.stem}: {why}", flush=True)
            print(f"{md.stem}: {run(md, write=not verify):.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
