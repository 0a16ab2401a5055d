"""Figures that a reader moves: HTML with its own script, which needs no kernel and sends no request.

The script (`gm_utils/js`) computes the closed forms, or runs the lecture's own small network, in the page;
Python draws four key frames of the same numbers for print and for readers without script. The same arguments
give the same bytes. An `id` that is not lower-case letters, digits and hyphens raises ValueError.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gm_utils import frames, runtime

LIMIT = 150_000  # bytes of one interactive
Frame = tuple[str, str]  # a key frame: SVG, caption


class Interactive:
    """Self-contained HTML that a notebook shows; `html` is the text, at most 150 kB."""

    def __init__(self, id: str, html: str) -> None:
        self.id, self.html = id, html

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Interactive({self.id!r}, {len(self.html.encode()) / 1000:.0f} kB)"


def assemble(id: str, label: str, script: str, config: dict, pictures: Sequence[Frame]) -> Interactive:
    """An interactive of its parts: the div with style and key frames, and after it the script.

    script: name of a file in gm_utils/js, which finds `config` (JSON, with the id) and what interactive.js
    offers; label: what it is, for a screen reader; pictures: four key frames, for print and without script.
    Raises ValueError where the id is no id or the whole takes more than 150 kB.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", id):
        raise ValueError(f"id is {id!r}; expected lower-case letters, digits and hyphens, as in 'i-10-plane'")
    figures = "".join(f"<figure>{svg}<figcaption>{words}</figcaption></figure>" for svg, words in pictures)
    data = json.dumps({"id": id, **config}, separators=(",", ":")).replace("</", "<\\/")
    code = "\n".join(_lean(runtime.asset(name)) for name in ("interactive.js", script))
    html = (
        f'<div class="gm-interactive" id="{id}" role="group" aria-label="{escape(label)}">'
        f"<style>{_lean(runtime.asset('interactive.css')).replace('#ID', '#' + id)}</style>"
        f'<div class="gm-frames">{figures}</div></div>\n'
        f"<script>(() => {{\nconst config = {data};\n{code}\n}})();</script>"
    )
    size = len(html.encode())
    if size > LIMIT:
        raise ValueError(f"{id} takes {size:,} bytes; expected at most {LIMIT:,}: pass a smaller network")
    return Interactive(id, html)


