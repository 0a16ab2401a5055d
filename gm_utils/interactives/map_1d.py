"""A monotone map of the line: the reader bends it, and density and grid follow."""

from __future__ import annotations

import numpy as np

from gm_utils import frames
from gm_utils.interactive import Frame, Interactive, assemble

STATES = {  # a, b, c and where the strip stands
    "two humps": (1, 0, 1, 0),
    "x = 2z": (2, 0, 0, 1),
    "turned round": (-1.5, 1, 0, 1),
    "almost flat": (1, 0, -0.3, 0),
}


def map_terms(a: float, b: float, c: float) -> dict[str, float]:
    r"""Integrals over x of $p_x$ and of three mistakes, for $x=g(z)=b+a(z+c\tanh3z)$, $z\sim\mathcal N(0,1)$.

    `right` $p_z(f(x))/|g'|$; `left out` $p_z(f(x))$; `upside down` $p_z(f(x))|g'|$; `g for f`
    $p_z(g(x))\,|f'(x)|$, with $f=g^{-1}$; midpoint rule.
    Raises ValueError unless a is not 0 and c is above -1/3: then g is invertible with a slope that is not 0.

    >>> {name: round(value, 4) for name, value in map_terms(2, 1, 0).items()}
    {'right': 1.0, 'left out': 2.0, 'upside down': 4.0, 'g for f': 0.25}
    """
    if a == 0 or c <= -1 / 3:
        raise ValueError(f"a is {a}, c is {c}; expected a other than 0 and c above -1/3")
    reach = 40 * max(1, 1 / a**2)
    z = np.linspace(-reach, reach, 400_001)
    x, slope = _map(z, a, b, c)
    base = _phi(z)
    heights = {"right": base / slope, "left out": base, "upside down": base * slope}
    heights["g for f"] = _phi(_map(x, a, b, c)[0]) / slope
    dx = slope * (z[1] - z[0])
    return {name: float(values @ dx) for name, values in heights.items()}


def _map(z: np.ndarray, a: float, b: float, c: float) -> tuple[np.ndarray, np.ndarray]:
    """g(z) and |g'(z)|."""
    t = np.tanh(3 * z)
    return b + a * (z + c * t), abs(a) * (1 + 3 * c * (1 - t**2))


def _phi(z: np.ndarray) -> np.ndarray:
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def map_1d(id: str = "i-12-map") -> Interactive:
    r"""The map $x=b+a(z+c\tanh3z)$ of a standard normal z, its grid, its density, and the usual mistakes.

    Starts at two humps: where the map pulls the grid apart, the density is low. Integrals as `map_terms`.
    """
    label = (
        "A map of the line: move its scale, shift and bend; the grid of z goes to x, the density follows, "
        "and the integrals of the right formula and of three mistakes are shown."
    )
    states = [{"name": name, "a": a, "b": b, "c": c, "z": z} for name, (a, b, c, z) in STATES.items()]
    pictures = [_frame(name, *state) for name, state in STATES.items()]
    return assemble(id, label, "map_1d.js", {"start": states[0], "states": states}, pictures)


def _frame(name: str, a: float, b: float, c: float, z0: float) -> Frame:
    z = np.linspace(-3.2, 3.2, 129)
    x, slope = _map(z, a, b, c)
    across, up = 150 + 45 * z, 72 - 11 * np.clip(x, -6.5, 6.5)
    parts = [
        frames.path([across[i], across[i], 6], [144, up[i], up[i]], "grid", 1) for i in range(4, 129, 10)
    ]
    parts += [frames.path(across, 144 + 40 * _phi(z), "green"), frames.path(across, up, "ink", 2)]
    parts.append(frames.path(6 + np.minimum(160 * _phi(z) / slope, 140), up, "blue", 2))
    terms = map_terms(a, b, c)
    at = np.abs(z - z0).argmin()
    values = (_phi(z[at]), slope[at], _phi(z[at]) / slope[at], terms["upside down"])
    numbers = [frames.signed(value) for value in values]
    caption = (
        f"{name}: at z = {z0} the density {numbers[0]} is divided by the stretch {numbers[1]}, {numbers[2]}; "
        f"integral {terms['right']:.3f}, with the factor upside down {numbers[3]}."
    )
    alt = f"{name}: the map, the base density below, that of x at the left"
    return frames.svg(300, 164, alt, *parts), caption
