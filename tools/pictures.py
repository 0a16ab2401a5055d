"""Draw the landing page's pictures: the hero (noise carried to a digit) and a pictogram for each family.

Inline SVG in the book's colours (`var(--gm-…)`), so they follow light and dark. Run by hand; the result
in `book/_static/map/` is committed. Everything drawn is computed: optimal transport, densities, flows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[1] / "book" / "_static" / "map"
W, H = 320, 150
rng = np.random.default_rng(7)


def dots(xy: np.ndarray, r: float, colour: str, opacity: float = 1.0) -> str:
    """All points as one path of round-capped zero-length strokes: one node, not one for each point."""
    d = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in xy)
    pen = f'stroke="var(--gm-{colour})" stroke-width="{2 * r:g}" stroke-linecap="round"'
    return f'<path d="{d}" {pen} opacity="{opacity:g}"/>'


def line(xy: np.ndarray, colour: str, width: float = 1.5, more: str = "") -> str:
    d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in xy)
    return f'<path d="{d}" fill="none" stroke="var(--gm-{colour})" stroke-width="{width:g}" {more}/>'


def save(name: str, body: list[str], width: int = W, height: int = H) -> None:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" aria-hidden="true">'
    (OUT / f"{name}.svg").write_text(head + "\n".join(body) + "</svg>\n", encoding="utf8")


def digit_points(n: int) -> np.ndarray:
    """n points drawn from a handwritten digit, read as a density; in [0, 1] x [0, 1]."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    data = load_digits()
    image = data.images[np.flatnonzero(data.target == 3)[0]]
    fine = np.clip(zoom(np.pad(image, 1), 12, order=3), 0, None) ** 2.2
    at = rng.choice(fine.size, n, p=(fine / fine.sum()).ravel())
    y, x = np.divmod(at, fine.shape[1])
    return (np.stack([x, y], 1) + rng.random((n, 2))) / fine.shape[0]


