"""The book's commands, for a machine that has Python and nothing else.

    python tools/start.py book     make the site in _build/html and serve it
    python tools/start.py test     every test, as CI runs them
    python tools/start.py help     the others

Standard library only. The virtual environment is `.venv` beside this folder; it is made on first use,
completed when pyproject.toml or constraints.txt change, and made again if an install was interrupted.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

if not (3, 11) <= sys.version_info[:2] <= (3, 13):  # before anything that an older Python cannot read
    sys.exit(
        f"Python {sys.version_info[0]}.{sys.version_info[1]} will not do; this book needs 3.11 to 3.13. "
        "Say which to use: make book PYTHON=python3.12"
    )

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
UNFINISHED = VENV / "gm-unfinished"
NEED_MB = {"book": 900, "test": 6000, "bench": 7000}

# name: (what the environment must hold, what runs in it, a line of help)
COMMANDS = {
    "book": ("book", ["tools/book.py"], "make the site and serve it (SERVE=0: only make, RUN=1: run first)"),
    "test": ("test", ["tools/test.py"], "every test, as CI runs them"),
    "run": ("test", ["tools/run.py"], "run the lectures whose outputs are stale (profile cpu)"),
    "verify": ("test", ["tools/run.py", "--verify"], "run every lecture in cpu, write nothing"),
    "sync": ("book", ["tools/pair.py", "sync"], "write notebooks from their text, badges from _config.yml"),
    "problems": ("test", ["tools/problems.py"], "write the variants of the exam problems"),
    "lab": ("lab", ["-m", "jupyter", "lab", "notebooks"], "open the lectures in JupyterLab"),
    "bench": ("bench", ["-m", "benchmarks"], "our figures beside the peers'"),
    "lint": ("test", ["-m", "ruff", "check", "."], "ruff"),
}


class Stop(Exception):
    """One line that says what is wrong and what to do."""


def requirements(extra: str) -> list[str]:
    """The packages of an extra, as pyproject.toml lists them; `book` needs no package of ours."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    extras = project["optional-dependencies"]
    if extra == "book":
        return extras["book"]
    rest = [] if extra == "test" else extras[extra]
    return [*project["dependencies"], *extras["book"], *extras["test"], *rest]


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def digest(names: list[str]) -> str:
    text = "\n".join([*names, (ROOT / "constraints.txt").read_text(encoding="utf8"), sys.version.split()[0]])
    return hashlib.sha256(text.encode()).hexdigest()


def ensure(extra: str) -> None:
    """Make or complete `.venv` so that it holds `extra`. An install that was cut is begun again."""
    names = requirements(extra)
    stamp, want = VENV / f"gm-{extra}.stamp", digest(names)
    if stamp.exists() and stamp.read_text(encoding="utf8") == want and not UNFINISHED.exists():
        return
    free, need = shutil.disk_usage(ROOT).free // 2**20, NEED_MB.get(extra, NEED_MB["test"])
    if free < need:
        raise Stop(f"{free} MB are free on this disk, `{extra}` needs about {need}: make room and run again")
    if UNFINISHED.exists():
        shutil.rmtree(VENV)
    print(f"Installing what `{extra}` needs into {VENV.name} (once) ...", flush=True)
    if not venv_python().exists():
        sorry = "could not make a virtual environment; on Debian or Ubuntu: apt install python3-venv"
        run([sys.executable, "-m", "venv", str(VENV)], sorry)
    UNFINISHED.touch()
    pip = [str(venv_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = ["--prefer-binary", "-c", str(ROOT / "constraints.txt")]
    run([*pip, *pins, *names], "the install did not finish; if the network failed, run it again")
    put_on_path()
    stamp.write_text(want, encoding="utf8")
    UNFINISHED.unlink()


def put_on_path() -> None:
    """Let notebooks import gm_utils from this checkout, without installing it."""
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    found = subprocess.run([str(venv_python()), "-c", code], capture_output=True, text=True, check=True)
    Path(found.stdout.strip(), "gm_utils_checkout.pth").write_text(str(ROOT) + "\n", encoding="utf8")


def run(command: list[str], sorry: str) -> None:
    try:
        code = subprocess.run(command, cwd=ROOT).returncode
    except OSError as error:
        raise Stop(f"{sorry} ({error})") from error
    if code:
        raise Stop(sorry)


def help_text() -> str:
    lines = [f"  make {name:9} {text}" for name, (_, _, text) in COMMANDS.items()]
    return "\n".join([*lines, "  make clean     remove what was built (not .venv)"])


def clean() -> None:
    for name in ("_build", ".pytest_cache", ".ruff_cache", ".hypothesis", "runs"):
        shutil.rmtree(ROOT / name, ignore_errors=True)


def main(argv: list[str]) -> int:
    name, *rest = argv or ["help"]
    if name == "help":
        print(help_text())
    elif name == "clean":
        clean()
    elif name not in COMMANDS:
        raise Stop(f"no command {name!r}; there are {', '.join(COMMANDS)}, clean and help")
    else:
        extra, command, _ = COMMANDS[name]
        if name == "book" and os.environ.get("RUN") == "1":
            ensure("test")
            run([str(venv_python()), "tools/run.py"], "a lecture did not run; its error stands above")
        ensure(extra)
        return subprocess.run([str(venv_python()), *command, *rest], cwd=ROOT).returncode
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as stop:
        sys.exit(f"{stop}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the next run goes on from here")
