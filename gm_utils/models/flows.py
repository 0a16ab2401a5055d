"""Normalising flows: an invertible map between data x and noise z, and the exact log p(x) that it gives.

    z = f(x),  log p(x) = log N(f(x); 0, I) + log|det df/dx|;  x = f^-1(z) with z ~ N(0, I) is a draw

Every transform, and the whole flow, has two methods: `forward(x)`, the normalising direction, returns z and
log|det dz/dx|; `inverse(z)`, the generative one, returns x and log|det dx/dz|. x, z: (..., D), floats; a log-
determinant: (...), nats. ValueError, which names x or z, for another last dimension or what is not of floats;
NaN gives NaN. Both can be differentiated. Papamakarios et al. (2021), https://arxiv.org/abs/1912.02762.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from gm_utils.runtime import draw
from gm_utils.training import Player

Pair = tuple[Tensor, Tensor]  # what a direction returns: values (..., D), log-determinant (...)


def bounded(s: Tensor) -> Tensor:
    """3 tanh(s / 3): a log-scale in (-3, 3), of slope 1 at 0, so that no layer explodes. Any shape."""
    return 3 * torch.tanh(s / 3)


class AffineCoupling(nn.Module):
    """A part x_a passes and moves the rest: z_a = x_a, z_b = x_b exp(s(x_a)) + t(x_a); log|det| = sum s.

    dim: D. mask: (D,), true for x_a; by default the first half. hidden: widths of the network of s and t,
    which is never inverted. It starts as the identity. Dinh et al. (2017), eqs. 4 to 8,
    https://arxiv.org/abs/1605.08803. Raises ValueError for dim < 2, or a mask of another length or all alike.

    >>> z, log_det = AffineCoupling(4)(torch.ones(3, 4))
    >>> z.shape, log_det.shape
    (torch.Size([3, 4]), torch.Size([3]))
    """

    def __init__(self, dim: int, mask: Iterable[bool] | None = None, hidden: Sequence[int] = (64, 64)):
        super().__init__()
        if dim < 2:
            raise ValueError(f"dim is {dim}; expected at least 2: a coupling has two parts")
        mask = _first_half(dim) if mask is None else [bool(value) for value in mask]
        if len(mask) != dim or len(set(mask)) < 2:
            raise ValueError(f"mask is {mask}; expected {dim} values, some true and some false")
        self.dim = dim
        passes, moves = ([k for k in range(dim) if mask[k] is part] for part in (True, False))
        self.register_buffer("passes", torch.tensor(passes), persistent=False)  # where x_a stands
        self.register_buffer("moves", torch.tensor(moves), persistent=False)
        widths = [len(passes), *hidden, 2 * len(moves)]
        pairs = zip(widths, widths[1:], strict=False)
        layers = [layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU(inplace=True))]
        self.net = nn.Sequential(*layers[:-1])
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x: Tensor) -> Pair:
        b, s, t = self._moved(_checked(x, self.dim, "x"))
        return x.index_copy(-1, self.moves, torch.addcmul(t, b, s.exp())), s.sum(-1)

    def inverse(self, z: Tensor) -> Pair:
        b, s, t = self._moved(_checked(z, self.dim, "z"))
        return z.index_copy(-1, self.moves, (b - t) * (-s).exp()), -s.sum(-1)

    def _moved(self, x: Tensor) -> tuple[Tensor, ...]:
        s, t = self.net(x.index_select(-1, self.passes)).chunk(2, -1)
        return x.index_select(-1, self.moves), bounded(s), t


class MaskedLinear(nn.Linear):
    """A linear layer whose unit of degree m sees the inputs of degree <= m, or < m where `strict`.

    degrees_in: (n_in,), degrees_out: (n_out,). (..., n_in) -> (..., n_out). Germain et al. (2015), section 4.
    """

    def __init__(self, degrees_in: Tensor, degrees_out: Tensor, strict: bool = False):
        super().__init__(len(degrees_in), len(degrees_out))
        sees = degrees_in < degrees_out[:, None] if strict else degrees_in <= degrees_out[:, None]
        self.register_buffer("mask", sees.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)


class MADE(nn.Module):
    """One network for D conditionals: shift and log-scale of each coordinate, functions of those before it.

    dim: D. hidden: widths. order: (D,), the coordinates from first to last; by default 0, ..., D - 1. The
    first has degree 1, the last D; a hidden unit of degree m sees the first m. `made(x)`: (..., D) -> shift
    and `bounded` log-scale, both (..., D). Germain et al. (2015), https://arxiv.org/abs/1502.03509. Raises
    ValueError for dim < 1, a width below D - 1 (a degree would be missing), an order that is no permutation.
    """

    def __init__(self, dim: int, hidden: Sequence[int] = (64, 64), order: Iterable[int] | None = None):
        super().__init__()
        if dim < 1 or not hidden or min(hidden) < max(dim - 1, 1):
            raise ValueError(f"dim is {dim}, hidden is {hidden}; expected dim >= 1 and widths >= dim - 1")
        self.order = _permutation(range(dim) if order is None else order, dim)
        degree = torch.tensor([self.order.index(k) + 1 for k in range(dim)])
        below = max(dim - 1, 1)  # hidden degrees are 1, ..., D - 1, in blocks
        units = [torch.arange(h) * below // h + 1 for h in hidden]
        layers = [MaskedLinear(*pair) for pair in zip([degree, *units[:-1]], units, strict=True)]
        layers.append(MaskedLinear(units[-1], degree.repeat(2), strict=True))
        self.layers = nn.ModuleList(layers)
        starts = [[-(-m * h // below) for m in range(dim + 1)] for h in hidden]
        self.blocks = [[slice(*ends) for ends in zip(s, s[1:], strict=False)] for s in starts]

    def forward(self, x: Tensor) -> Pair:
        h = _checked(x, len(self.order), "x")
        for layer in self.layers[:-1]:
            h = layer(h).relu_()
        t, s = self.layers[-1](h).chunk(2, -1)
        return t, bounded(s)


class MaskedAutoregressive(nn.Module):
    """The layer of a MAF: z_i = (x_i - t_i) exp(-s_i), with t_i and s_i functions of the x before x_i.

    dim, hidden, order: of its `MADE`. The Jacobian is triangular, log|det dz/dx| = -sum s. `forward` is one
    pass of the network; `inverse` takes D steps, one after another, but computes each hidden unit once: when
    all that it sees is known. Papamakarios et al. (2017), section 3.1, https://arxiv.org/abs/1705.07057.
    """

    def __init__(self, dim: int, hidden: Sequence[int] = (64, 64), order: Iterable[int] | None = None):
        super().__init__()
        self.made = MADE(dim, hidden, order)

    def forward(self, x: Tensor) -> Pair:
        t, s = self.made(x)
        return (x - t) * (-s).exp(), -s.sum(-1)

    def inverse(self, z: Tensor) -> Pair:
        made, dim = self.made, len(self.made.order)
        flat = _checked(z, dim, "z").reshape(-1, dim)
        sums = [layer.bias.expand(len(flat), -1) for layer in made.layers]  # of W h + b, what is known
        x, s = [None] * dim, [None] * dim
        for step, i in enumerate(made.order):
            s[i] = bounded(sums[-1][:, dim + i])
            x[i] = flat[:, i] * s[i].exp() + sums[-1][:, i]
            new, units = x[i].unsqueeze(1), slice(i, i + 1)
            for k, layer in enumerate(made.layers):  # no mask: what a unit must not see comes too late for it
                sums[k] = torch.addmm(sums[k], new, layer.weight[:, units].T)
                if k < len(made.blocks):
                    units = made.blocks[k][step]  # these have now seen all that they may
                    new = sums[k][:, units].relu()
        return torch.stack(x, 1).view(z.shape), torch.stack(s, 1).sum(1).view(z.shape[:-1])


class Inverse(nn.Module):
    """A transform with its directions swapped: the layer of an IAF is that of a MAF, swapped.

    Kingma et al. (2016), https://arxiv.org/abs/1606.04934.
    """

    def __init__(self, transform: nn.Module):
        super().__init__()
        self.transform = transform

    def forward(self, x: Tensor) -> Pair:
        return self.transform.inverse(x)

    def inverse(self, z: Tensor) -> Pair:
        return self.transform(z)


class Permutation(nn.Module):
    """z_i = x_order[i], log|det| = 0. order: (D,), such as `torch.randperm(D)`; else ValueError."""

    def __init__(self, order: Sequence[int] | Tensor):
        super().__init__()
        self.register_buffer("order", torch.tensor(_permutation(order, len(order))))

    def forward(self, x: Tensor) -> Pair:
        return _checked(x, len(self.order), "x").index_select(-1, self.order), x.new_zeros(x.shape[:-1])

    def inverse(self, z: Tensor) -> Pair:
        back = self.order.argsort()
        return _checked(z, len(back), "z").index_select(-1, back), z.new_zeros(z.shape[:-1])


class InvertibleLinear(nn.Module):
    """z = W x, log|det W| from one LU factorisation a batch. weight: (D, D), the first W; else a rotation.

    Kingma & Dhariwal (2018), section 3.2, https://arxiv.org/abs/1807.03039. Raises ValueError for a weight
    that is singular, not finite, not of floats or not (dim, dim).
    """

    def __init__(self, dim: int, weight: Tensor | None = None):
        super().__init__()
        if weight is None:
            weight = nn.init.orthogonal_(torch.empty(dim, dim))
        elif not (
            weight.shape == (dim, dim) and weight.is_floating_point()
            and weight.isfinite().all() and torch.linalg.matrix_rank(weight) == dim
        ):  # fmt: skip
            raise ValueError(f"weight is {weight.tolist()}; expected floats ({dim}, {dim}) of full rank")
        self.weight = nn.Parameter(weight.clone())

    def forward(self, x: Tensor) -> Pair:
        z = F.linear(_checked(x, len(self.weight), "x"), self.weight)
        return z, torch.linalg.slogdet(self.weight)[1].expand(x.shape[:-1])

    def inverse(self, z: Tensor) -> Pair:
        columns = _checked(z, len(self.weight), "z").reshape(-1, len(self.weight)).T
        x = torch.linalg.solve(self.weight, columns).T.reshape(z.shape)
        return x, -torch.linalg.slogdet(self.weight)[1].expand(z.shape[:-1])


class Logit(nn.Module):
    """z = logit(alpha + (1 - 2 alpha) x), from pixels in [0, 1]: what a flow of images begins with.

    alpha: in [0, 1/2); above 0 it keeps black and white finite. Dinh et al. (2017), section 4.1. Raises
    ValueError for another alpha, and for x outside [0, 1] (in `forward`; not looked at on the meta device).
    """

    def __init__(self, alpha: float = 0.05):
        super().__init__()
        if not 0 <= alpha < 0.5:
            raise ValueError(f"alpha is {alpha}; expected at least 0, below 1/2")
        self.alpha = alpha

    def forward(self, x: Tensor) -> Pair:
        z = torch.logit(self.alpha + (1 - 2 * self.alpha) * x)
        if not x.is_meta and not ((x >= 0) & (x <= 1) & z.isfinite()).all():
            raise ValueError(f"x has values outside the domain of the logit, [0, 1] (alpha = {self.alpha})")
        return z, self._log_det(z)

    def inverse(self, z: Tensor) -> Pair:
        return (z.sigmoid() - self.alpha) / (1 - 2 * self.alpha), -self._log_det(z)

    def _log_det(self, z: Tensor) -> Tensor:  # dz/dx = (1 - 2 alpha) / (p (1 - p)) with p = sigmoid(z)
        return (math.log(1 - 2 * self.alpha) - F.logsigmoid(z) - F.logsigmoid(-z)).sum(-1)


class StandardNormal(nn.Module):
    """The base N(0, I). `log_prob(z)`: (..., D) -> (...), nats. `sample(n, generator=None)`: (n, D)."""

    def __init__(self, dim: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim), persistent=False)  # it knows device and dtype

    def log_prob(self, z: Tensor) -> Tensor:
        z = _checked(z, len(self.mean), "z")
        return -0.5 * (z.square().sum(-1) + len(self.mean) * math.log(2 * math.pi))

    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        return draw(torch.randn, (n, *self.mean.shape), self.mean, generator)


class Flow(nn.Module):
    """Transforms one after the other, the first at the data, then the base; their log-determinants add up.

    It can be walked: `for f in flow.transforms: x, log_det = f(x)`. base: has `log_prob` and `sample`.

    >>> RealNVP(2).log_prob(torch.zeros(1, 2)).exp()  # untrained it is N(0, I): 1 / (2 pi)
    tensor([0.1592], grad_fn=<ExpBackward0>)
    """

    def __init__(self, transforms: Iterable[nn.Module], base: nn.Module):
        super().__init__()
        self.transforms, self.base = nn.ModuleList(transforms), base

    def forward(self, x: Tensor) -> Pair:
        return _chain(x, [transform.forward for transform in self.transforms])

    def inverse(self, z: Tensor) -> Pair:
        return _chain(z, [transform.inverse for transform in reversed(self.transforms)])

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), exact, in nats. x: (..., D). Returns (...). Papamakarios et al. (2021), section 2.1."""
        z, log_det = self(x)
        return self.base.log_prob(z) + log_det

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Draws from p(x): f^-1 of draws from the base. Returns (n, D). Raises ValueError for n < 1."""
        if n < 1:
            raise ValueError(f"n is {n}; expected at least 1")
        return self.inverse(self.base.sample(n, generator=generator))[0]

    def loss(self, x: Tensor) -> Tensor:
        """The mean over the batch of -log p(x), in nats. x: (n, D). Raises ValueError for an empty batch."""
        if not len(x):
            raise ValueError("x has no examples; expected a batch of at least one")
        return -self.log_prob(x).mean()

    def players(self) -> list[Player]:
        """One player: all parameters minimise `loss`."""
        return [Player("loss", self, self.loss)]


def RealNVP(
    dim: int, n_layers: int = 6, hidden: Sequence[int] = (64, 64), mask: Iterable[bool] | None = None
) -> Flow:
    """Affine couplings: what one passes, the next one moves. mask: (D,), of the first; else half and half."""
    mask = _first_half(dim) if mask is None else [bool(value) for value in mask]
    masks = [[passes != k % 2 for passes in mask] for k in range(n_layers)]
    return Flow([AffineCoupling(dim, m, hidden) for m in masks], StandardNormal(dim))


def MAF(dim: int, n_layers: int = 5, hidden: Sequence[int] = (64, 64)) -> Flow:
    """Masked autoregressive layers, the order of the coordinates reversed from one to the next."""
    orders = [range(dim)[:: (-1) ** k] for k in range(n_layers)]
    return Flow([MaskedAutoregressive(dim, hidden, order) for order in orders], StandardNormal(dim))


def IAF(dim: int, n_layers: int = 5, hidden: Sequence[int] = (64, 64)) -> Flow:
    """A MAF with both directions swapped: a draw is one pass a layer, the density of a given x D steps."""
    return Flow([Inverse(layer) for layer in MAF(dim, n_layers, hidden).transforms], StandardNormal(dim))


def dequantize(levels: Tensor, n_levels: int, *, generator: Generator | None = None) -> Tensor:
    """(levels + u) / n_levels, u uniform on [0, 1): a density of these bounds log P(levels) from below.

    levels: any shape and dtype, whole numbers 0 .. n_levels - 1, else ValueError. Returns floats in [0, 1].
    Theis et al. (2016), section 3.1, https://arxiv.org/abs/1511.01844.
    """
    x = levels if levels.is_floating_point() else levels.float()
    if not ((x == x.round()) & (x >= 0) & (x < n_levels)).all():
        raise ValueError(f"levels has other values than 0, 1, ..., n_levels - 1 = {n_levels - 1}")
    return (x + draw(torch.rand, x.shape, x, generator)) / n_levels


def bits_per_dim(nll: float | Tensor, dim: int, n_levels: int = 256) -> float | Tensor:
    """nll / (dim log 2) + log2(n_levels): bits a pixel. nll: of `dequantize`d levels, in nats.

    dim, n_levels: at least 1, else ValueError.

    >>> round(bits_per_dim(-10650, 32 * 32 * 3), 3)
    2.998
    """
    if dim < 1 or n_levels < 1:
        raise ValueError(f"dim is {dim}, n_levels is {n_levels}; expected at least 1")
    return nll / (dim * math.log(2)) + math.log2(n_levels)


def _chain(x: Tensor, directions: list) -> Pair:
    total = x.new_zeros(x.shape[:-1])
    for direction in directions:
        x, log_det = direction(x)
        total = total + log_det
    return x, total


def _checked(x: Tensor, dim: int, name: str) -> Tensor:
    if x.shape[-1:] != (dim,) or not x.is_floating_point():
        raise ValueError(f"{name} has shape {(*x.shape,)} and dtype {x.dtype}; expected floats (..., {dim})")
    return x


def _first_half(dim: int) -> list[bool]:
    return [k < dim // 2 for k in range(dim)]


def _permutation(order: Iterable[int], dim: int) -> list[int]:
    order = [int(k) for k in order]
    if sorted(order) != list(range(dim)):
        raise ValueError(f"order is {order}; expected each of 0, ..., {dim - 1} once")
    return order
