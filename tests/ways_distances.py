"""Second ways to the answers of lecture 05's problems: none shares a formula with its problem."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import ot
from scipy import integrate, optimize, stats


def exact(values):
    return [Fraction(str(v)) for v in values]


def variation(n):
    """The best of all events."""
    gaps = [p - q for p, q in zip(exact(n.p), exact(n.q), strict=True)]
    return float(max(sum(event) for k in range(6) for event in combinations(gaps, k)))


def hellinger(n):
    """Half the angle between two unit vectors, by its sine."""
    angle = math.acos(min(1.0, sum(math.sqrt(p * q) for p, q in zip(n.p, n.q, strict=True))))
    return math.sqrt(2) * math.sin(angle / 2)


def midpoint(n):
    """What the outcome tells about the coin that chose P or Q: entropies by SciPy."""
    mixture = np.mean([n.p, n.q], axis=0)
    return stats.entropy(mixture) - (stats.entropy(n.p) + stats.entropy(n.q)) / 2


def game(n):
    """The discriminator found by Newton's method on its logits."""
    p, q = np.array(n.p), np.array(n.q)
    logit = np.zeros(3)
    for _ in range(30):
        d = 1 / (1 + np.exp(-logit))
        logit += np.clip((p * (1 - d) - q * d) / ((p + q) * d * (1 - d)), -1, 1)
    d = 1 / (1 + np.exp(-logit))
    return float(p @ np.log(d) + q @ np.log1p(-d))


def histogram(n):
    """POT's transport plan."""
    x = np.array(n.x, dtype=float)
    return float(ot.emd2(np.array(n.p), np.array(n.q), np.abs(x[:, None] - x)))


def samples(n):
    """Copies of the points until both samples are of one size, and the best assignment of all."""
    x, y = np.repeat(n.x, len(n.y)), np.repeat(n.y, len(n.x))
    cost = np.abs(x[:, None] - y)
    return cost[optimize.linear_sum_assignment(cost)].mean()


def critic(n):
    """By parts: the distribution functions against the jumps; the slope over all pairs of points."""
    jumps = np.diff(n.f)
    gain = (np.cumsum(n.q)[:-1] - np.cumsum(n.p)[:-1]) @ jumps
    ends = combinations(zip(n.x, n.f, strict=True), 2)
    return float(gain) / max(abs(f - g) / abs(x - y) for (x, f), (y, g) in ends)


def area(n):
    """Between the distribution functions, exact: between breakpoints their difference is linear."""
    a, b, c, d = exact((n.a, n.b, n.c, n.d))

    def below(x, low, high):
        return min(max((x - low) / (high - low), Fraction(0)), Fraction(1))

    ends, total = sorted({a, b, c, d}), Fraction(0)
    for left, right in zip(ends, ends[1:], strict=False):
        u, v = (below(x, a, b) - below(x, c, d) for x in (left, right))
        mean = (abs(u) + abs(v)) / 2 if u * v >= 0 else (u * u + v * v) / (2 * (abs(u) + abs(v)))
        total += mean * (right - left)
    return float(total)


def overlap(n):
    """The excess of p over q, piece by piece."""
    a, b, c, d = exact((n.a, n.b, n.c, n.d))
    ends, excess = sorted({a, b, c, d}), Fraction(0)
    for left, right in zip(ends, ends[1:], strict=False):
        p = 1 / (b - a) if a <= left < b else 0
        q = 1 / (d - c) if c <= left < d else 0
        excess += max(p - q, Fraction(0)) * (right - left)
    return float(excess)


def frechet(n):
    """The mean squared way of the monotone map, by Gauss-Hermite quadrature in both dimensions."""
    z, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    ways = [((m + s * z) - (k + t * z)) ** 2 for m, k, s, t in zip(n.m, n.k, n.s, n.t, strict=True)]
    return float(
        sum(weights[i] * weights[j] * (ways[0][i] + ways[1][j]) for i, j in product(range(6), repeat=2))
    )


def threshold(n):
    """Half the area under both densities, by quadrature with a break where they cross."""
    low, high = n.m - 10 * n.s, n.k + 10 * n.s
    middle = (n.m + n.k) / 2

    def lower(x):
        u, v = (x - n.m) / n.s, (x - n.k) / n.s
        return math.exp(-max(u * u, v * v) / 2) / (n.s * math.sqrt(2 * math.pi))

    parts = [integrate.quad(lower, *ends, epsabs=1e-12)[0] for ends in ((low, middle), (middle, high))]
    return 50 * sum(parts)


def pinsker(n):
    """The error at which twice the squared total variation has used up the divergence."""

    def left(error):
        return 2 * (1 - 2 * error) ** 2 - math.fsum([n.kl] * n.n)

    return 100 * optimize.brentq(left, 0, 0.5, xtol=1e-14)


SECOND = {
    "P-DIST-TV": variation, "P-DIST-HELLINGER": hellinger, "P-DIST-JS": midpoint, "P-DIST-GAN": game,
    "P-DIST-HISTOGRAM": histogram, "P-DIST-SAMPLES": samples, "P-DIST-CRITIC": critic, "P-DIST-CDF": area,
    "P-DIST-OVERLAP": overlap, "P-DIST-FRECHET": frechet, "P-DIST-TEST": threshold, "P-DIST-PINSKER": pinsker,
}  # fmt: skip
