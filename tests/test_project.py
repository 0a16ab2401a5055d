"""The project's own promises: pins that agree, one address, budgets of size, wheels that hold everything."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import keys  # noqa: E402
import pair  # noqa: E402
import start  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
MODULES = sorted(p for p in (ROOT / "gm_utils").rglob("*.py") if "problems" not in p.parts)


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("extra", ["book", "test"])
def test_constraints_pin_what_pyproject_asks_for(extra: str) -> None:
    for text in start.requirements(extra):
        need = Requirement(text)
        assert pins()[canonicalize_name(need.name)] in need.specifier, text


def test_the_site_needs_neither_torch_nor_the_package() -> None:
    names = {canonicalize_name(Requirement(r).name) for r in start.requirements("book")}
    assert not names & {"torch", "gm-utils", "scipy", "scikit-learn", "matplotlib"}


def test_conda_environment_is_the_same() -> None:
    env = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf8"))
    pip = next(d["pip"] for d in env["dependencies"] if isinstance(d, dict))
    assert "-e .[book,test]" in pip
    assert "--constraint constraints.txt" in pip
    python = next(d for d in env["dependencies"] if str(d).startswith("python="))
    assert Requirement("python" + PROJECT["requires-python"]).specifier.contains(python.split("=")[1])


def test_torch_stays_a_loose_lower_bound() -> None:
    torch = next(Requirement(r) for r in PROJECT["dependencies"] if r.startswith("torch"))
    assert {s.operator for s in torch.specifier} == {">="}


def test_the_address_stands_in_one_place(tmp_path: Path) -> None:
    """Changing it in _config.yml and syncing changes every copy, badge and set-up cell."""
    for path, text in pair.copies().items():
        assert path.read_text(encoding="utf8") == text, path.name
    for name in ("_config.yml", *pair.COPIES):
        shutil.copy(ROOT / name, tmp_path)
    config = (tmp_path / "_config.yml").read_text(encoding="utf8")
    old = pair.repository()
    (tmp_path / "_config.yml").write_text(config.replace(old["url"], "https://github.com/other/place"), encoding="utf8")
    new = pair.repository(tmp_path)
    assert all("https://github.com/other/place" in text for text in pair.copies(tmp_path).values())
    for md in pair.listed():
        text = md.read_text(encoding="utf8")
        assert pair.launch(text, md.stem, old) == text
        moved = pair.launch(text, md.stem, new)
        assert "colab.research.google.com/github/other/place/blob/main/notebooks/" + md.stem in moved
        assert f"git clone -q --depth 1 -b main {new['url']}" in moved
        assert old["url"] not in moved


def test_init_files_are_empty() -> None:
    for path in (ROOT / "gm_utils").rglob("__init__.py"):
        if path.parent.name != "metrics":
            assert path.read_text(encoding="utf8") == "", path


def test_modules_are_small() -> None:
    """400 lines a module with everything; 40 a function and 3,500 in all without comments and docstrings."""
    total = 0
    for path in MODULES:
        text = path.read_text(encoding="utf8")
        lines = text.splitlines()
        total += len(keys.stripped(text).splitlines())
        assert len(lines) <= 400, path
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                doc = ast.get_docstring(node, clean=False)
                size = node.end_lineno - node.lineno + 1 - (len(doc.splitlines()) if doc else 0)
                assert size <= 40, f"{path.name}: {node.name} has {size} lines"
    assert total <= 3500


def test_public_functions_say_what_they_do() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf8"))
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                arguments = [*node.args.args, *node.args.kwonlyargs]
                assert all(a.annotation for a in arguments), f"{path.name}: {node.name} lacks types"
                assert node.returns is not None, f"{path.name}: {node.name} lacks a return type"


def test_modules_import_torch_and_numpy_only() -> None:
    allowed = set(sys.stdlib_module_names) | {"torch", "numpy", "gm_utils"}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            assert {n.split(".")[0] for n in names} <= allowed, f"{path.name}: {names}"


def test_sizes() -> None:
    def weight(pattern: str) -> int:
        return sum(p.stat().st_size for p in ROOT.glob(pattern) if p.is_file())

    for path in ROOT.glob("checkpoints/*.safetensors"):
        assert path.stat().st_size <= 1_000_000, path
        assert path.with_suffix(".json").exists(), f"{path.name} has no card"
    made = weight("notebooks/*.ipynb") + weight("checkpoints/*") + weight("book/_static/problems/*")
    assert made <= 30_000_000


def test_the_wheel_holds_what_the_package_reads(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    copy = tmp_path / "source"
    shutil.copytree(ROOT / "gm_utils", copy / "gm_utils", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(copy)], check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for path in (ROOT / "gm_utils").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names, path


def test_workflows_run_the_readme_commands() -> None:
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        steps = [s for job in yaml.safe_load(path.read_text(encoding="utf8"))["jobs"].values() for s in job["steps"]]
        assert steps
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", s["uses"]) for s in steps if "uses" in s)
    assert "exec make test" in (ROOT / ".ci/run").read_text(encoding="utf8")
