"""What the lectures train, by name: plain functions of a seed that return a `training.Run`.

    python -m gm_utils train --list
    python -m gm_utils train vae-sse --profile cpu --keep      # writes checkpoints/vae-sse.safetensors, .json

The eight small autoencoders of the lecture on VAEs are kept in `checkpoints/`, made in less than a minute by

    for name in $(python -c 'from gm_utils.recipes import SMALL_VAES; print(*SMALL_VAES)'); do
        python -m gm_utils train $name --profile cpu --keep
    done

and the four flows of the lectures on normalising flows in two minutes:

    for name in flow-moons flow-moons-small maf-moons flow-digits; do
        python -m gm_utils train $name --profile cpu --keep
    done
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from gm_utils.data import images, toy
from gm_utils.models.flows import MAF, Flow, Logit, RealNVP, StandardNormal, bits_per_dim, dequantize
from gm_utils.models.vae import (
    VAE,
    Autoencoder,
    conv_decoder,
    conv_encoder,
    mlp_decoder,
    mlp_encoder,
    reparameterize,
)
from gm_utils.runtime import by_profile, profile
from gm_utils.runtime import seed as set_seed
from gm_utils.training import Run

DIGITS = "digits of scikit-learn, 8 x 8, 1,500 for training and 297 for the test"


def vae(seed: int = 0) -> Run:
    """Lecture 10's training cell: a calibrated VAE, of 8 x 8 digits or (gpu) convolutional, of MNIST."""
    if profile() != "gpu":
        return vae_calibrated_8(seed)
    set_seed(seed)
    model = VAE(conv_encoder(20), conv_decoder(20), 20, likelihood="gaussian")
    x, test = images.mnist("train", fallback=True)[0], images.mnist("test", fallback=True)[0]
    figures = partial(_vae_figures, x[:5000], test[:1000])
    return Run(model, x, steps=23_000, seed=seed, data_name="MNIST, 28 x 28", figures=figures)


def vae_calibrated_2(seed: int = 0) -> Run:
    """A VAE of the 8 x 8 digits with two latent dimensions: the one whose plane is drawn."""
    return _digits_vae(seed, latent_dim=2)


def vae_calibrated_8(seed: int = 0) -> Run:
    """A VAE of the 8 x 8 digits, the noise variance in closed form from each batch."""
    return _digits_vae(seed)


def vae_sse(seed: int = 0) -> Run:
    """The same with "summed squares + KL", which assumes a noise variance of 1/2."""
    return _digits_vae(seed, noise_var=0.5)


def vae_pixel_mean(seed: int = 0) -> Run:
    """The same with "mean of squares over 64 pixels + KL": a noise variance of 32; it collapses."""
    return _digits_vae(seed, noise_var=32.0)


def vae_learned(seed: int = 0) -> Run:
    """The same with the log-variance a parameter at the networks' learning rate: it lags."""
    return _digits_vae(seed, noise_var="learned")


def vae_fixed_058(seed: int = 0) -> Run:
    """The same with the noise variance fixed at 0.058, more than the calibrated one."""
    return _digits_vae(seed, noise_var=0.058)


def vae_no_kl(seed: int = 0) -> Run:
    """The same without the KL term; the encoder's noise is kept."""
    return _digits_vae(seed, noise_var=0.02, beta=0.0)


def ae(seed: int = 0) -> Run:
    """The plain autoencoder of the 8 x 8 digits, on the same networks: neither noise nor KL."""
    set_seed(seed)
    return _digits_run(Autoencoder(mlp_encoder(64, 8), mlp_decoder((1, 8, 8), 8), 8), seed)


def _digits_vae(seed: int, latent_dim: int = 8, **options: float | str) -> Run:
    set_seed(seed)
    networks = mlp_encoder(64, latent_dim), mlp_decoder((1, 8, 8), latent_dim)  # 64-128-128-2d and its mirror
    return _digits_run(VAE(*networks, latent_dim, likelihood="gaussian", **options), seed)


def _digits_run(model: nn.Module, seed: int) -> Run:
    x, test = images.digits(split="train")[0], images.digits(split="test")[0]
    steps = by_profile(smoke=20, cpu=2250, gpu=2250)  # 150 passes of 15 batches
    figures = partial(_vae_figures if isinstance(model, VAE) else _ae_figures, x, test)
    return Run(model, x, steps=steps, batch_size=100, lr=1e-3, seed=seed, data_name=DIGITS, figures=figures)


@torch.no_grad()
def _vae_figures(x: Tensor, test: Tensor, model: VAE) -> dict[str, float]:
    device, g = next(model.parameters()).device, torch.Generator().manual_seed(0)
    x, test = x.to(device), test.to(device)
    mean, log_var = model.encode(x)
    kl = model.elbo_terms(x, generator=g)[1]
    noisy = model.decode(reparameterize(mean, log_var, g))
    return {
        "noise variance": float(model.noise_var),
        "mean squared error, train": float((x - noisy).square().mean()),
        "KL per image, train": float(kl.sum(1).mean()),
        "active units": float((mean.var(0) > 0.01).sum()),  # Burda et al. (2016), section 5.2
        "dimensions above 1 nat": float((kl.mean(0) > 1).sum()),
        "posterior sd": float(log_var.div(2).exp().mean()),
        "norm of the mean": float(mean.norm(dim=1).mean()),
        "squared error of the mean reconstruction, test": _squares(test, model.mean(model.encode(test)[0])),
        "ELBO, test": float(model.elbo(test, n_samples=50, generator=g).mean()),
    }


