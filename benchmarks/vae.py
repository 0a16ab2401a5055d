"""An epoch of a VAE beside pythae 0.1.2: `python -m benchmarks.vae`.

The same network (pythae's default: one hidden layer of 512, 16 latent dimensions), the same Bernoulli ELBO
(checked on equal weights), Adam at 1e-3, batches of 128; each library with its own loader and its own loop.

The matrix products are the same for both, so the ratio depends on the processor: on an AVX-512 core they
alone are 0.6 of pythae's epoch at 28 x 28, and no loop could be more than 1.65 times as fast.
"""

from __future__ import annotations

import contextlib
import io
import sys

from benchmarks.harness import Goal, main  # isort: skip  (first: it sets the number of threads)

import logging
import math
import tempfile
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gm_utils.models.vae import VAE
from gm_utils.training import train

BATCH, HIDDEN, LATENT = 128, 512, 16


def ours(x: Tensor) -> tuple[VAE, Callable[[], object]]:
    """The model, and what trains it for one epoch of x: (n, 1, H, W)."""
    dim = x[0].numel()
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
    decoder = nn.Sequential(
        nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, dim), nn.Unflatten(1, x.shape[1:])
    )
    model = VAE(encoder, decoder, LATENT)
    return model, lambda: train(model, x, steps=len(x) // BATCH, batch_size=BATCH, lr=1e-3)


def peer(x: Tensor) -> tuple[nn.Module, Callable[[], object]]:
    """The same of pythae: `BaseTrainer.train_step` is one epoch."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    model = PythaeVAE(VAEConfig(input_dim=x.shape[1:], latent_dim=LATENT, reconstruction_loss="bce"))
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-3,
        no_cuda=True,
    )  # fmt: skip
    trainer = BaseTrainer(model, BaseDataset(x, torch.zeros(len(x))), training_config=config)
    trainer.prepare_training()
    return model, lambda: trainer.train_step(epoch=1)


def agree(model: VAE, other: nn.Module, x: Tensor) -> None:
    """Both losses are minus the ELBO in nats: equal on equal weights, with the noise switched off."""
    from pythae.data.datasets import DatasetOutput

    with torch.no_grad():
        head = model.encoder[-1]
        head.weight[LATENT:] = 0
        head.bias[LATENT:] = -60  # a posterior without width
        other.encoder.layers[0][0].load_state_dict(model.encoder[1].state_dict())
        halves = (other.encoder.embedding, slice(LATENT)), (other.encoder.log_var, slice(LATENT, None))
        for layer, rows in halves:
            layer.weight.copy_(head.weight[rows])
            layer.bias.copy_(head.bias[rows])
        other.decoder.layers[0][0].load_state_dict(model.decoder[0].state_dict())
        other.decoder.layers[1][0].load_state_dict(model.decoder[2].state_dict())
        a, b = float(model.loss(x)), float(other(DatasetOutput(data=x)).loss)
    if not math.isclose(a, b, rel_tol=1e-4):
        raise AssertionError(f"the losses differ on equal weights: {a} and pythae's {b}")


def goal(side: int, at_least: float, n: int = 50 * BATCH) -> Goal:
    """One epoch of n random images of side x side pixels."""
    torch.manual_seed(0)
    x = torch.rand(n, 1, side, side).square()
    agree(ours(x)[0], peer(x)[0], x[:8])
    (model, epoch), (other, other_epoch) = ours(x), peer(x)
    count, other_count = (sum(p.numel() for p in m.parameters()) for m in (model, other))
    if count != other_count:
        raise AssertionError(f"the networks have {count} and {other_count} weights")
    name = f"an epoch of {n:,} images {side} x {side}, {count:,} weights, beside pythae"
    return Goal(name, epoch, other_epoch, at_least)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    with contextlib.redirect_stderr(io.StringIO()):  # pythae's progress bars
        missed = main([goal(28, 1.8), goal(8, 1.4)], turns=7, seconds=0.5)
    sys.exit(missed)