def _lean(source: str) -> str:
    """The source without indentation, blank lines and whole-line comments."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


# The laboratory: one observation of a linear-Gaussian model.

_W, _S, _X = 2.0, 1.0, 3.0


def _kl(mean: float, var: float, mean_0: float, var_0: float) -> float:
    return 0.5 * (var / var_0 + (mean - mean_0) ** 2 / var_0 - 1 - math.log(var / var_0))


def laboratory_terms(mean: float, variance: float) -> dict[str, float]:
    r"""The parts of the ELBO in the laboratory, in nats, for a Gaussian q of this mean and variance.

    The model is $z\sim\mathcal N(0,1)$, $x\mid z\sim\mathcal N(2z,1)$ with $x=3$ observed: the posterior is
    $\mathcal N(1.2, 0.2)$, and `logp` = `elbo` + `gap`, `elbo` = `recon` - `kl` for every q.
    Raises ValueError for a variance that is not positive. Source: Kingma & Welling (2014), (1) and (3).

    >>> {name: round(value, 6) for name, value in laboratory_terms(1, 0.25).items()}
    {'recon': -1.918939, 'kl': 0.818147, 'elbo': -2.737086, 'gap': 0.113428, 'logp': -2.623657}
    """
    if not variance > 0:
        raise ValueError(f"variance is {variance}; expected a positive number")
    total = _W**2 + _S  # the variance of x
    recon = -0.5 * math.log(2 * math.pi * _S) - ((_X - _W * mean) ** 2 + _W**2 * variance) / (2 * _S)
    kl = _kl(mean, variance, 0, 1)
    gap = _kl(mean, variance, _W * _X / total, _S / total)
    logp = -0.5 * math.log(2 * math.pi * total) - _X**2 / (2 * total)
    return {"recon": recon, "kl": kl, "elbo": recon - kl, "gap": gap, "logp": logp}


def elbo_laboratory(id: str = "i-10-lab") -> Interactive:
    r"""One observation, one latent: the reader drags q, and ELBO + gap stays at log p(x).

    The model of `laboratory_terms`; starts at $q=\mathcal N(1, 1/4)$. All figures in nats.
    """
    label = (
        "ELBO laboratory: drag the mean and the variance of q; on the left the densities of the prior, "
        "the true posterior and q, on the right the ELBO and the gap, whose sum is always log p(x) = −2.624."
    )
    states = {"Exam question": (1, 0.25), "q = prior": (0, 1), "Too far": (2, 0.2), "Posterior": (1.2, 0.2)}
    pictures = [_laboratory_frame(name, *state) for name, state in states.items()]
    return assemble(id, label, "laboratory.js", {"w": _W, "s": _S, "x": _X, "start": (1, 0.25)}, pictures)


def _laboratory_frame(name: str, mean: float, variance: float) -> Frame:
    terms = laboratory_terms(mean, variance)
    z = np.linspace(-2.6, 3.4, 91)
    parts = [frames.path([0, 168], [150, 150], "grid", 1)]
    for m, v, hue in ((0, 1, "muted"), (1.2, 0.2, "green"), (mean, variance, "blue")):
        heights = np.exp(-((z - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
        parts.append(frames.path((z + 2.6) * 28, 150 - 100 * heights, hue, 2.4 if hue == "blue" else 1.5))
    depth = {key: 10 + 18 * min(-value, 8) for key, value in terms.items()}
    parts += [
        frames.rect(182, 10, 34, depth["logp"] - 10, "green", 0.3),
        frames.rect(182, depth["logp"], 34, depth["elbo"] - depth["logp"], "orange", 0.7),
        frames.rect(220, 10, 34, depth["recon"] - 10, "blue", 0.3),
        frames.rect(220, depth["recon"], 34, depth["elbo"] - depth["recon"], "purple", 0.5),
        frames.path([178, 300], [depth["logp"]] * 2, "green", 2),
        frames.words(300, depth["logp"] - 4, "log p(x)", "green", "end"),
        frames.words(258, max(depth["elbo"] + 4, depth["logp"] + 13), "ELBO", "blue"),
    ]
    number = {key: frames.signed(value) for key, value in terms.items()}
    caption = (
        f"{name}: q = N({mean:.2f}, {variance:.2f}); reconstruction {number['recon']}, KL {number['kl']}, "
        f"ELBO {number['elbo']}, gap {number['gap']}; ELBO + gap = {number['logp']}."
    )
    return frames.svg(300, 160, f"{name}: the densities and the two bars", *parts), caption


# The latent plane: the lecture's own decoder runs in the page.

_ACTIVATIONS = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
_PASSED_OVER = (nn.Sequential, nn.Identity, nn.Flatten, nn.Unflatten)


def mlp_weights(module: nn.Module) -> dict[str, Any]:
    """A multilayer perceptron as data for the page: `{"layers": [[in, out], "relu", …], "weights": base64}`.

    `module` is an `nn.Sequential` (or several, nested) of `Linear`, `ReLU`, `SiLU`, `Tanh`, `Sigmoid`; layers
    that only reshape are passed over; any other raises TypeError. The weights are little-endian float16, each
    layer's matrix (out, in) row by row and then its bias.

    >>> mlp_weights(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4)))["layers"]
    [[2, 3], 'relu', [3, 4]]
    """
    layers: list[Any] = []
    numbers: list[np.ndarray] = []
    for _, layer in module.named_modules(remove_duplicate=False):  # in the order of an nn.Sequential
        if isinstance(layer, nn.Linear):
            layers.append([layer.in_features, layer.out_features])
            bias = torch.zeros(layer.out_features) if layer.bias is None else layer.bias
            numbers += [array(layer.weight).ravel(), array(bias)]
        elif type(layer) in _ACTIVATIONS:
            layers.append(_ACTIVATIONS[type(layer)])
        elif not isinstance(layer, _PASSED_OVER):
            known = "Linear, ReLU, SiLU, Tanh, Sigmoid in nn.Sequential"
            raise TypeError(f"module has a {type(layer).__name__}; expected {known}")
    return {"layers": layers, "weights": halves(np.concatenate(numbers or [np.zeros(0)]))}


def array(values: Tensor) -> np.ndarray:
    """The tensor's values in float64, off the graph and the device. Any shape."""
    return values.detach().cpu().double().numpy()


