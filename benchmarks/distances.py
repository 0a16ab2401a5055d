"""Wasserstein distances beside SciPy and POT: `python -m benchmarks.distances`."""

from __future__ import annotations

import sys
import warnings

from benchmarks.harness import Goal, main  # isort: skip  (first: it sets the number of threads)

import numpy as np
import ot
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor

from gm_utils.distances import sliced_wasserstein, wasserstein_1d


def line_goals(n: int = 100_000) -> list[Goal]:
    """W1 between two samples of n numbers, float64."""
    rng = np.random.default_rng(0)
    x, y, short = rng.normal(0, 1, n), rng.normal(0.5, 1.3, n), rng.normal(0.5, 1.3, n // 2)
    a, b = rng.random(n) + 0.1, rng.random(n) + 0.1
    a, b = a / a.sum(), b / b.sum()  # POT needs it, ours and SciPy do not
    tx, ty, tshort, ta, tb = map(torch.from_numpy, (x, y, short, a, b))
    exact = 1e-9
    return [
        Goal("W1, n = 100,000, beside SciPy", lambda: wasserstein_1d(tx, ty),
             lambda: wasserstein_distance(x, y), 10, exact),
        Goal("W1, n = 100,000, beside POT emd2_1d", lambda: wasserstein_1d(tx, ty),
             lambda: ot.emd2_1d(x, y, metric="cityblock"), 4, exact),
        Goal("W1, n = 100,000 and 50,000, beside SciPy", lambda: wasserstein_1d(tx, tshort),
             lambda: wasserstein_distance(x, short), 3, exact),
        Goal("W1, weighted, beside SciPy", lambda: wasserstein_1d(tx, ty, ta, tb),
             lambda: wasserstein_distance(x, y, a, b), 3, exact),
        Goal("W1, weighted, beside POT in PyTorch", lambda: wasserstein_1d(tx, ty, ta, tb),
             lambda: ot.wasserstein_1d(tx, ty, ta, tb), 3, exact),
        Goal("W1 with gradients, beside POT in PyTorch", lambda: step(wasserstein_1d, tx, ty),
             lambda: step(ot.wasserstein_1d, tx, ty), 3, exact),
    ]


def sliced_goals(n: int = 5000, d: int = 64, slices: int = 100) -> list[Goal]:
    """Sliced W2 between samples (n, d), float32, each library with its own directions of seed 0."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=generator)
    y = 0.2 + 1.1 * torch.randn(n, d, generator=generator)

    def ours(x: Tensor, y: Tensor) -> Tensor:
        seeded = torch.Generator().manual_seed(0)
        return sliced_wasserstein(x, y, n_projections=slices, p=2, generator=seeded)

    def peer(x: Tensor, y: Tensor) -> Tensor:
        return ot.sliced_wasserstein_distance(x, y, n_projections=slices, p=2, seed=0)

    return [
        Goal("sliced W2 (5000, 64), 100 slices, beside POT in PyTorch", lambda: ours(x, y),
             lambda: peer(x, y), 4, 0.3),
        Goal("sliced W2 with gradients, beside POT in PyTorch", lambda: step(ours, x, y),
             lambda: step(peer, x, y), 4, 0.3),
    ]


def step(distance, x: Tensor, y: Tensor) -> Tensor:
    """The distance and its gradient with respect to x."""
    x = x.clone().requires_grad_()
    value = distance(x, y)
    value.backward()
    return value.detach()


if __name__ == "__main__":
    warnings.filterwarnings("ignore")  # POT's optional backends
    sys.exit(main(line_goals() + sliced_goals()))
