"""One training loop for every family: players take turns, and a run goes on where it was cut off.

    history = train(model, x, steps=600, batch_size=128, lr=1e-3)

`torchrun` and `accelerate launch` run the same call on several processes or machines (on CPUs `torchrun`:
accelerate starts one process there). `ACCELERATE_MIXED_PRECISION=bf16` asks for mixed precision.
"""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gm_utils import runtime
from gm_utils.data.batches import Data, batches_from, seed_for
from gm_utils.weights import load_weights, read_tensors, write_bytes, write_tensors

LOG_EVERY = 10  # steps between two points of a curve
SAVES = 20  # states that a run writes: a crash costs a twentieth of it at most


@dataclass
class Player:
    """Who is trained on what: one for a likelihood model, two or three for a GAN.

    name: of its curve. module: its parameters, and no others, are trained on `loss` (an `nn.ModuleList` holds
    several). loss: a batch (what `data` yields) -> the scalar to minimise.
    lr, betas: of Adam (Kingma & Ba, 2015). turns: its steps on each step of the run.
    """

    name: str
    module: nn.Module
    loss: Callable[[Any], Tensor]
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    turns: int = 1


@dataclass
class Run:
    """What a training cell trains, with the arguments of `train`; `gm_utils.recipes` has one for each name.

    data_name: what the card says of the data. figures: the trained model (its moving average where `ema` is
    set) -> the numbers that go to the card.
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
        """Train with these settings; see `train`, also for what is raised."""
        settings = {name: getattr(self, name) for name in ("steps", "batch_size", "lr", "ema", "seed")}
        return train(self.model, self.data, **settings, folder=folder)


@dataclass
class History:
    """What `train` returns: `curves[player][i]` is the mean loss over the steps up to `steps[i]`.

    ema: the moving average of the model, in evaluation mode, where `train` was given `ema`.
    seconds: the time that training took, over all its parts; not printed, so that outputs repeat.
    """

    steps: list[int] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    ema: nn.Module | None = field(default=None, repr=False)
    seconds: float = field(default=0.0, repr=False, compare=False)


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
    """Train `model` on `data` with Adam; leave it trained, on the accelerator, in evaluation mode.

    model: has `players()`, or `loss(batch)`: then all its parameters are trained on it. On each step
    every player in turn makes its `turns` steps, each on the next batch.
    data: a tensor (n, *event) or a tuple of tensors (n, ...), shuffled anew on each pass (the remainder that
    fills no batch is left out); or batches: a list, a DataLoader, anything that can be iterated again.
    batch_size: of all processes together; each takes its share, and gradients are averaged.
    lr: for all players; their own by default. ema: the decay d of the moving average of the weights,
    w' <- d w' + (1 - d) w after each step, w' = w after the first.
    seed: of the shuffling and of the noise; the global generator is left as it was.
    folder: holds `state.safetensors` (weights, optimisers, noise, curves; written whole or not at all, twenty
    times a run) and `log.jsonl`. From a state that is there training goes on to the same weights and curves,
    bit for bit on a CPU, as if it had not stopped. Processes share the folder.

    Raises ValueError for settings that make no sense and for a state that is damaged or was made with others;
    FloatingPointError, which names player and step, where a loss or a weight is not finite.
    """
    from accelerate import Accelerator

    _require_settings(steps, batch_size, lr, ema, seed)
    accelerator = Accelerator(cpu=runtime.device().type == "cpu")
    if batch_size % (world := accelerator.num_processes):
        raise ValueError(f"batch_size is {batch_size}; expected a multiple of the {world} processes")
    with torch.random.fork_rng([accelerator.device] if accelerator.device.type == "cuda" else []):
        torch.manual_seed(seed_for(seed, 1, accelerator.process_index))
        settings = {"batch_size": batch_size, "ema": ema, "seed": seed}
        session = _Session(accelerator, model, lr, settings, folder and Path(folder))
        session.resume()
        taken = session.step * sum(player.turns for player, *_ in session.teams)
        share = slice(accelerator.process_index, None, world)
        batches = batches_from(data, batch_size, seed, taken, share, accelerator.device)
        session.run(batches, steps)
    return session.history


class _Session:
    """The state of one run: model, optimisers, moving average, curves, and the step it is at."""

    def __init__(
        self, accelerator: Any, model: nn.Module, lr: float | None, settings: dict, folder: Path | None
    ) -> None:
        from accelerate.utils import broadcast

        self.accelerator, self.model, self.folder = accelerator, model.to(accelerator.device), folder
        self.step, players = 0, _players(model)
        self.history = History(curves={p.name: [] for p in players})
        self.settings = {
            "players": [[p.name, lr or p.lr, list(p.betas), p.turns] for p in players],
            **settings,
        }
        self.teams: list[tuple[Player, list[Tensor], Any]] = []  # the player, its weights, their optimiser
        for player in players:
            weights = [w for w in player.module.parameters() if w.requires_grad]
            optimiser = _adam(weights, lr or player.lr, player.betas)
            if accelerator.scaler is not None:  # float16: a step whose gradients overflowed is skipped
                optimiser = accelerator.prepare(optimiser)
            self.teams.append((player, weights, optimiser))
        average = get_ema_multi_avg_fn(settings["ema"]) if settings["ema"] is not None else None
        self.averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True) if average else None
        if accelerator.num_processes > 1:
            for tensor in model.state_dict().values():
                tensor.copy_(broadcast(tensor.clone()))

    def run(self, batches: Iterator[Any], steps: int) -> None:
        began = time.perf_counter() - self.history.seconds
        saving = LOG_EVERY * max(1, round(steps / SAVES / LOG_EVERY))
        bar = _progress(self.step, steps, self.accelerator.is_main_process)
        self.model.train()
        losses: list[Tensor] = []
        try:
            while self.step < steps:
                for team in self.teams:
                    losses += [self.turn(*team, next(batches)) for _ in range(team[0].turns)]
                if self.averaged is not None:
                    self.averaged.update_parameters(self.model)
                self.step += 1
                bar.update()
                if self.step % LOG_EVERY == 0 or self.step == steps:
                    self.history.seconds = time.perf_counter() - began
                    bar.set_postfix(self.record(losses))
                    losses = []
                if self.folder and (self.step % saving == 0 or self.step == steps):
                    self.save()
                    self.accelerator.wait_for_everyone()
            self.require_finite_weights()
        finally:
            bar.close()
            self.model.eval()
            for *_, optimiser in self.teams:
                optimiser.zero_grad()
        if self.averaged is not None:
            self.history.ema = copy.deepcopy(self.model)
            self.history.ema.load_state_dict(self.averaged.module.state_dict())

    def turn(self, player: Player, weights: list[Tensor], optimiser: Any, batch: Any) -> Tensor:
        """One step of one player; only its own parameters get a gradient."""
        optimiser.zero_grad()
        with self.accelerator.autocast():
            loss = player.loss(batch)
        if loss.ndim:
            raise ValueError(f"loss of player {player.name!r} has shape {(*loss.shape,)}; expected a scalar")
        self.accelerator.backward(loss, inputs=weights)
        if self.accelerator.num_processes > 1:
            gradients = [w.grad for w in weights if w.grad is not None]
            mean = self.accelerator.reduce(torch.cat([g.reshape(-1) for g in gradients]), "mean")
            for g, part in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
                g.copy_(part.view_as(g))
        optimiser.step()
        return loss.detach()

    def record(self, losses: list[Tensor]) -> dict[str, float]:
        """Add a point to the curves and the log: the one place where the loop waits for the device."""
        names = [player.name for player, *_ in self.teams for _ in range(player.turns)]
        table = self.accelerator.reduce(torch.stack(losses), "mean").cpu().double().view(-1, len(names))
        bad = (~table.isfinite()).nonzero()  # in the order of play
        if len(bad):
            step, turn = bad[0].tolist()
            self.stop(f"the loss of player {names[turn]!r}", self.step - len(table) + 1 + step)
        self.history.steps.append(self.step)
        columns = table.split([player.turns for player, *_ in self.teams], dim=1)
        for curve, column in zip(self.history.curves.values(), columns, strict=True):
            curve.append(float(column.mean()))
        figures = {name: curve[-1] for name, curve in self.history.curves.items()}
        if self.folder and self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "log.jsonl").open("a", encoding="utf8") as log:
                line = {"step": self.step, **figures, "seconds": round(self.history.seconds, 3)}
                log.write(json.dumps(line) + "\n")
        return figures

    def require_finite_weights(self) -> None:
        for player, weights, _ in self.teams:
            if not torch.stack([w.detach().isfinite().all() for w in weights]).all():
                self.stop(f"a weight of player {player.name!r}", self.step)

    def stop(self, what: str, step: int) -> None:
        path = self.folder and self.folder / "state.safetensors"
        kept = f"; the last good state is in {path}" if path and path.exists() else ""
        raise FloatingPointError(f"{what} is not finite at step {step}: try a smaller lr{kept}")

    def save(self) -> None:
        self.require_finite_weights()
        gather = self.accelerator.gather
        tensors = {f"noise.{name}": gather(state[None]) for name, state in self.noise().items()}
        if not self.accelerator.is_main_process:
            return
        tensors |= {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.averaged is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.averaged.state_dict().items()}
        for player, _, optimiser in self.teams:
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {f"adam.{player.name}.{index}.{name}": value for name, value in state.items()}
        history, scaler = self.history, self.accelerator.scaler
        record = {"steps": history.steps, "curves": history.curves, "seconds": history.seconds}
        record |= {"step": self.step, "settings": self.settings, "scaler": scaler and scaler.state_dict()}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_tensors(self.folder / "state.safetensors", tensors, record)

    def noise(self) -> dict[str, Tensor]:
        """The states of the random generators of this process, on its device: (bytes,) each."""
        device = self.accelerator.device
        states = {"cpu": torch.get_rng_state()}
        if device.type != "cpu":
            states["device"] = getattr(torch, device.type).get_rng_state()
        return {name: state.to(device) for name, state in states.items()}

    def resume(self) -> None:
        """Take everything from the folder's state, if there is one."""
        path = self.folder and self.folder / "state.safetensors"
        if not (path and path.exists()):
            return
        tensors, record = read_tensors(path)
        if "step" not in record:
            raise ValueError(f"{path} holds no state of a run: take another folder")
        for name, ours in self.settings.items():
            theirs = record["settings"][name]
            if theirs != ours:
                wrong = f"{path} was made with {name} = {theirs}, this call has {ours}"
                raise ValueError(f"{wrong}; take another folder")
        load_weights(self.model, _part(tensors, "model."), path)
        if self.averaged is not None:
            load_weights(self.averaged, _part(tensors, "average."), path)
        for player, _, optimiser in self.teams:
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _part(tensors, f"adam.{player.name}.").items():
                index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
        if record["scaler"]:
            self.accelerator.scaler.load_state_dict(record["scaler"])
        self.step = record["step"]
        self.history = History(record["steps"], record["curves"], seconds=record["seconds"])
        self.restore_noise(_part(tensors, "noise."))
        if self.accelerator.is_main_process:
            _cut_log(self.folder / "log.jsonl", self.step)

    def restore_noise(self, states: dict[str, Tensor]) -> None:
        rank, device = self.accelerator.process_index, self.accelerator.device
        if len(states["cpu"]) != self.accelerator.num_processes:  # then it goes on with fresh noise
            torch.manual_seed(seed_for(self.settings["seed"], 2, rank, self.step))
            return
        torch.set_rng_state(states["cpu"][rank].clone())  # a row without the clone crashes torch 2.13
        if device.type != "cpu" and "device" in states:
            getattr(torch, device.type).set_rng_state(states["device"][rank].clone())


