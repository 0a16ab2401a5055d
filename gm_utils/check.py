"""The book's signature: a claim, the value that was got, the value that was expected, a tick."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from gm_utils.runtime import profile

KINDS = ("closed form", "quadrature", "autograd", "another library", "Monte Carlo")


def check(
    claim: str,
    got: Any,
    expected: Any,
    *,
    tol: float,
    why: str = "",
    kind: str = "closed form",
    trained: bool = False,
) -> None:
    """Print one line that says whether `got` equals `expected`; raise if it does not.

    |got - expected| <= tol, elementwise; arrays print their largest difference.
    claim: a sentence in words. why: where the tolerance comes from ("5 standard errors").
    kind: how `expected` was had, one of `KINDS`.
    trained: the claim needs a trained model; in the profile `smoke` it is printed and not asserted.
    A bound is checked as a truth value: `check("the bound holds", elbo <= log_p, True, tol=0)`.

    Raises AssertionError with both values, ValueError for an unknown `kind`, a tolerance that is
    negative or not finite, or shapes that differ.

    >>> check("KL of a unit shift is one half", 0.5, 1 / 2, tol=1e-12)
    ✓ KL of a unit shift is one half: 0.5 = 0.5 (closed form, ±1e-12)
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    if not (math.isfinite(tol) and tol >= 0):
        raise ValueError(f"tol is {tol!r}; expected a finite number of at least 0")
    a, b = _array(got, "got"), _array(expected, "expected")
    if a.shape != b.shape and a.ndim and b.ndim:
        raise ValueError(f"got has shape {a.shape}, expected has shape {b.shape}: they must be equal")
    difference = float(np.max(np.abs(a - b), initial=0.0))
    holds = bool(difference <= tol)  # False for NaN
    values = _values(got, expected, a, b, tol, difference)
    sources = ", ".join(s for s in (kind, f"±{tol:.2g}" if tol else "", why) if s)
    skip = trained and profile() == "smoke"
    if not (holds or skip):
        raise AssertionError(f"{claim}: {values} ({sources}), the difference is {difference:.3g}")
    mark, note = ("·", " not asserted at this size") if skip else ("✓", "")
    record = {"claim": claim, "values": values, "kind": kind, "tol": tol, "why": why, "trained": trained}
    _show(f"{mark} {claim}: {values} ({sources}){note}", record)


def _array(value: Any, name: str) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    out = np.asarray(value, dtype=np.float64)
    if out.size == 0:
        raise ValueError(f"{name} is empty; expected at least one value")
    return out


def _values(got: Any, expected: Any, a: np.ndarray, b: np.ndarray, tol: float, difference: float) -> str:
    if isinstance(got, (bool, np.bool_)) or a.dtype == bool:
        return str(bool(got)) if bool(got) == bool(expected) else f"{bool(got)} ≠ {bool(expected)}"
    sign = "=" if difference <= tol else "≠"
    if a.ndim or b.ndim:
        return f"{a.size if a.ndim else b.size} values, largest difference {difference:.1e}"
    x, y = float(a), float(b)
    # as many digits as the tolerance makes meaningful, six at most
    digits = 6 if tol == 0 else max(0, min(6, math.ceil(-math.log10(tol))))
    text = [f"{v:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{v:.0f}" for v in (x, y)]
    if digits == 6 and max(abs(x), abs(y)) < 1e-3:
        text = [f"{v:.3g}" for v in (x, y)]
    return f"{text[0]} {sign if text[0] == text[1] or sign == '≠' else '≈'} {text[1]}"


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
