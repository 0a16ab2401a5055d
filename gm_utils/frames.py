"""Key frames of the interactive figures: a few shapes of SVG as text, and pixels as a PNG in a data URI.

Colours are names of the book's palette, which follow the page's theme. Lengths are in units of the drawing.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape

import torch
from torch import Tensor

from gm_utils import plotting


def hue(name: str) -> str:
    """The palette's colour as a page writes it.

    >>> hue("blue")
    'var(--gm-blue,#0b6fa4)'
    """
    return f"var(--gm-{name},{getattr(plotting, name.upper())})"


def path(x: Sequence[float], y: Sequence[float], stroke: str, width: float = 1.5) -> str:
    """A line through the points (x, y), two sequences of the same length."""
    points = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<path d="M{points}" fill="none" stroke="{hue(stroke)}" stroke-width="{width}"/>'


def rect(x: float, y: float, width: float, height: float, fill: str, opacity: float = 1) -> str:
    """A rectangle with its upper left corner at (x, y); a negative height is drawn as none."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}"'
    return f'<rect {box} fill="{hue(fill)}" fill-opacity="{opacity}"/>'


def circle(x: float, y: float, r: float, fill: str, stroke: str) -> str:
    """A circle; `fill` may be `"none"`."""
    inside = fill if fill == "none" else hue(fill)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{inside}" stroke="{hue(stroke)}"/>'


def words(x: float, y: float, text: str, fill: str = "ink", anchor: str = "start") -> str:
    """A text whose start, middle or end stands at (x, y)."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="11" font-family="sans-serif" fill="{hue(fill)}">{escape(text)}</text>'


def svg(width: int, height: int, label: str, *parts: str) -> str:
    """The drawing of these parts, with `label` as its alternative text."""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def signed(value: float, digits: int = 3) -> str:
    """The number with a true minus sign, and zero without one.

    >>> signed(-2.7371), signed(-0.0001, 2)
    ('−2.737', '0.00')
    """
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def png(image: Tensor) -> str:
    """A grey picture as a data URI; uncompressed: the same bytes everywhere. `image`: (H, W), 1 is black."""
    pixels = (255 * (1 - image.clamp(0, 1))).round().to(torch.uint8).cpu().numpy()
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return "data:image/png;base64," + base64.b64encode(data).decode()
