"""Make the site from the committed outputs (nothing is executed, no network) and serve it.

With nothing changed since the last build it builds nothing; otherwise it builds clean, since an
incremental build does not repeat the warnings of unchanged pages. A warning is an error.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
STAMP = BUILD / "html.stamp"
INPUTS = ("_config.yml", "_toc.yml", "constraints.txt", "book/**/*", "notebooks/*.ipynb", "tools/*.py",
          "gm_utils/**/*", "checkpoints/*")  # fmt: skip


def inputs() -> str:
    """A hash over everything that the site is made of."""
    h = hashlib.sha256()
    for pattern in INPUTS:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                h.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return h.hexdigest()


def build(builder: str = "html") -> int:
    """Build clean with warnings as errors; the stamp is written last. Returns the exit code."""
    want = inputs()
    if builder == "html" and STAMP.exists() and STAMP.read_text(encoding="utf8") == want:
        print("The site is up to date.")
        return 0
    STAMP.unlink(missing_ok=True)
    shutil.rmtree(BUILD / builder, ignore_errors=True)
    shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
    print("Building the site ...", flush=True)
    start = time.perf_counter()
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "-n", "-W", "--keep-going"]
    done = subprocess.run([*command, "--builder", builder], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        wrong = [line for line in lines if "WARNING" in line or "ERROR" in line]
        print("\n".join(wrong or lines[-30:]))
        print("The site was not built: each line above is to be mended.")
        return 1
    if builder == "html":
        STAMP.write_text(want, encoding="utf8")
    print(f"Built _build/{builder} in {time.perf_counter() - start:.0f} s.")
    return 0


def serve() -> int:
    """Serve the site on localhost, on $PORT or the first free port from 8000."""
    asked = os.environ.get("PORT")
    ports = [int(asked)] if asked else range(8000, 8020)
    handler = functools.partial(Quiet, directory=str(BUILD / "html"))
    for port in ports:
        try:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            continue
        print(f"Read the book at http://127.0.0.1:{port}/   (Ctrl+C stops)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    print(f"Port {asked or '8000 to 8019'} is in use: choose another one, as in `make book PORT=8123`.")
    return 1


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *args: object) -> None:
        pass


if __name__ == "__main__":
    code = build(*sys.argv[1:])
    sys.exit(code or (0 if os.environ.get("SERVE") == "0" or sys.argv[1:] else serve()))
