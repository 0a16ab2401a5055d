"""Entropy, divergences and mutual information, in nats unless `base=` says otherwise.

A distribution lies in the last dimension (a joint one in the last two); the dimensions before it are
batches and broadcast. Numbers and nested sequences become float64, tensors keep their dtype and device
(half precision is summed in single). 0 log 0 = 0, with a gradient of 0 there; p log(p / 0) = +inf.
A ValueError names the argument that is no distribution, does not fit the others, or is a base <= 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor

Numbers = Tensor | np.ndarray | float | Sequence


def self_information(p: Numbers, *, base: float | None = None) -> Tensor:
    """Surprise at an event of probability p; elementwise, +inf at p = 0.

    I(p) = -log p

    p: (...), probabilities that need not sum to 1. Returns (...), nats. Raises ValueError outside [0, 1].
    Source: Goodfellow, Bengio & Courville (2016), section 3.13.

    >>> self_information([1.0, 0.5, 0.125, 0.0], base=2).tolist()
    [0.0, 1.0, 3.0, inf]
    """
    (p,), dtype = widened(*as_tensors(p=p))
    if not ((p >= 0) & (p <= 1 + _tolerance(dtype))).all():
        raise ValueError("p must lie in [0, 1]; it holds a number outside or NaN")
    return _answer(bounded(-p.log()), dtype, base)


def entropy(p: Numbers, *, base: float | None = None) -> Tensor:
    """Shannon entropy: the mean surprise.

    H(p) = -Σ p log p, in [0, log K]

    p: (..., K). Returns (...), nats. Raises ValueError where p is no distribution.
    Source: Shannon (1948), section 6; Cover & Thomas (2006), section 2.1.

    >>> entropy([0.5, 0.25, 0.125, 0.125], base=2)
    tensor(1.7500, dtype=torch.float64)
    """
    (p,), dtype = as_distributions(p=p)
    return _answer(bounded(-_p_log(p, p).sum(-1)), dtype, base)


def cross_entropy(p: Numbers, q: Numbers, *, base: float | None = None) -> Tensor:
    """Mean surprise of a reader who believes q while p is true; +inf where p > 0 and q = 0.

    H(p, q) = -Σ p log q = H(p) + D(p‖q)

    p, q: (..., K). Returns (...), nats. Raises ValueError where one is no distribution or they do not fit.
    Source: Goodfellow, Bengio & Courville (2016), section 3.13.

    >>> cross_entropy([0.5, 0.5], [0.25, 0.75], base=2)
    tensor(1.2075, dtype=torch.float64)
    """
    (p, q), dtype = as_distributions(p=p, q=q)
    return _answer(bounded(-_p_log(p, q).sum(-1)), dtype, base)


def kl_divergence(p: Numbers, q: Numbers, *, base: float | None = None) -> Tensor:
    """Kullback-Leibler divergence, the expectation being under p; +inf where p > 0 and q = 0.

    D(p‖q) = Σ p log(p / q) >= 0, and 0 only where p = q

    p, q: (..., K). Returns (...), nats. Raises ValueError where one is no distribution or they do not fit.
    Source: Kullback & Leibler (1951); Cover & Thomas (2006), section 2.3.

    >>> kl_divergence([0.5, 0.5], [0.25, 0.75])
    tensor(0.1438, dtype=torch.float64)
    >>> kl_divergence([0.5, 0.5], [1.0, 0.0])
    tensor(inf, dtype=torch.float64)
    """
    (p, q), dtype = as_distributions(p=p, q=q)
    return _answer(bounded((_p_log(p, p) - _p_log(p, q)).sum(-1)), dtype, base)


def js_divergence(p: Numbers, q: Numbers, *, base: float | None = None) -> Tensor:
    """Jensen-Shannon divergence (not its square root, which is the metric); always finite.

    JS(p, q) = ½ D(p‖m) + ½ D(q‖m) with m = (p + q) / 2, in [0, log 2]

    p, q: (..., K). Returns (...), nats. Raises ValueError where one is no distribution or they do not fit.
    Source: Lin (1991).

    >>> js_divergence([1.0, 0.0], [0.0, 1.0], base=2)
    tensor(1., dtype=torch.float64)
    """
    (p, q), dtype = as_distributions(p=p, q=q)
    both = p + q  # 2m, against 2p and 2q: m itself can underflow to 0 where p > 0
    terms = _p_log(p, 2 * p) - _p_log(p, both) + _p_log(q, 2 * q) - _p_log(q, both)
    return _answer(bounded(terms.sum(-1) / 2, high=math.log(2)), dtype, base)


def joint_entropy(pxy: Numbers, *, base: float | None = None) -> Tensor:
    """Entropy of a pair.

    H(X, Y) = -Σ p(x, y) log p(x, y)

    pxy: (..., X, Y). Returns (...), nats. Raises ValueError where pxy is no joint distribution.
    Source: Cover & Thomas (2006), section 2.2.

    >>> joint_entropy([[0.25, 0.25], [0.25, 0.25]], base=2)
    tensor(2., dtype=torch.float64)
    """
    (pxy,), dtype = as_distributions(pxy=pxy, dims=2)
    return _answer(bounded(-_p_log(pxy, pxy).sum((-2, -1))), dtype, base)


def conditional_entropy(pxy: Numbers, *, given: str = "x", base: float | None = None) -> Tensor:
    """Mean entropy that is left in one variable when the other is known.

    H(Y|X) = -Σ p(x, y) log p(y|x) = H(X, Y) - H(X)   for given="x"; H(X|Y) for given="y"

    pxy: (..., X, Y). Returns (...), nats. Raises ValueError for no joint distribution, or another `given`.
    Source: Cover & Thomas (2006), section 2.2.

    >>> conditional_entropy([[0.5, 0.0], [0.25, 0.25]], given="x", base=2)
    tensor(0.5000, dtype=torch.float64)
    """
    if given not in ("x", "y"):
        raise ValueError(f'given must be "x" or "y"; got {given!r}')
    (pxy,), dtype = as_distributions(pxy=pxy, dims=2)
    known = pxy.sum(-1 if given == "x" else -2, keepdim=True)
    return _answer(bounded((_p_log(pxy, known) - _p_log(pxy, pxy)).sum((-2, -1))), dtype, base)


def mutual_information(pxy: Numbers, *, base: float | None = None) -> Tensor:
    """What one variable tells about the other.

    I(X; Y) = Σ p(x, y) log(p(x, y) / (p(x) p(y))) = H(X) - H(X|Y) >= 0, and 0 only for independence

    pxy: (..., X, Y). Returns (...), nats. Raises ValueError where pxy is no joint distribution.
    Source: Cover & Thomas (2006), section 2.3.

    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]], base=2)
    tensor(1., dtype=torch.float64)
    """
    (pxy,), dtype = as_distributions(pxy=pxy, dims=2)
    px, py = pxy.sum(-1, keepdim=True), pxy.sum(-2, keepdim=True)  # (..., X, 1), (..., 1, Y)
    terms = _p_log(pxy, pxy) - _p_log(pxy, px) - _p_log(pxy, py)
    return _answer(bounded(terms.sum((-2, -1))), dtype, base)


def uniform_entropy(low: Numbers, high: Numbers, *, base: float | None = None) -> Tensor:
    """Differential entropy of the uniform density on [low, high]; negative where high - low < 1.

    h = log(high - low)

    low, high: numbers or (...), broadcast. Returns (...), nats. Raises ValueError unless low < high, finite.
    Source: Cover & Thomas (2006), section 8.1.

    >>> uniform_entropy(0.0, 0.5)
    tensor(-0.6931, dtype=torch.float64)
    """
    (low, high), dtype = widened(*as_tensors(low=low, high=high))
    require_fit(low=low[..., None], high=high[..., None])
    if not ((low < high) & (high - low).isfinite()).all():
        raise ValueError("low must be less than high, and both finite")
    return _answer((high - low).log(), dtype, base)


def gaussian_entropy(cov: Numbers, *, base: float | None = None) -> Tensor:
    """Differential entropy of a Gaussian, whatever its mean.

    h = ½ log((2πe)^d det Σ)

    cov: (..., d, d). Returns (...), nats. Raises ValueError where cov is not symmetric positive definite.
    Source: Cover & Thomas (2006), theorem 8.4.1.

    >>> gaussian_entropy([[1.0]])
    tensor(1.4189, dtype=torch.float64)
    """
    (cov,), dtype = widened(*as_covariances(cov=cov))
    _, log_det = _cholesky("cov", cov)
    return _answer((cov.shape[-1] * (1 + math.log(2 * math.pi)) + log_det) / 2, dtype, base)


def gaussian_kl(mean_p: Numbers, cov_p: Numbers, mean_q: Numbers, cov_q: Numbers) -> Tensor:
    """KL divergence between two Gaussians with full covariances.

    D(p‖q) = ½ (tr(Σq⁻¹ Σp) + (μq - μp)ᵀ Σq⁻¹ (μq - μp) - d + log(det Σq / det Σp))

    mean_p, mean_q: (..., d); cov_p, cov_q: (..., d, d); batches broadcast. Returns (...), nats.
    Raises ValueError unless covariances are symmetric positive definite, means finite, and shapes fit.
    Source: Rasmussen & Williams (2006), appendix A.

    >>> gaussian_kl([1.0, 0.0], [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])
    tensor(0.5000, dtype=torch.float64)
    """
    mean_p, cov_p, mean_q, cov_q = as_tensors(mean_p=mean_p, cov_p=cov_p, mean_q=mean_q, cov_q=cov_q)
    cov_p, cov_q = as_covariances(cov_p=cov_p, cov_q=cov_q)
    require_finite(mean_p=mean_p, mean_q=mean_q)
    rows = {"rows of cov_p": cov_p[..., 0], "rows of cov_q": cov_q[..., 0]}
    require_fit(mean_p=mean_p, mean_q=mean_q, **rows)
    (mean_p, cov_p, mean_q, cov_q), dtype = widened(mean_p, cov_p, mean_q, cov_q)
    (factor_p, log_det_p), (factor_q, log_det_q) = _cholesky("cov_p", cov_p), _cholesky("cov_q", cov_q)
    ratio = torch.linalg.solve_triangular(factor_q, factor_p, upper=False)  # (..., d, d): Lq⁻¹ Lp
    shift = torch.linalg.solve_triangular(factor_q, (mean_q - mean_p).unsqueeze(-1), upper=False)
    traces = ratio.square().sum((-2, -1)) + shift.square().sum((-2, -1)) - mean_p.shape[-1]
    return _answer(bounded((traces + log_det_q - log_det_p) / 2), dtype)


def diagonal_gaussian_kl(mean: Numbers, log_var: Numbers) -> Tensor:
    """KL divergence from a diagonal Gaussian to the standard normal: the regulariser of a VAE.

    D(N(μ, diag σ²)‖N(0, I)) = ½ Σ (μ² + σ² - 1 - log σ²)

    mean: (..., Z), log_var: (..., Z), log σ². Returns (...), nats. Raises ValueError where shapes do not fit;
    looks at no value, so that models can call it on any device, `meta` too.
    Source: Kingma & Welling (2014), appendix B.

    >>> diagonal_gaussian_kl([1.0, 2.0], [0.0, 0.0])
    tensor(2.5000, dtype=torch.float64)
    """
    (mean, log_var), dtype = widened(*as_tensors(mean=mean, log_var=log_var))
    require_fit(mean=mean, log_var=log_var)
    terms = mean.square() + log_var.expm1() - log_var  # expm1: σ² - 1 loses its digits near σ = 1
    return _answer(terms.sum(-1) / 2, dtype)


# What is accepted, and how rounding is kept from showing


def as_tensors(**named: Numbers) -> list[Tensor]:
    """The arguments (...) as real tensors on the device of the first tensor, float64 if they were none.

    Integers become float64 too. Raises TypeError where one is not made of real numbers.

    >>> as_tensors(x=[1, 2])
    [tensor([1., 2.], dtype=torch.float64)]
    """
    device = next((value.device for value in named.values() if isinstance(value, Tensor)), None)
    tensors = []
    for name, value in named.items():
        if not isinstance(value, Tensor):
            try:
                if np.iscomplexobj(value):
                    raise TypeError
                value = torch.from_numpy(np.array(value, dtype=np.float64)).to(device=device)
            except (TypeError, ValueError, RuntimeError):
                expected = "a number, a nested sequence of numbers or a tensor"
                raise TypeError(f"{name} must be {expected}") from None
        if value.is_complex():
            raise TypeError(f"{name} must be real; its dtype is {value.dtype}")
        tensors.append(value if value.is_floating_point() else value.double())
    return tensors


def widened(*tensors: Tensor) -> tuple[list[Tensor], torch.dtype]:
    """The tensors (...) in one dtype, of single precision at least; and the dtype to which theirs promote.

    >>> widened(torch.tensor(1.0, dtype=torch.float16))
    ([tensor(1.)], torch.float16)
    """
    dtype = reduce(torch.promote_types, (t.dtype for t in tensors))
    wide = torch.promote_types(dtype, torch.float32)
    return [t.to(wide) for t in tensors], dtype


def as_distributions(*, dims: int = 1, **named: Numbers) -> tuple[list[Tensor], torch.dtype]:
    """The arguments, `widened`, where they are distributions over the last `dims` dimensions.

    named: (..., K), or (..., X, Y) for dims=2. Raises ValueError unless they fit each other, and each is
    non-negative, finite and sums (in float64) to 1 within max(1e-6, 4 eps(dtype)).

    >>> as_distributions(p=[0.5, 0.5])
    ([tensor([0.5000, 0.5000], dtype=torch.float64)], torch.float64)
    """
    tensors = dict(zip(named, as_tensors(**named), strict=True))
    for name, p in tensors.items():
        if p.dim() < dims:
            raise ValueError(f"{name} must have at least {dims} dimension(s); its shape is {tuple(p.shape)}")
        if not ((p >= 0) & p.isfinite()).all():
            raise ValueError(f"{name} must be non-negative and finite; it holds a number that is not")
        p = p.detach().cpu() if p.device.type == "mps" else p.detach()  # Apple's GPU has no float64
        off = (p.sum(tuple(range(-dims, 0)), dtype=torch.float64) - 1).abs()
        if (off > _tolerance(p.dtype)).any():
            raise ValueError(f"{name} must sum to 1 over its last {dims} dimension(s); off by {off.max():g}")
    require_fit(**tensors)
    return widened(*tensors.values())


def as_covariances(**named: Numbers) -> list[Tensor]:
    """The arguments as symmetric matrices, rounding removed: (Σ + Σᵀ) / 2. Definiteness is not checked.

    named: (..., d, d). Raises ValueError unless finite, and symmetric within max(1e-6, 4 eps(dtype)) of the
    largest entry.

    >>> as_covariances(cov=[[2]])
    [tensor([[2.]], dtype=torch.float64)]
    """
    tensors = as_tensors(**named)
    for name, cov in zip(named, tensors, strict=True):
        if cov.dim() < 2 or cov.shape[-1] != cov.shape[-2] or cov.shape[-1] == 0:
            raise ValueError(f"{name} must be square, (..., d, d); its shape is {tuple(cov.shape)}")
        require_finite(**{name: cov})
        scale = cov.detach().abs().amax((-2, -1), keepdim=True)
        if ((cov - cov.mT).abs() > _tolerance(cov.dtype) * scale).any():
            raise ValueError(f"{name} must be symmetric")
    return [(cov + cov.mT) / 2 for cov in tensors]


def require_finite(**named: Tensor) -> None:
    """Refuse NaN and infinity in tensors (...) with a ValueError.

    >>> require_finite(x=torch.zeros(3))
    """
    for name, value in named.items():
        if not value.isfinite().all():
            raise ValueError(f"{name} must be finite; it holds NaN or infinity")


def require_fit(**named: Tensor) -> None:
    """Refuse tensors (..., K) whose batches do not broadcast or whose K differ: (1,) never stretches to (K,).

    >>> require_fit(p=torch.zeros(5, 3), q=torch.zeros(3))
    """
    shapes = {name: tuple(value.shape) for name, value in named.items()}
    try:
        torch.broadcast_shapes(*shapes.values())
        fit = len({shape[-1] for shape in shapes.values()}) == 1
    except (RuntimeError, IndexError):
        fit = False
    if not fit:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{', '.join(shapes)} must be (..., K) with one K, and broadcast; found {found}")


def bounded(value: Tensor, high: float = math.inf) -> Tensor:
    """`value` (...) with what rounding put below 0 or above `high` taken off; the gradient is untouched.

    >>> bounded(torch.tensor([-1e-9, 0.5, 1.0000001]), high=1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    value = value - value.detach().clamp(max=0)
    return value if high == math.inf else value - (value.detach() - high).clamp(min=0)


def _p_log(p: Tensor, q: Tensor) -> Tensor:
    """p log q, elementwise, 0 where p = 0 whatever q is: q is masked before the log, so no NaN gradient."""
    positive = p > 0
    return torch.where(positive, p * torch.where(positive, q, 1.0).log(), 0.0)


def _answer(nats: Tensor, dtype: torch.dtype, base: float | None = None) -> Tensor:
    """Nats in units of log `base`, in the dtype of the arguments."""
    if base is None:
        return nats.to(dtype)
    if not isinstance(base, (int, float, np.number)):
        raise TypeError(f"base must be a number or None; got {base!r}")
    if not 0 < base < math.inf or base == 1:
        raise ValueError(f"base must be greater than 0, finite and not 1; got {base!r}")
    return (nats / math.log(base)).to(dtype)


def _cholesky(name: str, cov: Tensor) -> tuple[Tensor, Tensor]:
    """Lower factor and log det of cov; refused where the correlations are singular but for rounding."""
    variances = cov.detach().diagonal(dim1=-2, dim2=-1)
    scale = variances.where(variances > 0, 1.0).rsqrt()
    least = torch.linalg.eigvalsh(scale[..., :, None] * cov.detach() * scale[..., None, :])[..., 0]
    if (variances <= 0).any() or (least <= 2 * cov.shape[-1] * torch.finfo(cov.dtype).eps).any():
        raise ValueError(f"{name} must be positive definite; it is singular or has a negative eigenvalue")
    factor = torch.linalg.cholesky(cov)
    return factor, 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _tolerance(dtype: torch.dtype) -> float:
    return max(1e-6, 4 * torch.finfo(dtype).eps)
