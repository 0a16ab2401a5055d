"""Second ways to the answers of lecture 04's problems: none shares a formula with its problem."""

from __future__ import annotations

import heapq
import math
from fractions import Fraction

import numpy as np
import torch
from scipy import integrate, special, stats
from sklearn.metrics import mutual_info_score


def entropy(n):
    """Grouping, one symbol split off at a time, each split with SciPy's binary entropy."""
    total, left = 0.0, 1.0
    for p in n.p[:-1]:
        total += left * special.entr([p / left, 1 - p / left]).sum()
        left -= p
    return total / math.log(2)


def code(n):
    """Huffman's algorithm gives the best mean length, in fractions."""
    p = [Fraction(x) for x in n.p]
    heap, best = list(p), Fraction(0)
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        best += both  # each merge makes all words below it one bit longer
        heapq.heappush(heap, both)
    return float(sum(x * k for x, k in zip(p, n.used, strict=True)) - best)


def classifier(n):
    """Torch's loss on logits that give these probabilities, shifted by a constant of their own."""
    logits = torch.tensor(n.rows, dtype=torch.float64).log() + torch.tensor([[3.0], [-1.0], [0.5]])
    return torch.nn.functional.cross_entropy(logits, torch.tensor(n.labels)).item()


def perplexity(n):
    """The root of the inverse probability of the sentence: no logarithm."""
    sentence = math.prod(Fraction(str(p)) for p in n.p)
    return math.sqrt(math.sqrt(1 / sentence))


def kl(n):
    """Taylor's integral along the mixtures from q to p: the second derivative is the sum of (p - q)^2 / mixture."""
    p, q = np.array(n.first), np.array(n.second)
    t, weights = np.polynomial.legendre.leggauss(60)
    t = (t + 1)[:, None] / 2
    return float(weights @ ((1 - t) * (p - q) ** 2 / (q + t * (p - q))).sum(1)) / 2


def shared(n):
    """scikit-learn's, from counts."""
    return mutual_info_score(None, None, contingency=np.rint(20 * np.array(n.joint)).astype(int)) / math.log(
        2
    )


def conditional(n):
    """SciPy's entropy of each conditional distribution, averaged."""
    groups = np.array(n.rows if n.asked == "Y" else np.transpose(n.rows))
    return float(groups.sum(1) @ stats.entropy(groups, base=2, axis=1))


def channel(n):
    """All eight paths of the bit, counted into a joint distribution."""
    joint = np.zeros((2, 2))
    for x in (0, 1):
        for y in (0, 1):
            for z in (0, 1):
                joint[x, z] += 0.5 * (n.e if x != y else 1 - n.e) * (n.f if y != z else 1 - n.f)
    return special.rel_entr(joint, np.outer(joint.sum(1), joint.sum(0))).sum() / math.log(2)


def quadrature(low, high, p, f, points=8001):
    """The integral of p f on a grid; p is smooth and 0 at both ends."""
    x = np.linspace(low, high, points)
    return np.trapezoid(p(x) * f(x), x)


def gauss_kl(n):
    p, q = stats.norm(n.m1, n.s1), stats.norm(n.m2, n.s2)
    low, high = n.m1 - 12 * n.s1, n.m1 + 12 * n.s1
    return quadrature(low, high, p.pdf, lambda x: p.logpdf(x) - q.logpdf(x), 2001)


def zero(n):
    """Adaptive quadrature through the singularity of the logarithm."""

    def q(x):
        return n.k / n.w * (x / n.w) ** (n.k - 1)

    pairs = {"pq": lambda x: -math.log(q(x) * n.w) / n.w, "qp": lambda x: q(x) * math.log(q(x) * n.w)}
    return integrate.quad(pairs[n.way], 0, n.w, epsabs=1e-11, epsrel=1e-11)[0]


def noise(n):
    """From the correlation of code and reading, in fractions up to the logarithm."""
    a, s, r = Fraction(n.a), Fraction(n.s), Fraction(n.r)
    rho2 = (a * s * s) ** 2 / (s * s * (a * a * s * s + r * r))
    return -math.log1p(-float(rho2)) / 2


def ruler(n):
    """Quadrature in the old unit; then the density itself is converted, not its entropy."""
    x = np.linspace(-12 * n.s, 12 * n.s, 4001)
    density = stats.norm.pdf(x, 0, n.s) / n.times  # per new unit
    return np.trapezoid(special.entr(density), x * n.times)


def uniform(n):
    """The images of the ends, cut into 4096 equal bins: entropy of the bin's number plus log of its width."""
    ends = [Fraction(str(n.c)) * Fraction(str(x)) + Fraction(n.d) for x in (n.a, n.b)]
    step = float(abs(ends[1] - ends[0])) / 4096
    return stats.entropy(np.full(4096, 1 / 4096), base=2) + math.log2(step)


def waiting(n):
    """Quadrature of SciPy's -p log p."""
    scale = n.time if n.kind == "mean" else 1 / stats.expon.isf(0.5) * n.time
    return integrate.quad(lambda t: special.entr(math.exp(-t / scale) / scale), 0, 60 * scale, epsabs=1e-11)[
        0
    ]


def point(n):
    """The density as the slope of a distribution function."""
    h = 1e-4

    def below(x):
        return x * x / n.w**2 if n.rising else -math.expm1(-n.w * x)

    slopes = [(below(n.x + d) - below(n.x - d)) / (2 * d) for d in (h, 2 * h)]
    return -math.log((4 * slopes[0] - slopes[1]) / 3)


SECOND = {
    "P-INF-ENTROPY": entropy, "P-INF-CODE": code, "P-INF-CLASSIFIER": classifier, "P-INF-PERPLEXITY": perplexity,
    "P-INF-KL": kl, "P-INF-MI": shared, "P-INF-COND": conditional, "P-INF-CHANNEL": channel,
    "P-INF-GAUSSKL": gauss_kl, "P-INF-ZERO": zero, "P-INF-NOISE": noise, "P-INF-RULER": ruler,
    "P-INF-UNIFORM": uniform, "P-INF-WAITING": waiting, "P-INF-POINT": point,
}  # fmt: skip
