"""Two densities on a line, one of them moved by the reader, and five distances between them as curves."""

from __future__ import annotations

import math

import numpy as np

from gm_utils import frames
from gm_utils.distances import hellinger, total_variation, wasserstein_discrete
from gm_utils.information import js_divergence, kl_divergence
from gm_utils.interactive import Frame, Interactive, assemble

SHAPES = {"two boxes": ("box", 1.0, 1.0), "box in a box": ("box", 2.0, 1.0), "two bells": ("bell", 0.4, 0.4)}
_EDGES = np.linspace(-6, 6, 4801)
_X = (_EDGES[1:] + _EDGES[:-1]) / 2
_NAMES = {"kl": "KL(P‖Q)", "lk": "KL(Q‖P)", "js": "JS", "tv": "TV", "hellinger": "Hellinger", "w1": "W1"}


def _density(kind: str, size: float, centre: float) -> np.ndarray:
    if kind == "box":
        return (np.abs(_X - centre) < size / 2) / size
    return np.exp(-((_X - centre) ** 2) / (2 * size**2)) / (size * math.sqrt(2 * math.pi))


def shifted_distances(shape: str, shift: float) -> dict[str, float]:
    """The distances of the figure on a fine grid: P at 0, Q at `shift`, both of `SHAPES[shape]`.

    Returns `kl` (P to Q), `lk` (Q to P) and `js` in nats, `tv`, `hellinger`, and `w1` in units of the line.

    >>> {name: round(value, 3) for name, value in shifted_distances("two boxes", 0.25).items()}
    {'kl': inf, 'lk': inf, 'js': 0.173, 'tv': 0.25, 'hellinger': 0.5, 'w1': 0.25}
    """
    kind, *sizes = SHAPES[shape]
    p, q = (_density(kind, size, at) for size, at in zip(sizes, (0.0, shift), strict=True))
    p, q = p / p.sum(), q / q.sum()
    symmetric = js_divergence(p, q), total_variation(p, q), hellinger(p, q), wasserstein_discrete(p, q, _X)
    return dict(zip(_NAMES, map(float, (kl_divergence(p, q), kl_divergence(q, p), *symmetric)), strict=True))


def moving_distances(id: str = "i-5-move") -> Interactive:
    """The reader drags Q along the line, or lets one of the distances pull it; starts where supports part."""
    label = (
        "Moving distances: drag the density Q along the line; below, KL, JS, total variation, Hellinger and "
        "W1 as curves over the shift, with values and slopes. Where the supports are disjoint only W1 slopes."
    )
    states = [("two boxes", 1.3), ("two boxes", 0.5), ("box in a box", 0.25), ("two bells", 2.0)]
    config = {"shapes": SHAPES, "start": states[0], "opens": dict(states[2:3])}
    return assemble(id, label, "moving_distances.js", config, [_frame(*state) for state in states])


def _frame(shape: str, shift: float) -> Frame:
    kind, *sizes = SHAPES[shape]
    shown = slice(1199, 3601, 12)  # from -3 to 3
    parts = [frames.path([0, 300], [120, 120], "grid", 1)]
    for size, at, name, hue in zip(sizes, (0.0, shift), "PQ", ("muted", "orange"), strict=True):
        parts.append(frames.path(150 + 50 * _X[shown], 120 - 90 * _density(kind, size, at)[shown], hue, 2.2))
        parts.append(frames.words(150 + 50 * at, 136, name, hue, "middle"))
    numbers = shifted_distances(shape, shift)
    values = "; ".join(f"{_NAMES[key]} {value:.3f}".replace("inf", "∞") for key, value in numbers.items())
    caption = f"{shape.capitalize()}, shift {shift}: {values}."
    return frames.svg(300, 142, f"{shape}, Q at {shift}", *parts), caption