def halves(values: np.ndarray) -> str:
    """The values, row by row, as little-endian float16 in base64: the page's `halves` reads them."""
    return base64.b64encode(values.astype("<f2").tobytes()).decode()


class _Codes:
    """The density of the codes: the mean of one Gaussian around each, widened by a bandwidth."""

    def __init__(self, codes: np.ndarray, variances: np.ndarray | float) -> None:
        n = len(codes)
        spread = codes.var(axis=0, ddof=1) * n ** (-1 / 3) / 4 + 1e-4  # the bandwidth, squared; (2,)
        self.codes = codes.astype("<f2").astype(float)  # as the page has them
        self.precision = (1 / (spread + variances + 0 * codes)).astype("<f2").astype(float)
        own = self.precision.prod(1) ** 0.5 / (2 * math.pi * n)
        others = (np.exp(self.log_density(self.codes)) - own) * n / (n - 1)  # each code under the others only
        self.levels = np.quantile(np.log(np.maximum(others, 1e-30)), [0.05, 0.2, 0.5])
        self.radius = float(np.clip(1.05 * np.quantile(np.abs(codes), 0.998), 3.4, 6))
        axis = np.linspace(-self.radius, self.radius, 81)
        grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
        prior, density = -math.log(2 * math.pi) - (grid**2).sum(1) / 2, self.log_density(grid)
        empty = density < self.levels[0]
        self.share = float(1 - np.exp(prior) @ ~empty * (axis[1] - axis[0]) ** 2)  # of the prior's draws
        self.hole = grid[np.argmax(np.exp(prior) * (prior - density) * (0.001 + empty))].round(2)
        self.dense = grid[np.argmax(density)].round(2)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """(m, 2) -> (m,), in nats."""
        squares = (points[:, None] - self.codes) ** 2 * self.precision
        kernels = self.precision.prod(1) ** 0.5 * np.exp(-squares.sum(2) / 2)
        return np.log(kernels.mean(1) / (2 * math.pi) + 1e-30)


def latent_plane(
    decode_module: nn.Module, codes: Tensor, labels: Tensor, log_vars: Tensor | None = None,
    id: str = "i-10-plane", image_shape: tuple[int, int] = (8, 8),
) -> Interactive:  # fmt: skip
    r"""The plane of codes with the decoder at hand: the reader drags a point, and its image is drawn.

    `decode_module`: what `mlp_weights` takes, from 2 inputs to H·W pixel means in 0..1 (end it with a
    `Sigmoid` where it gives logits); `codes`: (n, 2) posterior means; `labels`: (n,) digits 0..9;
    `log_vars`: (n, 2) log-variances of the posteriors. Shown are at most 600 codes, evenly chosen, the
    prior's circles, and $q(z)=\frac1n\sum_i\mathcal N(z;\mu_i,\operatorname{diag}(\sigma_i^2+h^2))$, h half
    the bandwidth of Scott's rule (1992). Blue is where q exceeds what 95 % of the codes have under the
    others; a hole is elsewhere, and it starts in one. The page's decoder equals torch within 1e-2.
    Raises ValueError for shapes that do not agree or more than 150 kB, TypeError for a layer it cannot run.
    """
    mlp = mlp_weights(decode_module)
    _require_plane(mlp["layers"], codes, labels, log_vars, math.prod(image_shape))
    chosen = torch.linspace(0, len(codes) - 1, min(len(codes), 600)).long()
    digits = "".join(str(int(label)) for label in labels.cpu()[chosen])
    variances = 0.0 if log_vars is None else np.exp(array(log_vars)[chosen])
    density = _Codes(array(codes)[chosen], variances)
    config = {
        "mlp": mlp, "codes": halves(density.codes), "precision": halves(density.precision),
        "labels": digits, "levels": density.levels.round(4).tolist(), "radius": round(density.radius, 3),
        "share": round(density.share, 4), "start": density.hole.tolist(),
        "dense": density.dense.tolist(), "shape": list(image_shape),
    }  # fmt: skip
    label = (
        "Latent plane: move a point over the codes of the digits, and the trained decoder draws its image; "
        f"{100 * density.share:.0f} % of the prior's draws land where almost no code is."
    )
    pictures = _plane_frames(decode_module, density, digits, image_shape)
    return assemble(id, label, "plane.js", config, pictures)


