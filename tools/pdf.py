"""The whole book as one PDF: the single-page build, printed by Chromium. `python tools/pdf.py OUT.pdf`"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import book  # noqa: E402

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


def print_page(page: Path, out: Path) -> None:
    """Print one HTML file to `out`, with the print style of the site. RuntimeError without Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise RuntimeError("Chromium is not on the PATH: install it (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, *FLAGS, f"--user-data-dir={profile}", "--no-pdf-header-footer",
                   "--virtual-time-budget=20000", f"--print-to-pdf={out}",
                   page.resolve().as_uri()]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)


def main(out: str = "_build/book.pdf") -> int:
    if book.build("singlehtml"):
        return 1
    print_page(ROOT / "_build/singlehtml/index.html", Path(out))
    print(f"Wrote {out}, {Path(out).stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