def _players(model: nn.Module) -> list[Player]:
    if hasattr(model, "players"):
        players = model.players()
    elif hasattr(model, "loss"):
        players = [Player("loss", model, model.loss)]
    else:
        raise TypeError(f"model is a {type(model).__name__}; expected one with players() or loss(x)")
    names = [p.name for p in players]
    if not 0 < len(names) == len(set(names)):
        raise ValueError(f"players are {names}; expected at least one, each with its own name")
    known = {id(w) for w in model.parameters()}
    for p in players:
        if p.turns < 1:
            raise ValueError(f"turns of player {p.name!r} is {p.turns}; expected at least 1")
        weights = [w for w in p.module.parameters() if w.requires_grad]
        if not weights or any(id(w) not in known for w in weights):
            raise ValueError(f"module of player {p.name!r} must have weights to train, all of the model's")
    return players


def _adam(weights: list[Tensor], lr: float, betas: tuple[float, float]) -> torch.optim.Adam:
    try:
        return torch.optim.Adam(weights, lr, betas, fused=True)
    except RuntimeError:  # no fused kernel for this device or dtype
        return torch.optim.Adam(weights, lr, betas)


def _progress(done: int, steps: int, main: bool) -> Any:
    """A bar where a person looks on: not in `smoke`, under CI, or with stderr in a file."""
    tqdm = import_module("tqdm.auto" if runtime.live() else "tqdm").tqdm
    silent = os.environ.get("CI") or os.environ.get("GM_PROFILE") == "smoke"
    seen = main and not silent and (runtime.live() or sys.stderr.isatty())
    return tqdm(total=steps, initial=done, disable=not seen, unit="step")


def _part(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


def _cut_log(path: Path, step: int) -> None:
    """Drop the lines after `step`, and one that a crash left half-written."""
    kept = []
    for line in path.read_text(encoding="utf8").splitlines() if path.exists() else []:
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except ValueError:
            break
    write_bytes(path, "".join(kept).encode())


def _require_settings(steps: int, batch_size: int, lr: float | None, ema: float | None, seed: int) -> None:
    for name, value, least in (("steps", steps, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is {value!r}; expected an integer of at least {least}")
        if value < least:
            raise ValueError(f"{name} is {value}; expected an integer of at least {least}")
    if lr is not None and not 0 < lr < math.inf:
        raise ValueError(f"lr is {lr}; expected a positive number")
    if ema is not None and not 0 <= ema < 1:
        raise ValueError(f"ema is {ema}; expected a decay of at least 0 and below 1")
