"""Files of weights: safetensors written whole or not at all, and the small checkpoints of the book.

No pickle anywhere: a file from elsewhere can be wrong, it cannot run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gm_utils import runtime

LARGEST = 1_000_000  # bytes of a checkpoint


def save_checkpoint(name: str, model: nn.Module, card: Mapping[str, Any]) -> Path:
    """Write `checkpoints/NAME.safetensors`, its card `NAME.json`, and the list of digests.

    name: a plain word such as "vae". model: its state is written in its own dtype. card: says at least
    `command` and `data`; torch's version and the machine are added. Returns the path.
    Raises ValueError for another name, a card without these, weights not finite, or more than a megabyte.
    """
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"name is {name!r}; expected letters, digits, - and _ only")
    missing = {"command", "data"} - set(card)
    if missing:
        raise ValueError(f"card lacks {', '.join(sorted(missing))}; expected at least command and data")
    state = model.state_dict()
    for key, tensor in state.items():
        if not tensor.isfinite().all():
            raise ValueError(f"model has values in {key} that are not finite; expected trained weights")
    size = sum(t.numel() * t.element_size() for t in state.values())
    if size > LARGEST:
        raise ValueError(f"model has {size} bytes of weights; expected at most {LARGEST}")
    path = runtime.ROOT / "checkpoints" / f"{name}.safetensors"
    write_tensors(path, state, {"name": name})
    facts = {**card, "torch": torch.__version__, "machine": machine()}
    write_bytes(path.with_suffix(".json"), (json.dumps(facts, indent=1) + "\n").encode())
    digests = {
        file: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.parent.glob("*.safetensors")
    }
    lines = "".join(f"{digests[file]}  {file.name}\n" for file in sorted(digests))
    write_bytes(runtime.ROOT / "gm_utils" / "checkpoints.sha256", lines.encode())
    return path


def load_checkpoint(name: str, model: nn.Module) -> nn.Module:
    """Load `checkpoints/NAME.safetensors` into `model`, of any device and dtype; returns it, to be evaluated.

    Raises FileNotFoundError for an unknown name, ValueError for a damaged file or another model's.
    """
    path = runtime.checkpoint(f"{name}.safetensors")
    return load_weights(model, read_tensors(path)[0], path).eval()


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Put `tensors` into `model`; ValueError, which names `path`, where names or shapes differ."""
    try:
        model.load_state_dict(dict(tensors))
    except RuntimeError as error:
        reason = " ".join(str(error).split()[:40])
        raise ValueError(f"{path} does not belong to this model: {reason}") from error
    return model


def write_tensors(path: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write `tensors` and a `record` (anything that JSON holds) as one safetensors file, atomically."""
    from safetensors.torch import save

    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(own, {"record": json.dumps(record), "sha256": _digest(own)}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the record of a file of `write_tensors`.

    Raises ValueError, which says whether the file is cut short, damaged, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    advice = "delete it and begin again, or put back a copy"
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        record, digest = json.loads(about["record"]), about["sha256"]
    except SafetensorError as error:
        cut = re.search("incomplete|too ?small|invalid ?header ?length", str(error), re.IGNORECASE)
        what = "is cut short" if cut else "is not a safetensors file"
        raise ValueError(f"{path} {what} ({error}): {advice}") from error
    except KeyError:
        raise ValueError(f"{path} was not written by gm_utils: {advice}") from None
    if _digest(tensors) != digest:
        raise ValueError(f"{path} is damaged, its contents are not what was written: {advice}")
    return tensors, record


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file such that at any moment the old one or the new one is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    if os.name == "posix":  # the rename itself must reach the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def machine() -> str:
    """What a card says of the machine: the accelerator's name, else the number of cores."""
    if runtime.device().type == "cuda":
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} cores, {platform.machine()}"


def _digest(tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return total.hexdigest()