def _require_plane(
    layers: list[Any], codes: Tensor, labels: Tensor, log_vars: Tensor | None, pixels: int
) -> None:
    sizes = [layer for layer in layers if not isinstance(layer, str)]
    if codes.ndim != 2 or codes.shape[1] != 2 or len(codes) < 10:
        raise ValueError(f"codes has shape {tuple(codes.shape)}; expected (n, 2) with n at least 10")
    if labels.shape != codes.shape[:1] or not ((labels >= 0) & (labels <= 9)).all():
        raise ValueError(f"labels has shape {tuple(labels.shape)}; expected ({len(codes)},), digits 0 to 9")
    if log_vars is not None and log_vars.shape != codes.shape:
        raise ValueError(f"log_vars has shape {tuple(log_vars.shape)}; expected {tuple(codes.shape)}")
    if not sizes or sizes[0][0] != 2 or sizes[-1][1] != pixels:
        raise ValueError(f"decode_module has layers {sizes}; expected 2 inputs and {pixels} outputs, H·W")


def _plane_frames(module: nn.Module, density: _Codes, digits: str, shape: tuple[int, int]) -> list[Frame]:
    far = np.argsort(((density.codes - density.dense) ** 2).sum(1))[[len(digits) // 2, -len(digits) // 20]]
    names = ("A hole", "The densest place", "A code", "Another code")
    places = (density.hole, density.dense, *density.codes[far])
    weight, scale = next(module.parameters()), 80 / density.radius
    dots = "".join(f"M{84 + scale * a:.0f} {84 - scale * b:.0f}h0" for a, b in density.codes[::3])
    rings = "".join(frames.circle(84, 84, r * scale, "none", "muted") for r in (1, 2, 3))
    line = f'stroke="{frames.hue("blue")}" stroke-width="3" stroke-linecap="round" stroke-opacity="0.6"'
    pictures = []
    for name, z in zip(names, places, strict=True):
        with torch.no_grad():
            image = module(torch.from_numpy(z[None]).to(weight)).cpu().reshape(shape)
        log_p, log_q = -math.log(2 * math.pi) - z @ z / 2, float(density.log_density(z[None])[0])
        digit = digits[int(((density.codes - z) ** 2).sum(1).argmin())]
        point = frames.circle(84 + scale * z[0], 84 - scale * z[1], 5, "orange", "ground")
        picture = f'<image x="184" y="28" width="112" height="112" href="{frames.png(image)}"'
        parts = f'<path d="{dots}" {line}/>', rings, point, picture + ' style="image-rendering:pixelated"/>'
        a, b, p, q = (frames.signed(float(value), 2) for value in (*z, log_p, log_q))
        caption = f"{name}, z = ({a}, {b}): log p(z) {p}, log q(z) {q}; the nearest code is a {digit}."
        pictures.append((frames.svg(300, 168, f"{name}: the codes and its image", *parts), caption))
    return pictures


# The trade between reconstruction and KL, in the linear theory.


def linear_theory(eigenvalues: Sequence[float], noise_var: float, latents: int) -> dict[str, float]:
    r"""What a linear VAE does at its optimum, for a noise variance that is held fixed.

    `eigenvalues`: (D,) $\lambda_i$ of the data's covariance, the largest first. Direction i lives where
    $i\le$ `latents` and $\lambda_i>\sigma^2$. Returns `live`, their number; `kl`, the sum of
    $\frac12\log(\lambda_i/\sigma^2)$ over them (nats per example); `error`, the expected squared error of the
    mean reconstruction: $\sigma^4/\lambda_i$ for a live one, $\lambda_i$ for the others; `elbo` (nats per
    example), equal to the log-likelihood here.
    Raises ValueError for a noise that is not positive, eigenvalues that are negative or not in falling order.
    Source: Tipping & Bishop (1999), equations (7) and (8); Lucas et al. (2019).

    >>> theory = linear_theory([0.699, 0.639, 0.554, 0.395], 0.5, 4)
    >>> theory["live"], round(theory["kl"], 3)
    (3, 0.341)
    """
    values = np.asarray(eigenvalues, dtype=float)
    if not noise_var > 0:
        raise ValueError(f"noise_var is {noise_var}; expected a positive number")
    if values.ndim != 1 or not (values >= -1e-9).all() or (np.diff(values) > 0).any():
        raise ValueError("eigenvalues are negative or not in falling order; expected (D,), the largest first")
    lives = (values > noise_var) & (np.arange(len(values)) < latents)
    live, dead = values[lives], values[~lives]
    costs = np.sum(np.log(live) + 1) + np.sum(math.log(noise_var) + dead / noise_var)
    return {
        "live": int(lives.sum()),
        "kl": float(0.5 * np.log(live / noise_var).sum()),
        "error": float((noise_var**2 / live).sum() + dead.sum()),
        "elbo": float(-0.5 * (len(values) * math.log(2 * math.pi) + costs)),
    }


def noise_tradeoff(
    eigenvalues: Sequence[float] | Tensor, latents: int, measured: Sequence[tuple[str, float, float]] = (),
    id: str = "i-10-noise",
) -> Interactive:  # fmt: skip
    r"""The noise variance as a water line over the eigenvalues, and the trade between KL and squared error.

    `eigenvalues`: (D,) of the data's covariance, the largest first; `latents`: the model's, fewer than D;
    `measured`: (name, KL in nats per image, squared error per image) of trained networks, beside the theory.
    Buttons stand at the noise that a loss implies: summed squares $\frac12$, pixel mean $D/2$, calibrated,
    the mean of the eigenvalues left out (Tipping & Bishop, 1999, equation 8). Starts at summed squares.
    Raises ValueError as `linear_theory` does, and where `latents` leave nothing out.
    """
    values = [float(f"{float(value):.9g}") for value in eigenvalues]
    left_out = values[latents:]
    if latents < 1 or not sum(left_out) > 0:
        raise ValueError(f"latents is {latents}; expected at least 1, with positive eigenvalues left out")
    calibrated, pixel_mean = sum(left_out) / len(left_out), len(values) / 2
    marks = {"calibrated": calibrated, "summed squares": 0.5, "pixel mean": pixel_mean}
    span = 10 ** math.floor(math.log10(calibrated / 3)), 10 ** math.ceil(math.log10(len(values)))
    config = {
        "eigenvalues": values, "latents": latents, "start": 0.5, "range": span,
        "marks": [{"name": name, "noise": noise} for name, noise in marks.items()],
        "measured": [{"name": name, "kl": float(kl), "error": float(error)} for name, kl, error in measured],
    }  # fmt: skip
    label = (
        "Noise and collapse: move the assumed noise variance as a water line over the data's eigenvalues; "
        "the latents above it live, and the KL and the squared error follow."
    )
    states = {"Calibrated": calibrated, "In between": 0.2, "Summed squares": 0.5, "Pixel mean": pixel_mean}
    pictures = [_noise_frame(name, values, noise, latents, span) for name, noise in states.items()]
    return assemble(id, label, "noise.js", config, pictures)


def _noise_frame(name: str, values: list[float], noise: float, latents: int, span: Sequence[float]) -> Frame:
    theory = linear_theory(values, noise, latents)
    low, high = (math.log10(end) for end in span)

    def y(value: float) -> float:
        return 8 + 132 * (high - min(max(math.log10(max(value, 1e-30)), low), high)) / (high - low)

    count = min(len(values), 40)
    parts, step, water = [], 290 / count, y(noise)
    for i, value in enumerate(values[:count]):
        split = water if i < latents and value > noise else y(value)
        parts.append(frames.rect(5 + i * step, y(value), step - 1.2, split - y(value), "blue"))
        below = "muted" if i < latents else "grid"
        parts.append(frames.rect(5 + i * step, split, step - 1.2, 140 - split, below))
    parts.append(frames.path([0, 300], [water] * 2, "gold", 2))
    parts.append(frames.words(300, water + (13 if water < 20 else -5), f"noise {noise:.2g}", "gold", "end"))
    caption = (
        f"{name}, noise {noise:.2g}: {theory['live']} of {latents} latents live, KL {theory['kl']:.3f} nats, "
        f"squared error {theory['error']:.3f} of {sum(values):.2f}."
    )
    return frames.svg(300, 146, f"Eigenvalues and water line: {name}", *parts), caption


def explore(function: Callable[..., Any], **sliders: Any) -> Any:
    """`ipywidgets.interact(function, **sliders)` in a person's own kernel; elsewhere nothing, and None."""
    if not runtime.live():
        return None
    from ipywidgets import interact

    return interact(function, **sliders)
