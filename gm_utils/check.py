"""The book's signature: a claim, the value that was got, the value that was expected, a tick."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gm_utils.runtime import profile

KINDS = ("closed form", "quadrature", "autograd", "another library", "Monte Carlo", "bound")


@dataclass(frozen=True)
class Bound:
    """What an inequality expects; made by `at_least` and `at_most`."""

    value: float
    sign: str  # "≥" or "≤"


def at_least(value: float) -> Bound:
    """`check("the gap is not negative", gap, at_least(0))` prints "0.113 ≥ 0"."""
    return Bound(float(value), "≥")


def at_most(value: float) -> Bound:
    """`check("the last latent has collapsed", kl, at_most(0.05))` prints "0.007 ≤ 0.05"."""
    return Bound(float(value), "≤")


def check(
    claim: str,
    got: Any,
    expected: Any,
    *,
    tol: float = 0.0,
    why: str = "",
    kind: str = "closed form",
    trained: bool = False,
) -> None:
    """Print one line that says whether `got` equals `expected`; raise if it does not.

    |got - expected| <= tol, elementwise; arrays print their largest difference.
    claim: a sentence in words. why: where the tolerance comes from ("5 standard errors").
    kind: how `expected` was had, one of `KINDS`.
    expected: a number, an array, a truth value, or an inequality (`at_least`, `at_most`), whose kind
    is "bound" and to which `tol` gives way.
    trained: the claim needs a trained model; in the profile `smoke` it is printed and not asserted.

    Raises AssertionError with both values, ValueError for an unknown `kind`, a tolerance that is
    negative or not finite, shapes that differ, or nothing to compare.

    >>> check("KL of a unit shift is one half", 0.5, 1 / 2, tol=1e-12)
    ✓ KL of a unit shift is one half: 0.5 = 0.5 (closed form, ±1e-12)
    >>> check("a KL divergence is not negative", 0.5, at_least(0))
    ✓ a KL divergence is not negative: 0.5 ≥ 0
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    tol = float(tol)
    if not (math.isfinite(tol) and tol >= 0):
        raise ValueError(f"tol is {tol!r}; expected a finite number of at least 0")
    if isinstance(expected, Bound):
        holds, values, kind = *_bounded(_array(got, "got"), expected, tol), "bound"
        sources = why
    else:
        holds, values = _equal(_array(got, "got"), _array(expected, "expected"), tol)
        sources = ", ".join(s for s in (kind, f"±{tol:.2g}" if tol else "", why) if s)
    skip = trained and profile() == "smoke"
    line = f"{claim}{': ' if values else ''}{values}" + (f" ({sources})" if sources else "")
    if not (holds or skip):
        raise AssertionError(line)
    record = {"claim": claim, "values": values, "kind": kind, "tol": tol, "why": why, "trained": trained}
    _show(f"· {line} not asserted at this size" if skip else f"✓ {line}", record)


def _array(value: Any, name: str) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    out = np.asarray(value)
    if out.size == 0:
        raise ValueError(f"{name} is empty; expected at least one value")
    return out


def _bounded(a: np.ndarray, bound: Bound, tol: float) -> tuple[bool, str]:
    worst = float(a.min() if bound.sign == "≥" else a.max())  # NaN if any value is
    holds = worst >= bound.value - tol if bound.sign == "≥" else worst <= bound.value + tol
    sign = bound.sign if holds else f"is not {bound.sign}"
    x, y = (f"{v:,.0f}" if abs(v) >= 1000 else f"{v:.4g}" for v in (worst, bound.value))
    slack = f" {'-' if bound.sign == '≥' else '+'} {tol:.2g}" if tol else ""
    return holds, f"{x} {sign} {y}{slack}"


def _equal(a: np.ndarray, b: np.ndarray, tol: float) -> tuple[bool, str]:
    if a.shape != b.shape and a.ndim and b.ndim:
        raise ValueError(f"got has shape {a.shape}, expected has shape {b.shape}: they must be equal")
    if a.dtype == bool and b.dtype == bool:
        return bool(np.all(a == b)), "" if np.all(a == b) else f"{a} ≠ {b}"
    a, b = a.astype(np.float64), b.astype(np.float64)
    difference = float(np.max(np.abs(a - b)))
    holds = difference <= tol  # False for NaN
    if a.ndim or b.ndim:
        return holds, f"{max(a.size, b.size)} values, largest difference {difference:.1e}"
    # one digit more than the tolerance has, six at most, all if it fails
    digits = max(1, min(6, 1 + math.ceil(-math.log10(tol)))) if tol and holds else 6
    small = 0 < max(abs(a), abs(b)) < 1e-3
    x, y = (f"{v:.3g}" if small else f"{v:.{digits}f}" for v in (float(a), float(b)))
    if not small:
        x, y = (v.rstrip("0").rstrip(".") for v in (x, y))
    sign = "≠" if not holds else "=" if x == y else "≈"
    return holds, f"{x} {sign} {y}" + ("" if holds else f", off by {difference:.3g}")


def _show(line: str, record: dict[str, Any]) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import publish_display_data
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print(line)
    else:
        publish_display_data({"text/plain": line}, metadata={"gm_check": record})
