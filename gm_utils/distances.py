"""Distances between distributions: on one set of outcomes, on samples, and between Gaussians.

Numbers and nested sequences become float64, tensors keep their dtype and device. All are differentiable, with
finite gradients also where the distance is 0 (`frechet_distance` only where no covariance is singular).
A ValueError names the argument that is not finite, no distribution, or does not fit the others.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Generator, Tensor

from gm_utils.information import (
    Numbers,
    as_covariances,
    as_distributions,
    as_tensors,
    bounded,
    require_finite,
    require_fit,
    widened,
)
from gm_utils.runtime import draw


def total_variation(p: Numbers, q: Numbers) -> Tensor:
    """Total variation distance: the most by which the probabilities of one event can differ.

    TV(p, q) = ½ Σ |p - q| = max over events A of P(A) - Q(A), in [0, 1]

    p, q: (..., K), distributions; batches broadcast. Returns (...), a probability.
    Source: Levin, Peres & Wilmer (2009), chapter 4.

    >>> total_variation([0.5, 0.5, 0.0], [0.0, 0.5, 0.5])
    tensor(0.5000, dtype=torch.float64)
    """
    (p, q), dtype = as_distributions(p=p, q=q)
    return bounded((p - q).abs().sum(-1) / 2, high=1.0).to(dtype)


def hellinger(p: Numbers, q: Numbers) -> Tensor:
    """Hellinger distance, a metric; with the factor 1/√2 that some texts leave out.

    d_H(p, q) = ‖√p - √q‖₂ / √2, in [0, 1];  d_H² <= TV <= √2 d_H

    p, q: (..., K), distributions; batches broadcast. Returns (...), no unit.
    Source: Hellinger (1909); Tsybakov (2009), chapter 2, there without the factor.

    >>> hellinger([1.0, 0.0], [0.5, 0.5]) ** 2  # 1 - √½
    tensor(0.2929, dtype=torch.float64)
    """
    (p, q), dtype = as_distributions(p=p, q=q)
    squared = (_root(p, 2) - _root(q, 2)).square().sum(-1) / 2
    return bounded(_root(squared, 2), high=1.0).to(dtype)


def wasserstein_1d(
    x: Numbers, y: Numbers, x_weights: Numbers | None = None, y_weights: Numbers | None = None
) -> Tensor:
    """Wasserstein-1 distance between two samples on the line, weighted or not.

    W1 = ∫ |F(t) - G(t)| dt = ∫ |F⁻¹(u) - G⁻¹(u)| du;  (1/n) Σ |x_(i) - y_(i)| for samples of one size

    x: (n,), y: (m,), in any order; x_weights: (n,), y_weights: (m,), non-negative, normalised here, equal if
    not given. Returns a scalar in the unit of x. One sort, O(n log n).
    Raises ValueError for an empty sample, or weights that are not of its shape, are negative, or sum to 0.
    Source: Vallender (1974).

    >>> wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
    tensor(5., dtype=torch.float64)
    >>> wasserstein_1d([0.0, 1.0], [0.0, 1.0], [3.0, 1.0], [1.0, 1.0])
    tensor(0.2500, dtype=torch.float64)
    """
    x, y = as_tensors(x=x, y=y)
    _require_samples(1, x=x, y=y)
    (x, y), dtype = widened(x, y)
    if x_weights is None and y_weights is None:
        return _transport_cost(_sort(x), _sort(y), 1).to(dtype)
    a, b = _normalised("x_weights", x_weights, x), _normalised("y_weights", y_weights, y)
    points = torch.cat([x, y])
    order = _argsort(points)
    gap = torch.cat([a, -b])[order].cumsum(0)  # F - G from each point to the next
    return (gap[:-1].abs() * points[order].diff()).sum().to(dtype)


def wasserstein_discrete(p: Numbers, q: Numbers, support: Numbers) -> Tensor:
    """Wasserstein-1 distance between distributions on the same ordered points of the line.

    W1 = Σ_k |P_k - Q_k| (s_{k+1} - s_k), P and Q the cumulative sums

    p, q: (..., K), distributions; batches broadcast; support: (K,). Returns (...), in the unit of support.
    Raises ValueError unless support is strictly increasing.
    Source: Vallender (1974).

    >>> wasserstein_discrete([1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 1.0, 3.0])
    tensor(2., dtype=torch.float64)
    """
    p, q, support = as_tensors(p=p, q=q, support=support)
    as_distributions(p=p, q=q)
    require_finite(support=support)
    if support.shape != p.shape[-1:] or not (support.diff() > 0).all():
        raise ValueError(f"support must be strictly increasing and of shape ({p.shape[-1]},), as long as p")
    (p, q, support), dtype = widened(p, q, support)
    gap = (p - q).cumsum(-1)[..., :-1].abs()  # (..., K - 1)
    return (gap * support.diff()).sum(-1).to(dtype)


def sliced_wasserstein(
    x: Numbers, y: Numbers, *, n_projections: int = 128, p: float = 1, generator: Generator | None = None
) -> Tensor:
    """Sliced Wasserstein-p distance: W_p between the samples' shadows on random lines, averaged.

    SW_p = (E W_p(θ·x, θ·y)^p)^(1/p), θ uniform on the sphere: here the mean over n_projections draws

    x: (n, d), y: (m, d). Returns a scalar in the unit of x; its relative error falls as 1 / √n_projections.
    Raises ValueError for an empty sample, p < 1 or n_projections < 1.
    Source: Bonneel, Rabin, Peyré & Pfister (2015).

    >>> sliced_wasserstein([[0.0], [1.0]], [[3.0], [4.0]], p=2)  # in one dimension it is W_p
    tensor(3., dtype=torch.float64)
    """
    x, y = as_tensors(x=x, y=y)
    _require_samples(2, x=x, y=y)
    require_fit(x=x[0], y=y[0])
    if not 1 <= p < math.inf:
        raise ValueError(f"p must be at least 1 and finite; got {p!r}")
    if n_projections < 1:
        raise ValueError(f"n_projections must be at least 1; got {n_projections!r}")
    (x, y), dtype = widened(x, y)
    directions = draw(torch.randn, (n_projections, x.shape[1]), x, generator)
    directions = torch.nn.functional.normalize(directions, dim=1)  # (P, d)
    cost = _transport_cost(_sort(directions @ x.T), _sort(directions @ y.T), p)  # rows of n: they sort faster
    return _root(cost.mean(), p).to(dtype)


def frechet_distance(mean_x: Numbers, cov_x: Numbers, mean_y: Numbers, cov_y: Numbers) -> Tensor:
    """Fréchet distance between Gaussians as in FID: the *squared* Wasserstein-2 distance.

    d² = ‖μx - μy‖² + tr(Σx + Σy - 2 (Σx Σy)^½), where tr (Σx Σy)^½ = Σ √eig(Lᵀ Σy L), Σx = L Lᵀ

    mean_x, mean_y: (d,); cov_x, cov_y: (d, d). Returns a scalar >= 0 in the squared unit of the means,
    float64 whatever comes in. Where a covariance is singular, the trace is the nuclear norm of Sxᵀ Sy with
    Σ = S Sᵀ, which takes no root of a rounding error.
    Raises ValueError where a covariance is not symmetric positive semi-definite.
    Source: Dowson & Landau (1982); Heusel et al. (2017).

    >>> frechet_distance([0.0], [[1.0]], [3.0], [[4.0]])  # 3² + (1 - 2)²
    tensor(10., dtype=torch.float64)
    """
    mean_x, cov_x, mean_y, cov_y = as_tensors(mean_x=mean_x, cov_x=cov_x, mean_y=mean_y, cov_y=cov_y)
    cov_x, cov_y = as_covariances(cov_x=cov_x, cov_y=cov_y)
    require_finite(mean_x=mean_x, mean_y=mean_y)
    if not mean_x.shape == mean_y.shape == cov_x.shape[1:] == cov_y.shape[1:]:
        shapes = ", ".join(str(tuple(v.shape)) for v in (mean_x, cov_x, mean_y, cov_y))
        raise ValueError(f"mean_x, cov_x, mean_y, cov_y must be (d,), (d, d), (d,), (d, d); got {shapes}")
    mean_x, cov_x, mean_y, cov_y = (v.double() for v in (mean_x, cov_x, mean_y, cov_y))
    cross = _trace_of_root(cov_x, cov_y)
    return bounded((mean_x - mean_y).square().sum() + cov_x.trace() + cov_y.trace() - 2 * cross)


def _trace_of_root(cov_x: Tensor, cov_y: Tensor) -> Tensor:
    """tr (Σx Σy)^½ of two (d, d)."""
    factors, failed = torch.linalg.cholesky_ex(torch.stack([cov_x, cov_y]))
    variances = torch.stack([cov_x.diagonal(), cov_y.diagonal()])
    if not failed.any() and (factors.diagonal(dim1=1, dim2=2).square() > 1e-8 * variances).all():
        return torch.linalg.eigvalsh(factors[0].T @ cov_y @ factors[0]).clamp(min=0).sqrt().sum()
    return torch.linalg.svdvals(_square_root("cov_x", cov_x).T @ _square_root("cov_y", cov_y)).sum()


def _square_root(name: str, cov: Tensor) -> Tensor:
    """S (d, rank) with S Sᵀ = Σ, for a Σ that may be singular."""
    values, vectors = torch.linalg.eigh(cov)  # ascending
    if values[0] < -1e-5 * values[-1].clamp(min=0):
        raise ValueError(f"{name} must be positive semi-definite; it has the eigenvalue {values[0]:g}")
    kept = values > len(cov) * torch.finfo(cov.dtype).eps * values[-1]
    return vectors[:, kept] * values[kept].sqrt()


def _transport_cost(x: Tensor, y: Tensor, p: float) -> Tensor:
    """W_p^p of samples that are sorted along the last dimension: x (..., n), y (..., m) -> (...)."""
    n, m = x.shape[-1], y.shape[-1]
    if n == m:
        return (x - y).abs().pow(p).mean(-1)
    # Both quantile functions are constant between neighbours among the i/n and the j/m: integers over nm.
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).sort().values.to(x.device)
    widths = ends.diff(prepend=ends.new_zeros(1)).to(x.dtype) / (n * m)
    gap = x.index_select(-1, (ends - 1) // m) - y.index_select(-1, (ends - 1) // n)
    return (gap.abs().pow(p) * widths).sum(-1)


def _root(value: Tensor, p: float) -> Tensor:
    """value^(1/p), elementwise, with a gradient of 0 instead of infinity at 0."""
    positive = value > 0
    return torch.where(positive, torch.where(positive, value, 1.0).pow(1 / p), 0.0)


def _sort(x: Tensor) -> Tensor:
    """x sorted along its last dimension; on the CPU by NumPy, whose sort is vectorised."""
    if x.device.type != "cpu":
        return x.sort(-1).values
    if x.requires_grad and torch.is_grad_enabled():
        return x.gather(-1, _argsort(x))
    return torch.from_numpy(np.sort(x.detach().numpy(), axis=-1))


def _argsort(x: Tensor) -> Tensor:
    return torch.from_numpy(x.detach().numpy().argsort(-1)) if x.device.type == "cpu" else x.argsort(-1)


def _require_samples(dims: int, **named: Tensor) -> None:
    for name, x in named.items():
        if x.dim() != dims or x.numel() == 0:
            shape = ("(n,)", "(n, d)")[dims - 1]
            raise ValueError(f"{name} must be a sample {shape}, not empty; its shape is {tuple(x.shape)}")
    require_finite(**named)


def _normalised(name: str, weights: Numbers | None, sample: Tensor) -> Tensor:
    """Weights that sum to 1, in the dtype and on the device of their sample: equal ones where not given."""
    if weights is None:
        return sample.new_full(sample.shape, 1 / len(sample))
    (weights,), _ = widened(as_tensors(sample=sample, **{name: weights})[1])
    if weights.shape != sample.shape:
        raise ValueError(f"{name} must be {tuple(sample.shape)} like its sample; got {tuple(weights.shape)}")
    if not ((weights >= 0) & weights.isfinite()).all() or not weights.any():
        raise ValueError(f"{name} must be non-negative and finite, with a sum above 0")
    weights = (weights / weights.detach().max()).to(sample.dtype)  # so that the sum cannot overflow
    return weights / weights.sum()
