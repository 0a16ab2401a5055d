"""A joint table of two variables whose cells the reader drags; the entropies and their diagram follow."""

from __future__ import annotations

from gm_utils import frames, information
from gm_utils.interactive import Frame, Interactive, assemble

PRESETS = {  # P(X, Y), a row for each value of X
    "A surprise": [[0.0, 0.125], [0.75, 0.125]],  # Cover & Thomas (2006), section 2.6
    "Independent": [[0.21, 0.49], [0.09, 0.21]],
    "Equal": [[0.5, 0.0], [0.0, 0.5]],
    "Noisy channel": [[0.445, 0.055], [0.055, 0.445]],
}


def joint_table(id: str = "i-4-table") -> Interactive:
    """A 2x2 joint distribution as four tiles to drag, and H(X), H(Y), H(X,Y), H(X|Y), H(Y|X), I(X;Y) as bars.

    Starts where one outcome of Y raises the entropy of X, though H(X|Y) < H(X). In nats; a button shows bits.
    """
    label = (
        "Joint table: drag the four probabilities of two binary variables; beside them bars show the joint "
        "entropy, the two entropies, the conditional entropies and the mutual information, in one unit."
    )
    flat = [{"name": name, "cells": sum(table, [])} for name, table in PRESETS.items()]
    pictures = [_frame(name, table) for name, table in PRESETS.items()]
    return assemble(id, label, "joint_table.js", {"start": flat[0]["cells"], "presets": flat[1:]}, pictures)


def _frame(name: str, table: list[list[float]]) -> Frame:
    rows, columns = ([sum(line) for line in lines] for lines in (table, zip(*table, strict=True)))
    hx, hy = float(information.entropy(rows)), float(information.entropy(columns))
    both, mi = float(information.joint_entropy(table)), float(information.mutual_information(table))
    parts = []
    for i, row in enumerate(table):
        for j, p in enumerate(row):
            x, y = 4 + 52 * j, 10 + 62 * i
            parts.append(frames.rect(x, y, 48, 58, "grid", 0.5))
            parts.append(frames.rect(x, y + 58 * (1 - p), 48, 58 * p, "blue", 0.4))
            parts.append(frames.words(x + 24, y + 33, f"{p:.3f}", "ink", "middle"))
    pieces = {
        "H(X,Y)": (0, both, "muted"),
        "H(X)": (0, hx, "blue"),
        "H(Y)": (both - hy, both, "orange"),
        "I(X;Y)": (both - hy, hx, "purple"),
    }
    for k, (words, (start, end, hue)) in enumerate(pieces.items()):
        parts.append(frames.rect(170 + 85 * start, 10 + 31 * k, max(85 * (end - start), 1), 25, hue, 0.45))
        parts.append(frames.words(164, 26 + 31 * k, words, "ink", "end"))
    caption = (
        f"{name}: H(X) {hx:.3f}, H(Y) {hy:.3f}, H(X,Y) {both:.3f}, H(X|Y) {both - hy:.3f}, "
        f"H(Y|X) {both - hx:.3f}, I(X;Y) {mi:.3f} nats."
    )
    return frames.svg(300, 136, f"{name}: the table and its entropies as bars", *parts), caption
