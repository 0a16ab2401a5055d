"""Second ways for the problems on flows: none shares a formula with the problem."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from scipy import integrate, optimize
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


def coupling(n):
    """Autograd's Jacobian of the layer."""

    def f(x):
        s = x[0] * tensor(n.a, -n.b)
        return torch.cat([x[:1], x[1:] * s.exp() + torch.stack([n.c - x[0], n.d * x[0]])])

    x = tensor(n.x1, n.x2, n.x3)
    return standard(f(x)) + log_det(f, x)


def inverse(n):
    """Roots of the layers themselves, one after the other."""

    def undo(layer, value):
        return optimize.brentq(lambda u: layer(u) - value, -1e6, 1e6, xtol=1e-14, rtol=1e-14, maxiter=500)

    x1 = undo(lambda u: u * math.exp(n.b * n.z2) + n.d * n.z2, n.z1)
    return undo(lambda u: u * math.exp(n.a * x1) + n.c - x1, n.z2)


def stack(n):
    """Autograd's Jacobian of the composition."""

    def cube(x):
        h = n.a * x + n.b
        return h**3 + n.c * h

    def plane(x):
        h = x[1] * (n.a * x[0]).exp() + n.c
        return torch.stack([x[0] * (n.d * h).exp(), h])

    return log_det(cube, tensor(n.x)) if n.cube else log_det(plane, tensor(n.x1, n.x2))


def bits(n):
    """A Gaussian in each dimension of y with this likelihood, pushed to the scale of the levels."""
    width = math.exp(n.nll / n.D) / math.sqrt(2 * math.pi)
    return -Normal(tensor(0.0), tensor(width * n.levels)).log_prob(tensor(0.0)).item() / math.log(2)


def dequant(n):
    """Gauss-Legendre quadrature over the noise."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    logs = Normal(tensor(n.m), tensor(n.sd)).log_prob(torch.from_numpy(n.v + (nodes + 1) / 2))
    return float(weights @ logs.numpy()) / 2


def cost(n):
    """An integral over the pivots; or the degree of a count, by differences until nothing is left."""
    if n.block:
        whole, block = (integrate.quad(lambda k: k * k, 0, size)[0] for size in (n.D, n.size))
        return whole / (n.blocks * block)
    work = {
        "full": lambda d: sum(k * k for k in range(d)),  # each pivot: rows below it, columns right of it
        "back": lambda d: sum(range(d)),
        "diagonal": lambda d: d - 1,
    }[n.job]
    counts, degree = np.array([work(d) for d in range(1, 9)]), -1
    while counts.any():
        counts, degree = np.diff(counts), degree + 1
    return float(np.prod(np.full(degree, n.D2 / n.D)))


def nets(n, v):
    """Log-scales and shifts of the three dimensions, where the network is fed with v."""
    one = torch.ones_like(v[0])
    s = torch.stack([n.c * one, n.a * v[0], -n.d * v[1]])
    return s, torch.stack([n.h * one, n.b * v[0], v[0]])


def maf(n):
    """The chain of conditional Gaussians."""
    x = tensor(n.v1, n.v2, n.v3)
    s, t = nets(n, x)
    return Normal(t, s.exp()).log_prob(x).sum().item()


def draw(n):
    """Each coordinate as a quantile of its conditional Gaussian."""
    levels, x = Normal(0.0, 1.0).cdf(tensor(n.v1, n.v2, n.v3)), tensor(0.0, 0.0, 0.0)
    for i in range(3):
        s, t = nets(n, x)
        x[i] = Normal(t[i], s[i].exp()).icdf(levels[i])
    return x[2].item()


def iaf(n):
    """Autograd's Jacobian of the sampler."""
    z = tensor(n.v1, n.v2, n.v3)

    def g(z):
        s, t = nets(n, z)
        return z * s.exp() + t

    return standard(z) - log_det(g, z)


def made(n):
    """What each unit depends on, as a set; a connection is allowed where the sender's set is in the receiver's."""
    inputs = [{j} for j in range(1, n.D + 1)]
    hidden = [set(range(1, m + 1)) for m in n.degrees]
    outputs = [set(range(1, i)) for i in range(1, n.D + 1) for _ in "st"]
    pairs = [*itertools.product(inputs, hidden), *itertools.product(hidden, outputs)]
    return float(sum(sender <= receiver for sender, receiver in pairs))


def passes(n):
    """Rounds until all is known, where each round is a pass and gives what its inputs allow."""

    def rounds(fed_by_result):
        before = [set(range(i)) for i in range(n.D)]
        if n.model == "RealNVP":  # the kept half is the same number on both sides
            before = [set() if i < n.D // 2 else set(range(n.D // 2)) for i in range(n.D)]
        known, count = set(), 0
        kept = {i for i in range(n.D) if n.model == "RealNVP" and i < n.D // 2}
        while len(known) < n.D:
            there = known | kept if fed_by_result else set(range(n.D))
            known, count = known | {i for i in range(n.D) if before[i] <= there}, count + 1
        return count

    draw, score = rounds(n.model != "IAF"), rounds(n.model != "MAF")
    used = {"draw": draw, "own": draw, "score": score, "both": draw + score}[n.job]
    return used * n.K * n.ms


def elbo(n):
    """Densities of z from torch, q's as the Gaussian of z_1 and the Gaussian of z_2 given z_1."""
    first = Normal(tensor(n.m), tensor(-n.s).exp())
    z1 = tensor(n.e1) * first.scale + first.mean
    noise = (z1 - first.mean) / first.scale
    second = Normal(-n.b * noise, (n.a * noise).exp())
    z2 = second.icdf(Normal(0.0, 1.0).cdf(tensor(n.e2)))
    fit = Normal(n.w * z1 + z2, tensor(1.0)).log_prob(tensor(n.x))
    prior = MultivariateNormal(tensor(0.0, 0.0), torch.eye(2, dtype=z1.dtype)).log_prob(torch.cat([z1, z2]))
    return (fit + prior - first.log_prob(z1) - second.log_prob(z2)).item()


SECOND = {
    "P-FLOW-AFFINE": affine, "P-FLOW-PLANE": plane, "P-FLOW-CURVE": curve, "P-FLOW-COUPLING": coupling,
    "P-FLOW-INVERSE": inverse, "P-FLOW-STACK": stack, "P-FLOW-BITS": bits, "P-FLOW-DEQUANT": dequant,
    "P-FLOW-COST": cost, "P-FLOW-MAF": maf, "P-FLOW-DRAW": draw, "P-FLOW-IAF": iaf, "P-FLOW-MADE": made,
    "P-FLOW-PASSES": passes, "P-FLOW-ELBO": elbo,
}  # fmt: skip
