"""A trained flow of the plane runs in the page: points at every layer, and each layer's log-determinant."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from gm_utils import frames
from gm_utils.interactive import Frame, Interactive, array, assemble, halves, mlp_weights
from gm_utils.models.flows import Flow, MaskedAutoregressive, bounded


def _layer(transform: nn.Module) -> dict:
    """The layer as the page runs it: constants for its first coordinate, a network for its second one."""
    if not isinstance(transform, MaskedAutoregressive) or len(transform.made.order) != 2:
        kind = type(transform).__name__
        raise TypeError(f"flow has a {kind}; expected MaskedAutoregressive of two coordinates")
    a, b = transform.made.order
    *inner, last = transform.made.layers
    weights = [layer.weight * layer.mask for layer in transform.made.layers]
    weights[0], weights[-1] = weights[0][:, a : a + 1], weights[-1][[b, 2 + b]]
    biases = [*(layer.bias for layer in inner), last.bias[[b, 2 + b]]]
    net: list[nn.Module] = []
    for weight, bias in zip(weights, biases, strict=True):
        net += [nn.Linear(*weight.T.shape), nn.ReLU()]
        net[-2].load_state_dict({"weight": weight, "bias": bias})
    mlp = mlp_weights(nn.Sequential(*net[:-1]))
    shift, scale = float(last.bias[a]), float(bounded(last.bias[2 + a]))
    return {"order": [a, b], "shift": round(shift, 5), "scale": round(scale, 5), "mlp": mlp}


@torch.no_grad()
def flow_layers(
    flow: Flow, data: Tensor, labels: Tensor, *, probe: tuple[float, float] = (0.0, 1.0), start: int = 0,
    id: str = "i-13-layers",
) -> Interactive:  # fmt: skip
    r"""Points and the grid of the base pushed through a trained MAF of the plane, one layer at a time.

    flow: of `MaskedAutoregressive` layers for D = 2, else TypeError. data: (n, 2), the points that are shown;
    as many draws of the base are shown on their way to x. labels: (n,) of 0 and 1, their colours; a draw has
    the colour of the data point nearest to it. probe: the point x whose log-density is asked first. start:
    the number of layers done at first. The page's maps equal torch's within 1e-2, log-determinants in nats.
    Raises ValueError for other shapes. Source: Papamakarios et al. (2017), equations 3 to 5.
    """
    if data.ndim != 2 or data.shape[1] != 2 or labels.shape != data.shape[:1]:
        shapes = f"{tuple(data.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"data and labels have shapes {shapes}; expected (n, 2) and (n,)")
    layers = [_layer(transform) for transform in flow.transforms]
    base = torch.randn(data.shape, generator=torch.Generator().manual_seed(0)).to(data)
    drawn = labels[torch.cdist(flow.inverse(base)[0], data).argmin(1)]
    levels = [data]
    for transform in flow.transforms:
        levels.append(transform(levels[-1])[0])
    radius = round(min(float(torch.cat(levels).abs().quantile(0.98)) * 1.05, 5), 2)
    digits = ["".join(str(int(label)) for label in some) for some in (labels, drawn)]
    config = {
        "layers": layers, "data": halves(array(data)), "labels": digits[0], "draws": halves(array(base)),
        "drawn": digits[1], "probe": list(probe), "start": start, "radius": radius,
    }  # fmt: skip
    label = (
        f"A flow of {len(layers)} layers: choose a layer, and see the data on their way to a Gaussian, or "
        "draws on their way to the data, with the share of each layer in the log-determinant of one point."
    )
    pictures = _frames(flow, levels, digits[0], radius)
    return assemble(id, label, "flow_layers.js", config, pictures)


def _frames(flow: Flow, levels: list[Tensor], digits: str, radius: float) -> list[Frame]:
    count, pictures = len(levels) - 1, []
    shares = [transform(h)[1].mean() for transform, h in zip(flow.transforms, levels, strict=False)]
    shown = sorted({round(count * part / 3) for part in range(4)})
    for last, k in pairwise([0, *shown]):
        spots = array(80 + levels[k] / radius * torch.tensor([78.0, -78.0]).to(levels[k])).round(1)
        parts = []
        for which, hue in enumerate(("blue", "orange")):
            dots = "".join(f"M{x} {y}h0" for (x, y), d in zip(spots, digits, strict=True) if d == str(which))
            style = f'stroke="{frames.hue(hue)}" stroke-width="3" stroke-linecap="round"'
            parts.append(f'<path d="{dots}" {style}/>')
        name = "The data" if k == 0 else f"After layer {k} of {count}"
        gained = frames.signed(float(sum(shares[last:k])), 2)
        caption = f"{name}: log-determinant {gained} on average." if k else f"{name}."
        pictures.append((frames.svg(160, 160, name, *parts), caption))
    return pictures
