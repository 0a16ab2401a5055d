"""The palette and its dark twin; the same as in `gm_utils/plotting.py` and `book/_static/gm.css` (tested)."""

from __future__ import annotations

import re

DARK = {
    "#fffefb": "#12161c",  # ground
    "#f5f4ef": "#1c232c",  # surface
    "#1f2430": "#e6e9ee",  # ink
    "#5b6472": "#a3adba",  # muted
    "#dddad0": "#323a45",  # grid
    "#0b6fa4": "#6cc6ee",  # blue
    "#c05109": "#ffa366",  # orange
    "#25855a": "#6fd3a0",  # green
    "#94479b": "#e39bdd",  # purple
    "#8a6d00": "#e3c24f",  # gold
    "#b8322a": "#ff8a7a",  # red
}
INK_DARK = DARK["#1f2430"]
COLOUR = re.compile(
    r"""((?:fill|stroke|color|stop-color)\s*[:=]\s*["']?)(#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3})\b"""
)


def twin(svg: str) -> tuple[str, set[str]]:
    """The SVG in the dark palette, and the colours in it that are not the palette's."""
    other: set[str] = set()

    def swap(found: re.Match[str]) -> str:
        colour = found[2].lower()
        if colour not in DARK:
            other.add(colour)
        return found[1] + DARK.get(colour, colour)

    # matplotlib leaves `fill` out where it is black, so the root says what it is
    return COLOUR.sub(swap, svg).replace("<svg ", f'<svg fill="{INK_DARK}" ', 1), other
