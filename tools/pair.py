"""Each lecture is a pair: NN-name.md, which people edit, and NN-name.ipynb, which holds the outputs.

    python tools/pair.py sync    write the .ipynb from the .md, keeping the outputs of unchanged cells,
                                 and bring every copy of the repository's address up to date with _config.yml
    python tools/pair.py check   say what differs; exit 1 if anything does

jupytext reads and writes the text; file times decide nothing.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import keys  # noqa: E402

FIELDS = ("tags", "mystnb")  # the cell metadata that the text keeps
TAGS = {"setup", "hide-input", "hide-cell", "remove-input", "nbval-check-output", "raises-exception"}
SETUP = '''import subprocess
import sys

if "google.colab" in sys.modules:  # elsewhere this cell does nothing
    subprocess.run("test -d {folder} || git clone -q --depth 1 -b {branch} {url}", shell=True, check=True)
    subprocess.run([sys.executable, "{folder}/tools/colab.py"], check=True)
    sys.path.insert(0, "{folder}")'''
COPIES = {  # where else the address stands: the part before it in the line
    "README.md": r"(git clone )\S+",
    "CITATION.cff": r"(repository-code: )\S+",
    "pyproject.toml": r"(Repository = )\S+",
}
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


def lectures(folder: Path = ROOT / "notebooks") -> list[Path]:
    """The text files of all lectures, in order."""
    return sorted(folder.glob("[0-9][0-9]-*.md"))


def listed(root: Path = ROOT) -> list[Path]:
    """The text files of the lectures that _toc.yml lists: those that are done."""
    names = re.findall(r"file:\s*notebooks/([\w-]+)", (root / "_toc.yml").read_text(encoding="utf8"))
    return [root / "notebooks" / f"{name}.md" for name in names]


def repository(root: Path = ROOT) -> dict[str, str]:
    """The repository's address and branch, which stand in `_config.yml` alone."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf8"))["repository"]
    url = config["url"].rstrip("/")
    return {"url": url, "branch": config["branch"], "folder": url.rsplit("/", 1)[1]}


def launch(text: str, name: str, repo: dict[str, str]) -> str:
    """The lecture's text with the badge and the set-up cell that the repository's address gives."""
    slug = repo["url"].split("github.com/")[-1]
    link = f"https://colab.research.google.com/github/{slug}/blob/{repo['branch']}/notebooks/{name}.ipynb"
    text = re.sub(re.escape(BADGE) + r"\([^)]*\)", f"{BADGE}({link})", text)
    cell = re.compile(r"(```\{code-cell\} ipython3\n:tags: \[setup[^\n]*\]\n\n).*?(\n```)", re.S)
    return cell.sub(lambda m: m[1] + SETUP.format(**repo) + m[2], text)


def copies(root: Path = ROOT) -> dict[Path, str]:
    """The files that repeat the repository's address, as they should read."""
    url, out = repository(root)["url"], {}
    for name, before in COPIES.items():
        text = (root / name).read_text(encoding="utf8")
        quoted = f'"{url}"' if name.endswith(".toml") else url
        out[root / name] = re.sub(before, lambda m, q=quoted: m[1] + q, text)
    return out


def plain(cell: nbformat.NotebookNode) -> tuple:
    """What the two files must agree on, cell by cell."""
    meta = {k: cell.metadata[k] for k in FIELDS if cell.metadata.get(k)}
    return cell.cell_type, cell.source.rstrip(), meta


def sync(md: Path) -> bool:
    """Write the .ipynb of `md`; outputs stay where the cell's source is unchanged. True if it changed."""
    text = md.read_text(encoding="utf8")
    new_text = launch(text, md.stem, repository())
    if new_text != text:
        md.write_text(new_text, encoding="utf8")
    nb = jupytext.reads(new_text, fmt="md:myst")
    path = md.with_suffix(".ipynb")
    old = nbformat.read(path, 4) if path.exists() else None
    kept = {c.source.rstrip(): c for c in reversed(old.cells) if c.cell_type == "code"} if old else {}
    for i, cell in enumerate(nb.cells):
        cell.id = f"c{i:03d}"
        cell.metadata = nbformat.from_dict({k: cell.metadata[k] for k in FIELDS if cell.metadata.get(k)})
        if cell.cell_type == "code" and cell.source.rstrip() in kept:
            cell.outputs = kept[cell.source.rstrip()].outputs
            cell.execution_count = kept[cell.source.rstrip()].execution_count
    nb.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        **({"gm": old.metadata["gm"]} if old and "gm" in old.metadata else {}),
    })
    return write(nb, path)


def write(nb: nbformat.NotebookNode, path: Path) -> bool:
    """Write a notebook with stable bytes; True if the file changed."""
    nb.nbformat, nb.nbformat_minor = 4, 5
    text = nbformat.writes(nb, version=4) + "\n"
    if path.exists() and path.read_text(encoding="utf8") == text:
        return False
    path.write_text(text, encoding="utf8")
    return True


def problems(md: Path) -> list[str]:
    """What is wrong with a pair: sources that differ, stale or failed outputs, unknown tags."""
    path = md.with_suffix(".ipynb")
    if not path.exists():
        return [f"{md.name}: has no notebook; run `make sync`"]
    text, nb = jupytext.read(md, fmt="md:myst"), nbformat.read(path, 4)
    out = []
    if launch(md.read_text(encoding="utf8"), md.stem, repository()) != md.read_text(encoding="utf8"):
        out.append("its badge or set-up cell is not that of _config.yml; run `make sync`")
    if len(text.cells) != len(nb.cells):
        out.append(f"{len(text.cells)} cells in the text, {len(nb.cells)} in the notebook; run `make sync`")
    for i, (a, b) in enumerate(zip(text.cells, nb.cells, strict=False)):
        if plain(a) != plain(b):
            out.append(f"cell {i} differs: {a.source[:60]!r}; run `make sync`")
            break
    for cell in nb.cells:
        unknown = set(cell.metadata.get("tags", [])) - TAGS
        if unknown:
            out.append(f"unknown tag {', '.join(sorted(unknown))}; known are {', '.join(sorted(TAGS))}")
        for o in cell.get("outputs", []):
            if o.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                out.append(f"an output is an error: {o.ename}: {o.evalue[:80]}")
            if "application/vnd.jupyter.widget-view+json" in o.get("data", {}):
                out.append("an output is a live widget; it shows nothing without a kernel")
    why = keys.stale(path)
    if why:
        out.append(f"its outputs are stale: {why}; run `make run`")
    return [f"{md.name}: {line}" for line in out]


def main(command: str = "check") -> int:
    wrong = {path: text for path, text in copies().items() if path.read_text(encoding="utf8") != text}
    if command == "sync":
        for path, text in wrong.items():
            path.write_text(text, encoding="utf8")
        for md in lectures():
            print(f"{md.stem}: {'written' if sync(md) else 'unchanged'}")
        return 0
    found = [line for md in listed() for line in problems(md)]
    found += [f"{path.name}: its address is not that of _config.yml; run `make sync`" for path in wrong]
    print("\n".join(found) or f"{len(listed())} pairs agree")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