@torch.no_grad()
def _ae_figures(x: Tensor, test: Tensor, model: Autoencoder) -> dict[str, float]:
    test = test.to(next(model.parameters()).device)
    return {"squared error of the reconstruction, test": _squares(test, model.decode(model.encode(test)))}


def _squares(x: Tensor, y: Tensor) -> float:
    return float((x - y).square().flatten(1).sum(1).mean())


def flow_moons(seed: int = 0) -> Run:
    """A RealNVP of the two moons, whose density is known: eight couplings."""
    return _moons_run(partial(RealNVP, 2, 8), seed)


def flow_moons_small(seed: int = 0) -> Run:
    """The same with six couplings and networks of width 24: small enough to run in the page."""
    return _moons_run(partial(RealNVP, 2, 6, (24, 24)), seed)


def maf_moons(seed: int = 0) -> Run:
    """A MAF of the two moons, of six layers."""
    return _moons_run(partial(MAF, 2, 6, (32, 32)), seed)


def flow_digits(seed: int = 0) -> Run:
    """A RealNVP of the 8 x 8 digits, dequantised, with a checkerboard mask; stopped before it overfits."""
    set_seed(seed)
    x, test = (_grey_levels(split) for split in ("train", "test"))
    board = torch.arange(64).div(8, rounding_mode="floor") + torch.arange(64)
    model = Flow([Logit(), *RealNVP(64, mask=board % 2 == 0).transforms], StandardNormal(64))
    return Run(
        model, dequantize(x.repeat(40, 1), 17, generator=torch.Generator().manual_seed(seed)),
        steps=by_profile(smoke=20, cpu=1000, gpu=1000), batch_size=100, ema=0.99, seed=seed, data_name=DIGITS,
        figures=partial(_digit_flow_figures, x, test),
    )  # fmt: skip


def _moons_run(make: Callable[[], Flow], seed: int) -> Run:
    set_seed(seed)
    x = toy.two_moons().sample(100_000, generator=torch.Generator().manual_seed(seed))
    return Run(
        make(), x, steps=by_profile(smoke=20, cpu=10_000, gpu=10_000), batch_size=512, ema=0.999, seed=seed,
        data_name="100,000 points of data.toy.two_moons()", figures=_moons_figures,
    )  # fmt: skip


@torch.no_grad()
def _moons_figures(model: Flow) -> dict[str, float]:
    x = toy.two_moons().sample(20_000, generator=torch.Generator().manual_seed(123))
    truth, ours = toy.two_moons().log_prob(x), model.log_prob(x.to(model.base.mean)).to(x)
    excess = truth - ours
    return {
        "negative log-likelihood, test": -float(ours.mean()),
        "that of the true density": -float(truth.mean()),
        "excess, an estimate of KL(moons || model)": float(excess.mean()),
        "standard error of the excess": float(excess.std() / len(x) ** 0.5),
    }


def _grey_levels(split: str) -> Tensor:
    return (16 * images.digits(split=split)[0].flatten(1)).round()


@torch.no_grad()
def _digit_flow_figures(x: Tensor, test: Tensor, model: Flow) -> dict[str, float]:
    g = torch.Generator().manual_seed(0)
    x, test = (dequantize(levels.repeat(20, 1), 17, generator=g) for levels in (x, test))
    (u, _), (v, log_det) = Logit()(x), Logit()(test)  # the baselines are Gaussians of the logits
    full = torch.distributions.MultivariateNormal(u.mean(0), u.T.cov())
    apart = torch.distributions.Independent(torch.distributions.Normal(u.mean(0), u.std(0)), 1)
    x, test = (pixels.to(model.base.mean) for pixels in (x, test))
    nll = {"train": model.loss(x), "test": model.loss(test)}
    for name, law in (("full-covariance", full), ("diagonal", apart)):
        nll[f"test, {name} Gaussian"] = -(law.log_prob(v) + log_det).mean()
    return {f"bits per dimension, {name}": float(bits_per_dim(value, 64, 17)) for name, value in nll.items()}


def _named(*recipes: Callable[[int], Run]) -> dict[str, Callable[[int], Run]]:
    return {make.__name__.replace("_", "-"): make for make in recipes}


SMALL_VAES = _named(
    vae_calibrated_2, vae_calibrated_8, vae_sse, vae_pixel_mean, vae_learned, vae_fixed_058, vae_no_kl, ae
)
FLOWS = _named(flow_moons, flow_moons_small, maf_moons, flow_digits)
RECIPES = _named(vae) | SMALL_VAES | FLOWS