def hero(n: int = 560) -> None:
    """Noise on the left, a digit on the right, each point carried by the optimal matching."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    z = rng.standard_normal((n, 2)) * [62, 68] + [120, 190]
    x = digit_points(n) * [330, 330] + [272, 25]
    rows, columns = linear_sum_assignment(
        cdist((z - z.mean(0)) / z.std(0), (x - x.mean(0)) / x.std(0), "sqeuclidean")
    )
    x = x[columns][np.argsort(rows)]
    far = np.linspace(0.35, 0.65, 2)
    paths = "".join(
        f"M{a:.0f} {b:.0f}C{a + (c - a) * far[0]:.0f} {b:.0f} "
        f"{a + (c - a) * far[1]:.0f} {d:.0f} {c:.0f} {d:.0f}"
        for (a, b), (c, d) in zip(z, x, strict=True)
    )
    save("hero", [
        '<defs><linearGradient id="hero-fade" gradientUnits="userSpaceOnUse" x1="60" x2="470">'
        '<stop offset="0" stop-color="var(--gm-muted)" stop-opacity=".3"/>'
        '<stop offset=".55" stop-color="var(--gm-blue)" stop-opacity=".24"/>'
        '<stop offset="1" stop-color="var(--gm-blue)" stop-opacity="0"/></linearGradient></defs>',
        f'<path d="{paths}" fill="none" stroke="url(#hero-fade)" stroke-width=".7"/>',
        dots(z, 1.9, "muted", 0.7), dots(x, 2.4, "blue"),
    ], 600, 380)  # fmt: skip


def vae() -> None:
    """The code plane: the encoder's densities inside the prior's circles."""
    body = [f'<ellipse cx="160" cy="75" rx="{r * 1.6:g}" ry="{r:g}" fill="none" stroke="var(--gm-grid)" '
            'stroke-width="1.5" stroke-dasharray="3 4"/>' for r in (26, 48, 68)]  # fmt: skip
    centres = np.array(
        [[108, 52], [150, 38], [206, 58], [128, 98], [176, 84], [226, 98], [84, 84], [178, 118]]
    )
    for (x, y), colour in zip(
        centres, ["blue", "orange", "green", "purple", "gold", "red", "green", "blue"], strict=True
    ):
        rx, ry = rng.uniform(11, 18), rng.uniform(7, 12)
        body.append(
            f'<ellipse cx="{x}" cy="{y}" rx="{rx:.0f}" ry="{ry:.0f}" '
            f'fill="var(--gm-{colour})" opacity=".28"/>'
        )
        body.append(dots(rng.standard_normal((5, 2)) * [rx / 2.4, ry / 2.4] + [x, y], 1.6, colour))
    save("vae", body)


def flow() -> None:
    """A square grid and its image under an invertible map."""

    def bend(p: np.ndarray) -> np.ndarray:
        u, v = (p[:, 0] - 0.5) * 2, (p[:, 1] - 0.5) * 2
        v = v + 0.42 * np.sin(2.4 * u)
        u = u + 0.3 * np.sin(2.2 * v)
        return np.stack([u, v], 1)

    s = np.linspace(0, 1, 50)
    body = []
    for k in np.linspace(0, 1, 8):
        for a, b in ((s, np.full_like(s, k)), (np.full_like(s, k), s)):
            p = np.stack([a, b], 1)
            body.append(line(p[[0, -1]] * [100, 100] + [25, 25], "muted", 1, 'opacity=".6"'))
            body.append(line(bend(p) * [42, 40] + [238, 75], "blue", 1.2))
    body.append('<path d="M138 75h26m-7-6l7 6l-7 6" fill="none" stroke="var(--gm-orange)" stroke-width="2" '
                'stroke-linecap="round" stroke-linejoin="round"/>')  # fmt: skip
    save("flow", body)


def diffusion() -> None:
    """A ring under growing noise: x_t = sqrt(a) x_0 + sqrt(1 - a) eps."""
    t = rng.uniform(0, 2 * np.pi, 70)
    x0, noise = np.stack([np.cos(t), np.sin(t)], 1), rng.standard_normal((70, 2)) * 0.75
    body = []
    for k, (a, colour) in enumerate(
        zip((1.0, 0.93, 0.7, 0.0), ("blue", "blue", "blue", "muted"), strict=True)
    ):
        x = np.sqrt(a) * x0 + np.sqrt(1 - a) * noise
        body.append(dots(np.clip(x, -1.7, 1.7) * 21 + [44 + 77 * k, 75], 1.5, colour, 1 - 0.1 * k))
    save("diffusion", body)


def energy() -> None:
    """An energy with three wells, its density below, a chain that walks."""
    x = np.linspace(0, 320, 200)
    u = (x - 160) / 80
    e = 0.32 * u**4 - 0.9 * u**2 + 0.35 * np.cos(6 * u) + 0.12 * u
    e = np.minimum(e, 1.6 + 0.1 * (e - 1.6))
    y = 112 - 62 * (e - e.min()) / np.ptp(e)
    p = np.exp(-3.2 * (e - e.min()))
    area = "M0 140" + "".join(f"L{a:.1f} {140 - 24 * b:.1f}" for a, b in zip(x, p, strict=True)) + "L320 140Z"
    body = [
        f'<path d="{area}" fill="var(--gm-blue)" opacity=".25"/>',
        line(np.stack([x, y], 1), "orange", 2.2),
    ]
    walk = np.sort(rng.choice(np.arange(200), 9, replace=False, p=p / p.sum()))
    body.append(dots(np.stack([x[walk], y[walk] - 6], 1), 3.2, "blue"))
    save("energy", body)


def gan() -> None:
    """Data, generator and the best discriminator D = p / (p + q)."""
    x = np.linspace(0, 320, 160)
    p = np.exp(-(((x - 175) / 42) ** 2) / 2)
    q = 0.85 * np.exp(-(((x - 120) / 48) ** 2) / 2)
    body = []
    for f, colour in ((p, "blue"), (q, "orange")):
        area = (
            "M0 132"
            + "".join(f"L{a:.1f} {132 - 96 * b:.1f}" for a, b in zip(x, f, strict=True))
            + "L320 132Z"
        )
        body += [f'<path d="{area}" fill="var(--gm-{colour})" opacity=".16"/>',
                 line(np.stack([x, 132 - 96 * f], 1), colour, 2)]  # fmt: skip
    d = (p + 1e-4) / (p + q + 2e-4)
    body.append(
        line(np.stack([x, 132 - 112 * d], 1), "green", 1.6, 'stroke-dasharray="2 4" stroke-linecap="round"')
    )
    save("gan", body)


def control() -> None:
    """One code moved along one direction: the shape turns and nothing else changes."""
    body = [line(np.array([[20, 122], [300, 122]]), "muted", 1.5)]
    for k, colour in enumerate(("blue", "blue", "orange", "blue", "blue")):
        x, angle = 48 + 56 * k, -40 + 20 * k
        body.append(f'<path d="M{x - 15} 50h30v14h-9v24h-12v-24h-9z" fill="var(--gm-{colour})" '
                    f'opacity="{1 if k == 2 else 0.45}" transform="rotate({angle} {x} 70)"/>')  # fmt: skip
    body.append(dots(np.array([[48 + 56 * k, 122] for k in range(5)]), 2.2, "muted"))
    body.append(dots(np.array([[160, 122]]), 5, "orange"))
    save("control", body)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for draw in (hero, vae, flow, diffusion, energy, gan, control):
        draw()
