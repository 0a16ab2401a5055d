"""Second ways for the problems on flows: none shares a formula with the problem."""

from __future__ import annotations

import math

import torch
from scipy import optimize
from torch.distributions import LogNormal, MultivariateNormal, Normal


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def standard(z: torch.Tensor) -> float:
    return Normal(torch.zeros_like(z), 1.0).log_prob(z).sum().item()


def log_det(f, x: torch.Tensor) -> float:
    return torch.linalg.slogdet(torch.autograd.functional.jacobian(f, x))[1].item()


def affine(n):
    """The pushed Gaussian, N(b, a^2)."""
    return Normal(tensor(n.b), tensor(abs(n.a))).log_prob(tensor(n.x)).item()


def plane(n):
    """The pushed Gaussian, N(b, A A^T)."""
    A = tensor(n.p, n.q, n.r, n.s).reshape(2, 2)
    return MultivariateNormal(tensor(n.b1, n.b2), A @ A.T).log_prob(tensor(n.x1, n.x2)).item()


def curve(n):
    """A log-normal; the derivative of the distribution function; a root, and autograd of the generative map."""
    if n.kind == "exp":
        return LogNormal(tensor(n.b), tensor(n.a)).log_prob(tensor(n.x)).item()
    if n.kind == "cube":
        x = tensor(n.x).requires_grad_()
        torch.special.ndtr(x**3 + n.c * x).sum().backward()
        return x.grad.log().item()
    z = tensor(optimize.brentq(lambda z: n.a * math.sinh(z) - n.x, -5, 5, xtol=1e-14)).requires_grad_()
    (n.a * z.sinh()).sum().backward()
    return standard(z.detach()) - z.grad.log().item()


SECOND = {"P-FLOW-AFFINE": affine, "P-FLOW-PLANE": plane, "P-FLOW-CURVE": curve}
