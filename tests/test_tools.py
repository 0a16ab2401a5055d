"""The tools: staleness keys, pairs of text and notebook, the runner, the start script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import keys  # noqa: E402
import pair  # noqa: E402
import run as runner  # noqa: E402
import start  # noqa: E402

import book  # noqa: E402

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
TEXT = HEADER + """# A lecture

```{code-cell} ipython3
import gm_utils.check
print(6 * 7)
```
"""


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("x = 1  # one\n", "x = 1\n"),
        ('def f():\n    """Doc."""\n    return 1\n', "def f():\n    return 1\n"),
        ('"""Module: ε ≥ 0."""\nx = "# no comment"\n', 'x = "# no comment"\n'),
        ('def f():\n    """Two\n    lines: ∫ dx."""\n    return "é"  # ünï\n', 'def f():\n    return "é"\n'),
        ("\n\nx = 1\n\n\ny = 2\n", "x = 1\ny = 2\n"),
        ('x = "ü"  # ü\n', 'x = "ü"\n'),
    ],
)
def test_comments_and_docstrings_do_not_count(a: str, b: str) -> None:
    assert keys.stripped(a) == keys.stripped(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("x = 1\n", "x = 2\n"),
        ('x = "a"\n', 'x = "b"\n'),
        ("def f():\n    return 1\n", "def f():\n    return 2\n"),
        ("x = '# a'\n", "x = '# b'\n"),
        ("if a:\n    b()\nc()\n", "if a:\n    b()\n    c()\n"),
    ],
)
def test_code_counts(a: str, b: str) -> None:
    assert keys.stripped(a) != keys.stripped(b)


def test_the_same_on_every_python_that_is_here() -> None:
    sources = [p.read_text(encoding="utf8") for p in sorted((ROOT / "gm_utils").rglob("*.py"))]
    mine = [keys.stripped(s) for s in sources]
    code = "import json, sys; sys.path.insert(0, sys.argv[1]); import keys; "
    code += "print(json.dumps([keys.stripped(s) for s in json.load(sys.stdin)]))"
    others = 0
    for name in ("python3.11", "python3.12", "python3.13"):
        if shutil.which(name):
            done = subprocess.run([name, "-c", code, str(ROOT / "tools")], input=json.dumps(sources), capture_output=True, text=True)
            if done.returncode == 0:
                others += 1
                assert json.loads(done.stdout) == mine, name
    if not others:
        pytest.skip("only one Python here")


def test_a_changed_input_makes_a_notebook_stale(tmp_path: Path) -> None:
    (tmp_path / "gm_utils").mkdir()
    module = tmp_path / "gm_utils/m.py"
    module.write_text("x = 1  # one\n")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    nb.metadata["gm"] = {"key": keys.key(nb, ["gm_utils/m.py"], tmp_path), "inputs": ["gm_utils/m.py"], "profile": "cpu"}
    path = tmp_path / "a.ipynb"
    nbformat.write(nb, path)
    assert keys.stale(path, tmp_path) is None
    module.write_text('"""Only words."""\nx = 1\n')
    assert keys.stale(path, tmp_path) is None
    module.write_text("x = 2\n")
    assert "changed" in keys.stale(path, tmp_path)
    module.unlink()
    assert "gone" in keys.stale(path, tmp_path)
    nb.metadata["gm"]["profile"] = "smoke"
    nbformat.write(nb, path)
    assert "smoke" in keys.stale(path, tmp_path)


# --- pairs and the runner -----------------------------------------------------------------------


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    md = tmp_path / "01-small.md"
    md.write_text(TEXT)
    pair.sync(md)
    return md


def test_sync_is_stable_and_keeps_outputs(lecture: Path) -> None:
    path = lecture.with_suffix(".ipynb")
    runner.run(lecture)
    before = path.read_bytes()
    assert not pair.sync(lecture)
    lecture.write_text(TEXT.replace("A lecture", "Another title"))
    assert pair.sync(lecture)
    nb = nbformat.read(path, 4)
    assert nb.cells[1].outputs[0].text == "42\n"
    lecture.write_text(TEXT)
    pair.sync(lecture)
    assert path.read_bytes() == before
    assert pair.problems(lecture) == []


def test_running_twice_writes_the_same_bytes(lecture: Path) -> None:
    path = lecture.with_suffix(".ipynb")
    runner.run(lecture)
    first = json.loads(path.read_text())
    runner.run(lecture)
    second = json.loads(path.read_text())
    for nb in (first, second):
        nb["metadata"]["gm"].pop("seconds")
        assert 50 < nb["metadata"]["gm"].pop("memory_mb") < 10_000
    assert first == second
    assert "gm_utils/check.py" in first["metadata"]["gm"]["inputs"]
    assert not re.search(r"iopub|\d{4}-\d\d-\d\dT", json.dumps(first))


def test_an_error_changes_nothing(lecture: Path) -> None:
    runner.run(lecture)
    lecture.write_text(TEXT.replace("6 * 7", "6 / 0"))
    pair.sync(lecture)
    before = lecture.with_suffix(".ipynb").read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        runner.run(lecture)
    assert lecture.with_suffix(".ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda nb: nb.cells.pop(), "cells in the text"),
        (lambda nb: nb.cells[1].update(source="print(43)"), "cell 1 differs"),
        (lambda nb: nb.cells[1].metadata.update(tags=["hide-nothing"]), "unknown tag"),
        (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="v")), "is an error"),
        (lambda nb: nb.metadata.pop("gm"), "never run"),
        (
            lambda nb: nb.cells[1].outputs.append(
                nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})
            ),
            "live widget",
        ),
    ],
)
def test_check_finds_what_is_planted(lecture: Path, plant, message: str) -> None:
    runner.run(lecture)
    path = lecture.with_suffix(".ipynb")
    assert pair.problems(lecture) == []
    nb = nbformat.read(path, 4)
    plant(nb)
    nbformat.write(nb, path)
    assert any(message in line for line in pair.problems(lecture)), pair.problems(lecture)


def test_text_survives_a_round_trip() -> None:
    for md in pair.lectures():
        nb = jupytext.read(md, fmt="md:myst")
        again = jupytext.reads(jupytext.writes(nb, fmt="md:myst"), fmt="md:myst")
        assert [pair.plain(a) for a in nb.cells] == [pair.plain(b) for b in again.cells], md.name


def test_listed_pairs_agree() -> None:
    assert [line for md in pair.listed() for line in pair.problems(md)] == []


# --- start: the two commands --------------------------------------------------------------------


def command(*args: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(cwd / "tools/start.py"), *args], capture_output=True, text=True, env={**os.environ, **env}
    )


def test_help_names_every_target() -> None:
    text = command("help").stdout
    phony = re.search(r"\.PHONY: (.*)", (ROOT / "Makefile").read_text())[1].split()
    assert set(phony) - {"help"} <= set(re.findall(r"make (\w+)", text))


def test_a_wrong_command_is_one_line() -> None:
    done = command("boook")
    assert done.returncode == 1
    assert done.stderr.startswith("no command 'boook'")
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_python_is_one_line() -> None:
    code = "import sys; sys.version_info = (3, 9, 1); sys.argv = ['start', 'book']; "
    code += f"exec(compile(open({str(ROOT / 'tools/start.py')!r}).read(), 'start', 'exec'), {{'__file__': 'tools/start.py', '__name__': '__main__'}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.9 will not do")
    assert "make book PYTHON=" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "UNFINISHED", tmp_path / ".venv/gm-unfinished")
    monkeypatch.setattr(start.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 2**20))
    with pytest.raises(start.Stop, match=r"1 MB are free on this disk, `book` needs about \d+: make room"):
        start.ensure("book")
    assert not (tmp_path / ".venv").exists()


def test_an_interrupted_install_starts_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    monkeypatch.setattr(start, "VENV", venv)
    monkeypatch.setattr(start, "UNFINISHED", venv / "gm-unfinished")
    calls = []

    def fake(command: list[str], sorry: str) -> None:
        calls.append(command)
        if "venv" in command:
            start.venv_python().parent.mkdir(parents=True, exist_ok=True)
            start.venv_python().touch()
        elif "install" in command and broken:
            raise start.Stop(sorry)

    monkeypatch.setattr(start, "run", fake)
    monkeypatch.setattr(start, "put_on_path", lambda: None)
    broken = True
    with pytest.raises(start.Stop, match="did not finish"):
        start.ensure("book")
    (venv / "half-a-package").touch()
    broken = False
    start.ensure("book")
    assert not (venv / "half-a-package").exists()
    assert (venv / "gm-book.stamp").exists()
    calls.clear()
    start.ensure("book")
    assert not calls, "with nothing changed nothing is installed"


def test_a_port_in_use(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code = "import sys; sys.path.insert(0, 'tools'); import book; sys.exit(book.serve())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PORT": port})
    assert done.returncode == 1
    assert done.stdout.strip() == f"Port {port} is in use: choose another one, as in `make book PORT=8123`."


def test_the_site_is_served(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, 'tools'); import book; from pathlib import Path; "
    code += f"book.BUILD = Path({str(tmp_path)!r}); sys.exit(book.serve())"
    (tmp_path / "html").mkdir()
    (tmp_path / "html/index.html").write_text("<title>here</title>")
    env = {k: v for k, v in os.environ.items() if k != "PORT"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env) as server:
        try:
            url = re.search(r"http://\S+", server.stdout.readline())[0]
            time.sleep(0.1)
            with urllib.request.urlopen(url, timeout=5) as page:
                assert b"here" in page.read()
        finally:
            server.terminate()


def test_nothing_changed_builds_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(book, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(book, "BUILD", tmp_path)
    (tmp_path / "stamp").write_text(book.inputs())
    monkeypatch.setattr(book.subprocess, "run", lambda *a, **k: pytest.fail("it built"))
    start_time = time.perf_counter()
    assert book.build() == 0
    assert time.perf_counter() - start_time < 5
    assert "up to date" in capsys.readouterr().out
