"""The second half of a lecture's set-up cell on Colab: install what is missing there, and nothing else.

Colab has torch, numpy, matplotlib, scipy, scikit-learn and their dependencies at versions of its own;
they are not touched, and no restart is asked for. What is missing comes with `--no-deps`.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

SMALL = ("safetensors", "accelerate", "pooch", "mlxtend", "tqdm", "ipywidgets")


def missing() -> list[str]:
    """The small packages that the lectures import and that are not there."""
    return [name for name in SMALL if importlib.util.find_spec(name) is None]


if __name__ == "__main__":
    if names := missing():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", *names]
        sys.exit(subprocess.run(command).returncode)
