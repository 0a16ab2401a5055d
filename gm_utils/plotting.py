"""One look for every figure: a palette with its dark twin, and the few plots that lectures share.

Line figures are SVG: the site writes their dark twin by exchanging the palette's colours, so every
colour that is drawn comes from here. Pictures of pixels are PNG (`Picture`).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GROUND, INK, MUTED, GRID = "#fffefb", "#1f2430", "#5b6472", "#dddad0"
BLUE, ORANGE, GREEN, PURPLE, GOLD, RED = "#0b6fa4", "#c05109", "#25855a", "#94479b", "#8a6d00", "#b8322a"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, GOLD, RED)
DARK = {
    GROUND: "#12161c", INK: "#e6e9ee", MUTED: "#a3adba", GRID: "#323a45",
    BLUE: "#6cc6ee", ORANGE: "#ffa366", GREEN: "#6fd3a0", PURPLE: "#e39bdd", GOLD: "#e3c24f", RED: "#ff8a7a",
}  # fmt: skip
MARKERS = "os^Dv*"  # one a colour: a figure can be read in grey


def use_style() -> None:
    """Set matplotlib to the book's style, and a notebook's figures to SVG.

    Called once in a lecture's set-up cell; the only function of the package that changes a setting.
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update({
        "figure.figsize": (5.2, 3.0), "figure.dpi": 100, "savefig.dpi": 144,
        "figure.constrained_layout.use": True,
        "figure.facecolor": GROUND, "axes.facecolor": GROUND, "savefig.facecolor": GROUND,
        "legend.facecolor": GROUND, "legend.edgecolor": GROUND, "legend.framealpha": 0.85,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": MUTED,
        "axes.prop_cycle": cycler(color=CYCLE), "lines.linewidth": 2, "font.size": 11, "axes.titlesize": 11,
        "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.titlecolor": INK,
        "text.color": INK, "axes.labelcolor": INK, "xtick.color": MUTED, "ytick.color": MUTED,
        "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID, "grid.linewidth": 0.8,
        "patch.edgecolor": INK, "hatch.color": INK, "boxplot.flierprops.color": INK, "lines.markersize": 5,
        "svg.hashsalt": "gm", "svg.fonttype": "path",
        "image.cmap": "gray_r", "image.interpolation": "nearest",
    })  # fmt: skip
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    set_matplotlib_formats("svg", metadata={"Date": None, "Creator": None})


class Picture:
    """A PNG that a notebook shows: `_repr_png_`. Its bytes are the same on every run."""

    def __init__(self, png: bytes, alt: str = "picture") -> None:
        self.png, self.alt = png, alt

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"[{self.alt}]"


def picture(fig: Figure, *, dpi: int = 144) -> Picture:
    """The figure as PNG, for pictures of pixels; the figure is closed."""
    import matplotlib.pyplot as plt

    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.04, metadata={"Software": None})
    plt.close(fig)
    return Picture(out.getvalue())


def _as_rows(images: torch.Tensor | np.ndarray) -> np.ndarray:
    """(n, h, w) in float from (n, h, w) or (n, 1, h, w)."""
    a = images.detach().cpu().numpy() if isinstance(images, torch.Tensor) else np.asarray(images)
    if a.ndim == 4 and a.shape[1] == 1:
        a = a[:, 0]
    if a.ndim != 3:
        raise ValueError(f"images has shape {a.shape}; expected (n, h, w) or (n, 1, h, w)")
    return a


def tile(images: torch.Tensor | np.ndarray, columns: int, *, gap: int = 1) -> np.ndarray:
    """One picture of many: images (n, h, w) or (n, 1, h, w) in rows of `columns`, NaN between them.

    >>> tile(np.zeros((4, 2, 2)), 2).shape
    (5, 5)
    """
    a = _as_rows(images)
    n, h, w = a.shape
    rows = math.ceil(n / columns)
    out = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap), np.nan)
    for i in range(n):
        r, c = divmod(i, columns)
        out[r * (h + gap) : r * (h + gap) + h, c * (w + gap) : c * (w + gap) + w] = a[i]
    return out


def show_images(ax: Axes, images: torch.Tensor | np.ndarray, columns: int, *, title: str = "") -> None:
    """Draw images in [0, 1] as a grid, ink on paper, without axes."""
    ax.imshow(tile(images, columns), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    if title:
        ax.set_title(title)


def image_rows(rows: Sequence[tuple[str, torch.Tensor]], *, size: float = 0.62) -> Picture:
    """Labelled rows of equally many images in [0, 1]: [("data", x), ("reconstruction", x_hat)]."""
    import matplotlib.pyplot as plt

    n = len(rows[0][1])
    fig, axes = plt.subplots(len(rows), 1, figsize=(1.5 + size * n, size * len(rows) * 1.12), squeeze=False)
    for ax, (label, images) in zip(axes[:, 0], rows, strict=True):
        show_images(ax, images, n)
        ax.text(-0.015, 0.5, label, transform=ax.transAxes, ha="right", va="center", fontsize=10)
    return picture(fig)


def latent_mosaic(
    ax: Axes, decode: Callable[[torch.Tensor], torch.Tensor], n: int = 16, *, like: torch.Tensor
) -> None:
    """Decoded images on an n x n grid of the latent plane, at the quantiles of N(0, I).

    decode: z (n*n, 2) -> images (n*n, 1, h, w). Equal steps in probability, so that every image
    stands for the same share of prior draws. like: a tensor of the decoder's dtype and device.
    """
    u = (torch.arange(n, dtype=like.dtype, device=like.device) + 0.5) / n
    q = math.sqrt(2) * torch.erfinv(2 * u - 1)  # (n,)
    z = torch.stack(torch.meshgrid(q, q.flip(0), indexing="xy"), -1).reshape(-1, 2)  # first row: largest z_2
    with torch.no_grad():
        show_images(ax, decode(z), n)


def trajectories(ax: Axes, paths: torch.Tensor, **style: Any) -> None:
    """Paths of points in the plane: paths (steps, n, 2), a dot where each ends."""
    p = paths.detach().cpu()
    ax.plot(p[..., 0], p[..., 1], **{"color": BLUE, "lw": 0.8, "alpha": 0.6, **style})
    ax.plot(p[-1, :, 0], p[-1, :, 1], "o", color=ORANGE, ms=3)
    ax.set_aspect("equal")


def prior_circles(ax: Axes, radii: Sequence[float] = (1, 2, 3)) -> None:
    """The circles |z| = r of a standard normal prior, thin and grey."""
    t = np.linspace(0, 2 * np.pi, 181)
    for r in radii:
        ax.plot(r * np.cos(t), r * np.sin(t), color=MUTED, lw=0.8, ls=(0, (4, 3)))
    ax.set_aspect("equal")
