"""`python -m benchmarks`: every benchmark in a process of its own; exit 1 if one misses a goal by far."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("distances", "vae", "flows")

if __name__ == "__main__":
    codes = []
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode)
    sys.exit(int(any(codes)))
