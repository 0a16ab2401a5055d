"""Batches without end, in an order that the seed alone decides: the same sequence wherever it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

Data = Tensor | tuple[Tensor, ...] | Iterable[Any]


def batches_from(
    data: Data, size: int, seed: int, taken: int, share: slice, device: torch.device | str
) -> Iterator[Any]:
    """Yield batch `taken`, `taken` + 1, ... on `device`; of each, the rows `share` (a process's own).

    data: a tensor (n, *event) or a tuple of tensors (n, ...): each pass is shuffled anew and cut into
    n // size batches of `size` rows (n rows where n < size); or anything that yields batches and can be
    iterated again, whose own sizes hold.
    Raises ValueError for tensors of different lengths, no batch, or no row for each process.

    >>> next(batches_from(torch.arange(6), 3, 0, 0, slice(None), "cpu")).shape
    torch.Size([3])
    """
    if isinstance(data, Tensor | tuple):
        yield from _shuffled(data, size, seed, taken, share, device)
    world = share.step or 1

    def rows(tensor: Tensor) -> Tensor:
        if len(tensor) < world:
            raise ValueError(f"data yields a batch of {len(tensor)}; expected {world} or more, one a process")
        return tensor[: len(tensor) // world * world][share].to(device)

    for batch in _iterated(data, seed, taken):
        yield _map(rows, batch)


def _shuffled(
    data: Tensor | tuple[Tensor, ...], size: int, seed: int, taken: int, share: slice, device: Any
) -> Iterator[Any]:
    sizes = {len(tensor) for tensor in (data if isinstance(data, tuple) else (data,))}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"data holds {sorted(sizes)} examples; expected tensors of one length, at least 1")
    (n,) = sizes
    size = min(size, n)
    if size % (share.step or 1):
        raise ValueError(f"data holds {n} examples; expected at least a batch, or a multiple of {share.step}")
    epoch, first = divmod(taken, n // size)
    data = _map(lambda tensor: tensor.to(device), data)
    while True:
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed_for(seed, 0, epoch)))
        for index in order.to(device).split(size)[first : n // size]:
            yield _map(lambda tensor: tensor[index[share]], data)  # noqa: B023 - used at once
        epoch, first = epoch + 1, 0


def _iterated(data: Iterable[Any], seed: int, taken: int) -> Iterator[Any]:
    """Batch `taken` and on; each pass is seeded by its number, and skipping leaves the noise alone."""
    epoch = 0
    if hasattr(data, "__len__") and len(data):
        epoch, taken = divmod(taken, len(data))
    while True:
        noise = torch.get_rng_state()
        torch.default_generator.manual_seed(seed_for(seed, 0, epoch))
        batches, head, count = iter(data), [], 0
        for batch in batches:
            count += 1
            head = [batch] if count > taken else []
            if count >= max(taken, 1):
                break
        torch.set_rng_state(noise)
        if not count:
            raise ValueError("data has no batch left; expected batches that can be iterated again and again")
        taken -= min(count, taken)
        yield from head
        yield from batches
        epoch += 1


def _map(function: Callable[[Tensor], Tensor], batch: Any) -> Any:
    return function(batch) if isinstance(batch, Tensor) else tuple(function(tensor) for tensor in batch)


def seed_for(*numbers: int) -> int:
    """A seed that depends on all the numbers, so that no two uses share a stream (63 bits)."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
