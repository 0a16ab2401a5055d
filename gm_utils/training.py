"""One training loop for every family: players take turns, and a run goes on where it was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

Data = Tensor | tuple[Tensor, ...] | Iterable[Any]


@dataclass
class Player:
    """Who is trained on what: one for a likelihood model, two or three for a GAN.

    name: the name of its curve ("loss" where there is one player).
    module: its parameters are trained on `loss`, and nothing else is (an `nn.ModuleList` holds several).
    loss: a batch (what `data` yields) -> the scalar to minimise.
    lr, betas: of Adam (Kingma & Ba, 2015, algorithm 1). turns: its steps on each step of the run.
    """

    name: str
    module: nn.Module
    loss: Callable[[Any], Tensor]
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    turns: int = 1


@dataclass
class Run:
    """What a lecture's training cell trains; `gm_utils.recipes` has one for each name.

    `run.start(folder)` is `train(run.model, run.data, steps=run.steps, ...)`.
    data_name: what the card says of the data. figures: called after training with the trained
    model (its moving average where `ema` is set); its numbers go to the card.
    """

    model: nn.Module
    data: Data
    steps: int
    batch_size: int = 128
    lr: float | None = None
    ema: float | None = None
    seed: int = 0
    data_name: str = ""
    figures: Callable[[nn.Module], dict[str, float]] | None = None

    def start(self, folder: str | Path | None = None) -> History:
        return train(
            self.model, self.data, steps=self.steps, batch_size=self.batch_size, lr=self.lr, ema=self.ema,
            seed=self.seed, folder=folder,
        )  # fmt: skip


@dataclass
class History:
    """What `train` returns: `curves[player][i]` is the mean loss of the steps up to `steps[i]`."""

    steps: list[int] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    ema: nn.Module | None = None


def train(
    model: nn.Module,
    data: Data,
    *,
    steps: int,
    batch_size: int = 128,
    lr: float | None = None,
    ema: float | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
) -> History:
    raise NotImplementedError
