"""A lecture's set-up cell in an environment like Colab's: other versions than ours, and nothing of ours installed.

The environment is a fresh one with numpy and matplotlib at other versions than constraints.txt has, torch and
the rest of what Colab has, without the small packages that it may lack, and with a stub of `google.colab`.
The repository is cloned from this checkout's last commit. Needs the package index, once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import colab  # noqa: E402
import pair  # noqa: E402

OTHER = ["numpy==2.2.6", "matplotlib==3.10.8"]
OURS = Path(sysconfig.get_paths()["purelib"])
HIDDEN = {"numpy", "matplotlib", "mpl_toolkits", "gm_utils", *colab.SMALL} - {"tqdm", "ipywidgets"}
SCRIPT = """
import json, sys
sys.path.insert(0, {stub!r})
import google.colab
import matplotlib
matplotlib.use("Agg")
space = {{"__name__": "__main__"}}
cells = json.loads(open({cells!r}, encoding="utf8").read())
for source in cells:
    exec(compile(source, "<cell>", "exec"), space)
import gm_utils
print("ran", len(cells), gm_utils.__file__)
"""


def quiet(command: list[str], **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colab's stand-in: `venv`, `stub`, and `repository.git` with this checkout's last commit as its main."""
    here = tmp_path_factory.mktemp("colab")
    quiet([sys.executable, "-m", "venv", str(here / "venv")])
    pip = [str(here / "venv/bin/python"), "-m", "pip", "install", "-q", "--no-deps", *OTHER]
    if subprocess.run(pip, capture_output=True).returncode and not os.environ.get("CI"):
        pytest.skip("no package index: the set-up cell was not tried")
    site = next((here / "venv/lib").glob("python3*/site-packages"))
    rest = here / "rest"
    rest.mkdir()
    for path in OURS.iterdir():
        name = path.name.split("-")[0].split(".")[0].lower()
        if name not in HIDDEN and path.suffix != ".pth" and not path.name.startswith(("pip", "_virtualenv")):
            (rest / path.name).symlink_to(path)
    (site / "rest.pth").write_text(str(rest))
    (here / "stub/google/colab").mkdir(parents=True)
    (here / "stub/google/colab/__init__.py").touch()
    quiet(["git", "clone", "-q", "--bare", str(ROOT), str(here / "repository.git")])
    quiet(["git", "-C", str(here / "repository.git"), "branch", "-f", pair.repository()["branch"], "HEAD"])
    return here


def versions(world: Path) -> dict[str, str]:
    listed = quiet([str(world / "venv/bin/python"), "-m", "pip", "list", "--format=json"])
    return {p["name"].lower(): p["version"] for p in json.loads(listed)}


@pytest.mark.parametrize("md", pair.listed(), ids=lambda md: md.stem)
def test_set_up_cell_and_lecture(world: Path, md: Path, tmp_path: Path) -> None:
    nb = json.loads(md.with_suffix(".ipynb").read_text(encoding="utf8"))
    cells = ["".join(c["source"]) for c in nb["cells"] if c["cell_type"] == "code"]
    (tmp_path / "cells.json").write_text(json.dumps(cells), encoding="utf8")
    script = SCRIPT.format(stub=str(world / "stub"), cells=str(tmp_path / "cells.json"))
    before = versions(world)
    assert before["numpy"] == "2.2.6"
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env |= {"GM_PROFILE": "smoke", "HOME": str(tmp_path), "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{world / 'repository.git'}.insteadOf",
            "GIT_CONFIG_VALUE_0": pair.repository()["url"]}  # fmt: skip
    out = quiet([str(world / "venv/bin/python"), "-c", script], cwd=tmp_path, env=env)
    folder = pair.repository()["folder"]
    assert f"ran {len(cells)} {tmp_path / folder}" in out, "the package comes from the clone"
    after = versions(world)
    assert {name: after.get(name) for name in before} == before, "nothing that was installed has changed"
    assert set(after) - set(before) <= set(colab.SMALL)
