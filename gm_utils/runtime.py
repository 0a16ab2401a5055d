"""Where a lecture runs and how large: profile, device, seed, and the files that it reads.

Nothing here changes a global setting, apart from `seed`, which is asked to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
PROFILES = ("smoke", "cpu", "gpu")
_read: set[str] = set()  # files read so far, relative to ROOT; the notebook runner asks for them


def profile() -> str:
    """The size of the lecture's experiments: `"smoke"`, `"cpu"` or `"gpu"`.

    `GM_PROFILE` decides; without it, `"gpu"` where an accelerator is found, else `"cpu"`.
    Raises ValueError for another value of `GM_PROFILE`.

    >>> by_profile(smoke=1, cpu=1, gpu=1)
    1
    """
    name = os.environ.get("GM_PROFILE") or ("gpu" if device().type != "cpu" else "cpu")
    if name not in PROFILES:
        raise ValueError(f"GM_PROFILE is {name!r}; expected one of {', '.join(PROFILES)}")
    return name


def by_profile(*, smoke: T, cpu: T, gpu: T) -> T:
    """The value for the present profile: `steps = by_profile(smoke=20, cpu=600, gpu=20_000)`."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile()]


def device() -> torch.device:
    """The first accelerator (CUDA, then Apple's MPS), else the CPU.

    `GM_PROFILE=smoke` and `=cpu` mean the CPU, whatever is there: their outputs are compared.
    """
    if os.environ.get("GM_PROFILE") in ("smoke", "cpu"):
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def seed(n: int = 0) -> torch.Generator:
    """Seed torch's global generator with `n` and return a CPU generator seeded alike."""
    torch.manual_seed(n)
    return torch.Generator().manual_seed(n)


def draw(
    random: Callable[..., Tensor], shape: Sequence[int], like: Tensor, generator: torch.Generator | None
) -> Tensor:
    """`torch.randn` or `torch.rand` of this shape, with the dtype and on the device of `like`.

    Drawn where the generator lives, so that one seed gives the same numbers on every device.

    >>> draw(torch.rand, (2, 3), torch.zeros(1, dtype=torch.float64), seed(0)).shape
    torch.Size([2, 3])
    """
    device = like.device if generator is None else generator.device
    return random(*shape, generator=generator, dtype=like.dtype, device=device).to(like.device)


def live() -> bool:
    """True in a kernel in which a person works: a notebook, and neither our runner nor a test.

    The runner and the tests set `GM_PROFILE`; ipywidgets appear only where this is true.
    """
    if os.environ.get("GM_PROFILE"):
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def asset(name: str) -> str:
    """The text of `gm_utils/js/NAME`, a script or sheet that an interactive figure embeds."""
    path = Path(__file__).with_name("js") / name
    _read.add(f"gm_utils/js/{name}")
    return path.read_text(encoding="utf8")


def checkpoint(name: str) -> Path:
    """The file of trained weights `checkpoints/NAME`, a safetensors file with a card beside it.

    In a checkout the file is there; an installed package downloads it once from the tagged
    repository and compares its SHA-256 with `gm_utils/checkpoints.sha256`.
    Raises FileNotFoundError for a name that is not in that list.
    """
    _read.add(f"checkpoints/{name}")
    path = ROOT / "checkpoints" / name
    if path.exists():
        return path
    lines = Path(__file__).with_name("checkpoints.sha256").read_text(encoding="utf8").splitlines()
    known = {file: digest for digest, file in (line.split() for line in lines)}
    if name not in known:
        raise FileNotFoundError(f"no checkpoint {name!r}; known are {', '.join(sorted(known))}")
    import pooch

    return Path(pooch.retrieve(f"{_repository()}/raw/{_tag()}/checkpoints/{name}", known[name], name))


def _repository() -> str:
    from importlib.metadata import metadata

    urls = dict(line.split(", ", 1) for line in metadata("gm-utils").get_all("Project-URL", []))
    return urls["Repository"]


def _tag() -> str:
    from importlib.metadata import version

    return f"v{version('gm-utils')}"
