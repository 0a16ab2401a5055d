"""Variational autoencoders: encode, draw a code, decode, and the bound on log p(x) that trains both nets.

    p(z) = N(0, I),  q(z|x) = N(mean, diag exp log_var),  p(x|z) = Bernoulli or N(decode(z), noise_var I)
    log p(x) >= elbo(x) = E_q[log p(x|z)] - KL(q(z|x) || p(z))

Kingma & Welling (2014), https://arxiv.org/abs/1312.6114. All in nats, summed over pixels and over latent
dimensions; only `loss` takes a mean, over the batch. Shapes: n examples, `event` that of one, Z latent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from gm_utils.information import diagonal_gaussian_kl
from gm_utils.runtime import draw
from gm_utils.training import Player


def reparameterize(mean: Tensor, log_var: Tensor, generator: Generator | None = None) -> Tensor:
    """A draw from N(mean, diag exp log_var) that gradients pass through: z = mean + exp(log_var / 2) noise.

    mean, log_var: (..., Z). Returns z: (..., Z). Raises ValueError where the shapes differ.
    Kingma & Welling (2014), section 2.4.

    >>> reparameterize(torch.tensor([1.0, 2.0]), torch.tensor([-200.0, -200.0]))  # almost no noise
    tensor([1., 2.])
    """
    if mean.shape != log_var.shape:
        raise ValueError(f"log_var has shape {(*log_var.shape,)}; expected that of mean, {(*mean.shape,)}")
    return mean + (0.5 * log_var).exp() * draw(torch.randn, mean.shape, mean, generator)


class VAE(nn.Module):
    """A latent-variable model p(x) = E_p(z)[p(x|z)], and the encoder that makes it trainable.

    encoder: any module (n, *event) -> (n, 2 * latent_dim), the means and then the log-variances of q(z|x).
    decoder: any module (n, latent_dim) -> (n, *event), the logits (Bernoulli) or the mean (Gaussian).
    beta: the KL's weight in `loss` (Higgins et al., 2017); 0 drops the KL and keeps the noise. It may be set
        between steps (warm-up). `elbo` and `iwae_bound` bound log p(x) and know no beta.
    likelihood: "bernoulli" for x in {0, 1} (of grey pixels it is not a normalised density), or "gaussian".
    noise_var: the Gaussian's variance, one for all pixels. "calibrated": `loss` takes the optimum while
        training, the batch's mean squared error (Rybkin et al., 2021, https://arxiv.org/abs/2006.13202), and
        keeps an average over batches for all else. "learned": a parameter, 1/2 at the start; at the networks'
        learning rate it lags behind. A number: summed squares + KL is 0.5, mean of D squares + KL is D / 2.

    Raises ValueError for another likelihood, a noise_var that is not positive or is given to a Bernoulli,
    latent_dim below 1 or beta below 0.

    >>> vae = VAE(mlp_encoder(64, 8), mlp_decoder(64, 8), 8, likelihood="gaussian")
    >>> vae.elbo(torch.rand(5, 64)).shape, vae.sample(3).shape
    (torch.Size([5]), torch.Size([3, 64]))
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, latent_dim: int, *, beta: float = 1.0,
        likelihood: str = "bernoulli", noise_var: str | float = "calibrated",
    ) -> None:  # fmt: skip
        super().__init__()
        if latent_dim < 1 or not beta >= 0:
            raise ValueError(f"latent_dim is {latent_dim}, beta is {beta}; expected at least 1, at least 0")
        if likelihood not in ("bernoulli", "gaussian"):
            raise ValueError(f"likelihood is {likelihood!r}; expected 'bernoulli' or 'gaussian'")
        if likelihood == "bernoulli" and noise_var != "calibrated":
            raise ValueError(f"noise_var is {noise_var!r}; expected likelihood='gaussian' with it")
        named = noise_var in ("calibrated", "learned")
        if not named and (isinstance(noise_var, str) or not 0 < noise_var < math.inf):
            raise ValueError(f"noise_var is {noise_var!r}; expected 'calibrated', 'learned' or a number > 0")
        self.encoder, self.decoder, self.latent_dim = encoder, decoder, latent_dim
        self.beta, self.likelihood = beta, likelihood
        self.noise = None if likelihood == "bernoulli" else noise_var if named else float(noise_var)
        if self.noise == "calibrated":
            self.register_buffer("mean_squared_error", torch.tensor(1.0))
            self.register_buffer("n_batches", torch.tensor(0))
        if self.noise == "learned":
            self.log_noise_var = nn.Parameter(torch.tensor(0.5).log())

    @property
    def noise_var(self) -> Tensor | float | None:
        """The variance of p(x|z) in force; None for a Bernoulli."""
        if self.noise == "calibrated":
            return self.mean_squared_error
        return self.log_noise_var.exp() if self.noise == "learned" else self.noise

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and log-variance of q(z|x). x: (n, *event). Returns two tensors (n, Z).

        Raises TypeError where x has not the model's dtype, ValueError where the encoder's output has not 2 Z.
        """
        if x.dtype != (dtype := next(self.parameters()).dtype):
            raise TypeError(f"x is {x.dtype}; expected the model's {dtype}")
        out, expected = self.encoder(x), (len(x), 2 * self.latent_dim)
        if out.shape != expected:
            raise ValueError(f"encoder returns {(*out.shape,)}; expected (n, 2 * latent_dim) = {expected}")
        return out[:, : self.latent_dim], out[:, self.latent_dim :]

    def decode(self, z: Tensor) -> Tensor:
        """The logits (Bernoulli) or the mean (Gaussian) of p(x|z). z: (..., Z). Returns (..., *event).

        Raises ValueError where z does not end in latent_dim.
        """
        if z.shape[-1:] != (self.latent_dim,):
            raise ValueError(f"z has shape {(*z.shape,)}; expected (..., latent_dim = {self.latent_dim})")
        out = self.decoder(z.reshape(-1, self.latent_dim))
        return out.reshape(*z.shape[:-1], *out.shape[1:])

    def mean(self, z: Tensor) -> Tensor:
        """E[x|z], what pictures of a VAE usually show. z: (..., Z). Returns (..., *event)."""
        return self.decode(z).sigmoid() if self.likelihood == "bernoulli" else self.decode(z)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z), in nats, summed over the event. x: (n, *event), z: (..., n, Z). Returns (..., n)."""
        return self._log_density(x, self.decode(z))

    def _log_density(self, x: Tensor, out: Tensor, calibrate: bool = False) -> Tensor:
        lead = out.ndim - x.ndim  # dimensions of draws before the batch
        if lead < 0 or out.shape[lead:] != x.shape:  # else it would broadcast
            raise ValueError(f"decoder returns {(*out.shape,)}; expected the shape of x, {(*x.shape,)}")
        if self.likelihood == "bernoulli":
            nll = F.binary_cross_entropy_with_logits(out, x.expand_as(out), reduction="none")
            return -nll.flatten(lead + 1).sum(-1)
        squares = (x - out).square().flatten(lead + 1)
        noise_var = self._calibrated(squares.detach().mean()) if calibrate else self.noise_var
        log_var = math.log(noise_var) if isinstance(noise_var, float) else noise_var.log()
        return -0.5 * (squares.sum(-1) / noise_var + squares.shape[-1] * (log_var + math.log(2 * math.pi)))

    def elbo_terms(
        self, x: Tensor, *, n_samples: int = 1, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """E_q[log p(x|z)], estimated from n_samples draws of z, and the exact KL of each latent dimension.

        x: (n, *event). Returns (n,) and (n, Z), nats. Kingma & Welling (2014), eq. 10 and appendix B.
        Raises ValueError for n_samples below 1.
        """
        if n_samples < 1:
            raise ValueError(f"n_samples is {n_samples}; expected at least 1 draw")
        mean, log_var = self.encode(x)
        shape = (n_samples, *mean.shape)
        z = reparameterize(mean.expand(shape), log_var.expand(shape), generator)
        kl = diagonal_gaussian_kl(mean.unsqueeze(-1), log_var.unsqueeze(-1))  # each dimension's own
        return self.log_likelihood(x, z).mean(0), kl

    def elbo(self, x: Tensor, *, n_samples: int = 1, generator: Generator | None = None) -> Tensor:
        """An unbiased estimate of the lower bound on log p(x), in nats. x: (n, *event). Returns (n,)."""
        log_likelihood, kl = self.elbo_terms(x, n_samples=n_samples, generator=generator)
        return log_likelihood - kl.sum(-1)

    def iwae_bound(self, x: Tensor, k: int, *, generator: Generator | None = None) -> Tensor:
        """log (1/k) sum_i p(x, z_i) / q(z_i|x) with z_i ~ q(z|x), in nats: a tighter bound on log p(x).

        x: (n, *event); n k codes are decoded at once. Returns (n,). Its mean rises with k from the ELBO to
        log p(x). Raises ValueError for k below 1. Burda, Grosse & Salakhutdinov (2016), eq. 8.
        """
        if k < 1:
            raise ValueError(f"k is {k}; expected at least 1 draw")
        mean, log_var = self.encode(x)
        noise = draw(torch.randn, (k, *mean.shape), mean, generator)
        z = mean + (0.5 * log_var).exp() * noise  # (k, n, Z)
        log_prior_over_q = 0.5 * (noise.square() + log_var - z.square()).sum(-1)  # the two log(2 pi) cancel
        return (self.log_likelihood(x, z) + log_prior_over_q).logsumexp(0) - math.log(k)

    def loss(self, x: Tensor) -> Tensor:
        """The mean over the batch of beta KL - log p(x|z), with one draw of z, in nats. x: (n, *event).

        In evaluation mode and with beta = 1 this is `-elbo(x).mean()`.
        Raises ValueError for an empty batch, whose mean would be NaN and spread into the calibration.
        """
        if not len(x):
            raise ValueError("x has no examples; expected a batch of at least one")
        mean, log_var = self.encode(x)
        out = self.decode(reparameterize(mean, log_var))
        log_likelihood = self._log_density(x, out, self.training and self.noise == "calibrated")
        return (self.beta * diagonal_gaussian_kl(mean, log_var) - log_likelihood).mean()

    def _calibrated(self, error: Tensor) -> Tensor:
        # With s = MSE the reconstruction term is D/2 log(2 pi e MSE). Its gradient, D/2 grad(MSE) / MSE, is
        # that of SSE / (2 s) with s held fixed (the derivative in s is 0 at the optimum): s may be detached.
        self.n_batches += 1  # the mean of the batches so far, then an exponential average over about 20
        self.mean_squared_error += (error - self.mean_squared_error) / self.n_batches.clamp(max=20)
        return error

    @torch.no_grad()
    def calibrate(self, x: Tensor, *, generator: Generator | None = None) -> None:
        """Set noise_var to the mean squared error over x: (n, *event). ValueError if it is not calibrated."""
        if self.noise != "calibrated":
            raise ValueError(f"noise_var is {self.noise!r}; expected 'calibrated'")
        out = self.decode(reparameterize(*self.encode(x), generator))
        self.mean_squared_error.copy_((x - out).square().mean())

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        """Draws from p(x): z ~ N(0, I), then x ~ p(x|z), observation noise included. Returns (n, *event).

        For pictures without that noise: `vae.mean(z)`. Raises ValueError for n < 1.
        """
        if n < 1:
            raise ValueError(f"n is {n}; expected at least 1")
        mean = self.mean(draw(torch.randn, (n, self.latent_dim), next(self.parameters()), generator))
        if self.likelihood == "bernoulli":
            return (draw(torch.rand, mean.shape, mean, generator) < mean).to(mean.dtype)
        return mean + self.noise_var**0.5 * draw(torch.randn, mean.shape, mean, generator)

    def players(self) -> list[Player]:
        """One player: all parameters minimise `loss`."""
        return [Player("loss", self, self.loss)]


class Autoencoder(nn.Module):
    """A VAE's two networks without the noise and the KL: z = e(x), x_hat = d(z), least squares.

    encoder, decoder, latent_dim: as for `VAE`; of the encoder's output only the means are read. There is no
    density, and nothing to sample from.

    >>> Autoencoder(mlp_encoder(64, 8), mlp_decoder(64, 8), 8).encode(torch.rand(5, 64)).shape
    torch.Size([5, 8])
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent_dim: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.latent_dim = encoder, decoder, latent_dim

    def encode(self, x: Tensor) -> Tensor:
        """The code of x. x: (n, *event). Returns (n, Z)."""
        return self.encoder(x)[:, : self.latent_dim]

    def decode(self, z: Tensor) -> Tensor:
        """The reconstruction. z: (n, Z). Returns (n, *event)."""
        return self.decoder(z)

    def loss(self, x: Tensor) -> Tensor:
        """Squared error, summed over the event, the mean over the batch (no nats). x: (n, *event)."""
        return (x - self.decode(self.encode(x))).square().sum() / len(x)

    def players(self) -> list[Player]:
        """One player: all parameters minimise `loss`."""
        return [Player("loss", self, self.loss)]


def mlp(*sizes: int) -> nn.Sequential:
    """Linear layers of these widths with SiLU between them. (..., sizes[0]) -> (..., sizes[-1])."""
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    layers = [layer for pair in pairs for layer in (nn.Linear(*pair), nn.SiLU())]
    return nn.Sequential(*layers[:-1])


def mlp_encoder(dim: int, latent_dim: int = 20, hidden: Sequence[int] = (128, 128)) -> nn.Sequential:
    """(n, *event), dim numbers in an event -> (n, 2 * latent_dim).

    >>> mlp_encoder(64, 8)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 16])
    """
    return nn.Sequential(nn.Flatten(), mlp(dim, *hidden, 2 * latent_dim))


def mlp_decoder(
    event: int | Sequence[int], latent_dim: int = 20, hidden: Sequence[int] = (128, 128)
) -> nn.Sequential:
    """(n, latent_dim) -> (n, *event); `event` is a number of dimensions or a shape.

    >>> mlp_decoder((1, 8, 8), 8)(torch.zeros(5, 8)).shape
    torch.Size([5, 1, 8, 8])
    """
    event = (event,) if isinstance(event, int) else tuple(event)
    return nn.Sequential(mlp(latent_dim, *reversed(hidden), math.prod(event)), nn.Unflatten(1, event))


def conv_encoder(latent_dim: int = 20, width: int = 32) -> nn.Sequential:
    """(n, 1, 28, 28) -> (n, 2 * latent_dim), by two strided convolutions of `width` and 2 `width` channels.

    >>> conv_encoder(20)(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 40])
    """
    return nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1), nn.SiLU(),  # (n, width, 14, 14)
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.SiLU(),  # (n, 2 width, 7, 7)
        nn.Flatten(), nn.Linear(2 * width * 49, 2 * latent_dim),
    )  # fmt: skip


def conv_decoder(latent_dim: int = 20, width: int = 32) -> nn.Sequential:
    """(n, latent_dim) -> (n, 1, 28, 28), the mirror of `conv_encoder`.

    >>> conv_decoder(20)(torch.zeros(5, 20)).shape
    torch.Size([5, 1, 28, 28])
    """
    return nn.Sequential(
        nn.Linear(latent_dim, 2 * width * 49), nn.SiLU(), nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.SiLU(),  # (n, width, 14, 14)
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
    )  # fmt: skip


def slerp(z0: Tensor, z1: Tensor, t: float | Tensor) -> Tensor:
    """Spherical interpolation, sin((1 - t) w) / sin(w) z0 + sin(t w) / sin(w) z1; w is the angle of the two.

    z0, z1: (..., Z); t: a number, or a tensor that broadcasts against (..., 1). Returns (..., Z).
    Opposite codes have no single path. White (2016), https://arxiv.org/abs/1609.04468.

    >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
    tensor([0.7071, 0.7071])
    """
    u, v = F.normalize(z0, dim=-1), F.normalize(z1, dim=-1)
    angle = 2 / math.pi * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    # w = pi * angle; sin(t w) / sin(w) = t sinc(t angle) / sinc(angle), which is t, no 0/0, at w = 0
    at_0, at_1 = (s * torch.sinc(s * angle) / torch.sinc(angle) for s in (1 - t, t))
    return at_0 * z0 + at_1 * z1


def interpolate(z0: Tensor, z1: Tensor, steps: int = 11, spherical: bool = False) -> Tensor:
    """Codes from z0 to z1, both included, on the straight line or on the great circle (`slerp`).

    z0, z1: (..., Z). Returns (steps, ..., Z). Raises ValueError for steps below 2 or shapes that differ.

    >>> interpolate(torch.zeros(1), torch.ones(1), 3).flatten().tolist()
    [0.0, 0.5, 1.0]
    """
    if steps < 2 or z0.shape != z1.shape:
        raise ValueError(f"steps is {steps}, z0 {(*z0.shape,)}, z1 {(*z1.shape,)}; expected >= 2, one shape")
    t = torch.linspace(0, 1, steps, dtype=z0.dtype, device=z0.device).reshape(-1, *[1] * z0.ndim)
    return slerp(z0, z1, t) if spherical else torch.lerp(z0, z1, t)
