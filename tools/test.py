"""Every test, in the order in which a mistake is cheapest to find. Arguments go to pytest.

Chromium is taken from the PATH; where it is missing, Debian's is installed as root, otherwise the
browser tests are skipped aloud (with CI=true that is a failure).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import pair  # noqa: E402


def chromium() -> None:
    """Install Debian's Chromium where there is none and we may."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if shutil.which("chromium") or not (root and shutil.which("apt-get")):
        return
    print("Installing Chromium for the browser tests (once) ...", flush=True)
    subprocess.run("apt-get update -qq && apt-get install -y -qq chromium >/dev/null", shell=True)


def main(argv: list[str]) -> int:
    python = sys.executable
    env = {**os.environ, "GM_PROFILE": "smoke", "PYTHONPATH": str(ROOT)}
    env.setdefault("OMP_NUM_THREADS", "1")
    if argv:
        return subprocess.run([python, "-m", "pytest", *argv], cwd=ROOT, env=env).returncode
    chromium()
    notebooks = [str(md.with_suffix(".ipynb").relative_to(ROOT)) for md in pair.listed()]
    steps = {
        "lint": [python, "-m", "ruff", "check", "."],
        "pairs": [python, "tools/pair.py", "check"],
        "site": [python, "tools/book.py", "html"],
        "tests": [python, "-m", "pytest", "--durations=12"],
        "notebooks": [python, "-m", "pytest", "--nbval-lax", "--nbval-current-env", *notebooks],
    }
    failed = []
    for name, command in steps.items():
        print(f"\n== {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, env=env).returncode:
            failed.append(name)
    print(f"\nFailed: {', '.join(failed)}" if failed else "\nEverything passed.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
