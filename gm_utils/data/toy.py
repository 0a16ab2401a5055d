"""Densities on the plane whose log-density is known: what a model learned can be measured, not judged by eye.

moons = two_moons()
x = moons.sample(1000, generator=seed(0))         # (1000, 2)
gap = (moons.log_prob(x) - model.log_prob(x)).mean()  # estimates KL(moons || model), in nats
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Density:
    """A density on the plane: `draw(n, generator)`, (n, 2) in float32; `log_density` of (n, 2) in float64."""

    draw: Callable[[int, torch.Generator | None], Tensor]
    log_density: Callable[[Tensor], Tensor]

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n points: (n, 2), float32, on the CPU. Raises ValueError unless n >= 1.

        >>> two_moons().sample(3).shape
        torch.Size([3, 2])
        """
        if n < 1:
            raise ValueError(f"n is {n}; expected at least 1")
        return self.draw(n, generator)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats, computed in float64: x (..., 2) -> (...), of x's dtype and device.

        Minus infinity outside the support. Raises ValueError for another last dimension or dtype.
        """
        if x.shape[-1:] != (2,) or not x.is_floating_point():
            raise ValueError(f"x has shape {tuple(x.shape)} and dtype {x.dtype}; expected floats (..., 2)")
        flat = x.reshape(-1, 2).to("cpu", torch.float64)
        parts = [self.log_density(part) for part in flat.split(1024)]
        return torch.cat(parts).reshape(x.shape[:-1]).to(x)


def gaussian_mixture(
    weights: Sequence[float] | Tensor, means: Sequence[Sequence[float]] | Tensor, covariances: Tensor
) -> Density:
    """sum_k w_k N(mean_k, cov_k), exact (Bishop, 2006, section 2.3.9).

    weights: (K,), positive, normalised here. means: (K, 2). covariances: (K, 2, 2), symmetric and
    positive definite, or a number, the variance of all. Raises ValueError for anything else.

    >>> gaussian_mixture([1.0], [[0.0, 0.0]], 1.0).log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    """
    w, m, c = (torch.as_tensor(v, dtype=torch.float64) for v in (weights, means, covariances))
    c = c * torch.eye(2, dtype=torch.float64).expand(len(w), 2, 2) if c.ndim == 0 else c
    if w.ndim != 1 or not (w > 0).all() or not w.isfinite().all():
        raise ValueError("weights must be a list of positive numbers")
    if m.shape != (len(w), 2) or c.shape != (len(w), 2, 2) or not m.isfinite().all():
        shapes = f"{(*m.shape,)} and {(*c.shape,)}"
        raise ValueError(f"means and covariances have shapes {shapes}; expected finite (K, 2) and (K, 2, 2)")
    factor, bad = torch.linalg.cholesky_ex(c)
    if bad.any() or not torch.equal(c, c.mT) or not c.isfinite().all():
        raise ValueError("covariances must be symmetric and positive definite")
    log_w = (w / w.sum()).log() - math.log(2 * math.pi) - factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def draw(n: int, generator: torch.Generator | None) -> Tensor:
        which = torch.multinomial(w, n, replacement=True, generator=generator)
        noise = torch.randn(n, 2, 1, generator=generator)
        return m[which].float() + (factor[which].float() @ noise).squeeze(-1)

    def log_density(x: Tensor) -> Tensor:
        white = torch.linalg.solve_triangular(factor, (x[:, None] - m).unsqueeze(-1), upper=False)
        return (log_w - white.square().sum((-2, -1)) / 2).logsumexp(-1)

    return Density(draw, log_density)


def ring(k: int = 8, *, radius: float = 2.0, std: float = 0.1) -> Density:
    """k equal Gaussians on a circle: the laboratory of mode collapse.

    The modes are 2 radius sin(pi / k) apart. Raises ValueError unless k >= 1 and std > 0.
    """
    if k < 1 or not std > 0:
        raise ValueError(f"k is {k}, std is {std}; expected k >= 1 and std > 0")
    angle = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    means = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return gaussian_mixture(torch.ones(k), means, torch.tensor(std**2, dtype=torch.float64))


def two_moons(*, noise: float = 0.1) -> Density:
    """Two interleaving half circles of radius 1, blurred by N(0, noise^2 I).

    The angle t is uniform on [0, pi]; the moons are (cos t, sin t) and (1 - cos t, 1/2 - sin t), with
    probability 1/2 each. The log-density is the integral over t, by Gauss-Legendre quadrature.
    Raises ValueError unless noise >= 0.01.
    """

    def upper(t: Tensor) -> Tensor:
        return torch.stack([t.cos(), t.sin()], -1)

    def lower(t: Tensor) -> Tensor:
        return torch.stack([1 - t.cos(), 0.5 - t.sin()], -1)

    return _blurred_curves([upper, lower], math.pi, noise, length=math.pi)


def spirals(*, turns: float = 1.5, noise: float = 0.1) -> Density:
    """Two arms of the spiral r = 2 u, u uniform on [0, 1], angle 2 pi turns u, blurred by N(0, noise^2 I).

    The log-density is the integral over u, by Gauss-Legendre quadrature.
    Raises ValueError unless noise >= 0.01 and 0 < turns <= 10.
    """
    if not 0 < turns <= 10:
        raise ValueError(f"turns is {turns}; expected a number above 0, at most 10")

    def arm(u: Tensor) -> Tensor:
        angle = 2 * math.pi * turns * u
        return 2 * u.unsqueeze(-1) * torch.stack([angle.cos(), angle.sin()], -1)

    return _blurred_curves([arm, lambda u: -arm(u)], 1.0, noise, length=2 + 4 * math.pi * turns)


def _blurred_curves(
    curves: list[Callable[[Tensor], Tensor]], end: float, noise: float, *, length: float
) -> Density:
    """A curve with equal probability, its parameter uniform on [0, end], plus N(0, noise^2 I).

    length: a bound of the curve's speed times end; it says how fine the quadrature must be: with 4
    points for each `noise` of length the relative error is below 1e-10 where the density matters.
    """
    if not noise >= 0.01:
        raise ValueError(f"noise is {noise}; expected a standard deviation of at least 0.01")
    nodes, weights = np.polynomial.legendre.leggauss(math.ceil(4 * length / noise))
    t = torch.from_numpy((nodes + 1) * end / 2)
    centres = torch.cat([curve(t) for curve in curves])
    log_w = torch.from_numpy(np.log(weights / 2)).repeat(len(curves)) - math.log(len(curves))
    log_w = log_w - math.log(2 * math.pi * noise**2)

    def draw(n: int, generator: torch.Generator | None) -> Tensor:
        points = torch.stack([curve(end * torch.rand(n, generator=generator)) for curve in curves])
        which = torch.randint(len(curves), (n,), generator=generator)
        return points[which, torch.arange(n)] + noise * torch.randn(n, 2, generator=generator)

    def log_density(x: Tensor) -> Tensor:
        squares = x.square().sum(1, keepdim=True) - 2 * x @ centres.T + centres.square().sum(1)
        return (log_w - squares / (2 * noise**2)).logsumexp(1)

    return Density(draw, log_density)


def checkerboard() -> Density:
    """Uniform on the 8 dark squares, of side 1, of a 4 x 4 board on [-2, 2)^2: the density is 1/8 or 0.

    >>> checkerboard().log_prob(torch.tensor([[0.5, 0.5], [0.5, -0.5]]))
    tensor([-2.0794,    -inf])
    """

    def draw(n: int, generator: torch.Generator | None) -> Tensor:
        row = torch.randint(4, (n,), generator=generator)
        column = 2 * torch.randint(2, (n,), generator=generator) + row % 2
        return torch.stack([column, row], 1) - 2 + torch.rand(n, 2, generator=generator)

    def log_density(x: Tensor) -> Tensor:
        dark = (x.floor().sum(1) % 2 == 0) & (x >= -2).all(1) & (x < 2).all(1)
        return torch.where(dark, -math.log(8.0), -math.inf).double()

    return Density(draw, log_density)


def pinwheel(arms: int = 5, *, twist: float = 1.0) -> Density:
    """`arms` Gaussians, each long along its arm, turned by the angle `twist` times the radius.

    An arm, before it is turned to its place: N((1.5, 0), diag(0.4^2, 0.1^2)). A turn that depends on
    the radius alone keeps areas, so that its log-determinant is 0 and the density is that of the mixture
    at the point turned back. Raises ValueError unless arms >= 1.
    """
    if arms < 1:
        raise ValueError(f"arms is {arms}; expected at least 1")
    angle = 2 * math.pi * torch.arange(arms, dtype=torch.float64) / arms
    turn = _rotation(angle)
    means = 1.5 * turn[:, :, 0]
    covariances = turn @ torch.diag(torch.tensor([0.4, 0.1], dtype=torch.float64).square()) @ turn.mT
    straight = gaussian_mixture(torch.ones(arms), means, (covariances + covariances.mT) / 2)

    def wind(x: Tensor, by: float) -> Tensor:
        return (_rotation(by * x.norm(dim=1)) @ x.unsqueeze(-1)).squeeze(-1)

    return Density(
        lambda n, generator: wind(straight.draw(n, generator), twist),
        lambda x: straight.log_density(wind(x, -twist)),
    )


def banana(*, noise: float = 0.3) -> Density:
    """x1 from N(0, 1), x2 = x1^2 - 1 + noise e, e from N(0, 1): entropy log(2 pi e noise) nats.

    Raises ValueError unless noise > 0.
    """
    if not noise > 0:
        raise ValueError(f"noise is {noise}; expected a positive standard deviation")

    def draw(n: int, generator: torch.Generator | None) -> Tensor:
        x1, e = torch.randn(2, n, generator=generator)
        return torch.stack([x1, x1.square() - 1 + noise * e], 1)

    def log_density(x: Tensor) -> Tensor:
        e = (x[:, 1] - x[:, 0].square() + 1) / noise
        return -(x[:, 0].square() + e.square()) / 2 - math.log(2 * math.pi * noise)

    return Density(draw, log_density)


def _rotation(angle: Tensor) -> Tensor:
    """(n,) -> (n, 2, 2)."""
    c, s = angle.cos(), angle.sin()
    return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
