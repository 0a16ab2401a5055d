"""Ours beside a peer: one process, one thread, CPU seconds, in turns, medians, one table.

Import this module first: it sets the number of threads before NumPy and PyTorch start. CPU time on one thread
hardly moves when other programs use the machine, and ratios move less; still a goal counts as missed only
below `SLACK` of it. A benchmark is a module with a list of `Goal`s and `sys.exit(main(goals))`.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[_name] = "1"

import statistics  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import torch  # noqa: E402

torch.set_num_threads(1)

SLACK = 0.7


@dataclass(frozen=True)
class Goal:
    """A piece of work, done by our code and by a peer's, and how many times faster ours is to be.

    agree: the largest relative difference between the two answers, checked before any timing; None where
    the answers are no numbers, or are random.
    """

    name: str
    ours: Callable[[], object]
    peer: Callable[[], object]
    at_least: float
    agree: float | None = None


@dataclass(frozen=True)
class Measurement:
    """CPU seconds a call: the medians of both, and the median of the ratios peer / ours, turn by turn."""

    ours: float
    peer: float
    ratio: float


def seconds_per_call(work: Callable[[], object], at_least: float) -> float:
    """CPU seconds of one call, averaged over as many as fill `at_least` seconds."""
    calls, start = 0, time.process_time()
    while True:
        work()
        calls += 1
        spent = time.process_time() - start
        if spent >= at_least:
            return spent / calls


def measure(goal: Goal, *, turns: int = 7, seconds: float = 0.1) -> Measurement:
    """Warm both up, compare their answers, then time them in turns."""
    ours, peer = goal.ours(), goal.peer()
    if goal.agree is not None and abs(float(ours) - float(peer)) > goal.agree * abs(float(peer)):
        raise AssertionError(f"{goal.name}: ours is {float(ours):.9g}, the peer says {float(peer):.9g}")
    pairs = [[seconds_per_call(work, seconds) for work in (goal.ours, goal.peer)] for _ in range(turns)]
    ours_times, peer_times = zip(*pairs, strict=True)
    ratio = statistics.median(b / a for a, b in pairs)
    return Measurement(statistics.median(ours_times), statistics.median(peer_times), ratio)


def main(goals: Sequence[Goal], **how: float) -> int:
    """Print one line a goal; return 1 where a ratio is below `SLACK` of its goal, else 0."""
    width = max(len(goal.name) for goal in goals)
    print(f"{'CPU time a call, 1 thread':{width}}  {'ours':>10}  {'peer':>10}  {'ratio':>7}  {'goal':>6}")
    missed = 0
    for goal in goals:
        got = measure(goal, **how)
        verdict = "ok" if got.ratio >= goal.at_least else "near"
        if got.ratio < SLACK * goal.at_least:
            verdict, missed = "MISSED", missed + 1
        print(f"{goal.name:{width}}  {_duration(got.ours):>10}  {_duration(got.peer):>10}  "
              f"{got.ratio:6.1f}x  {goal.at_least:5.1f}x  {verdict}", flush=True)
    if missed:
        print(f"{missed} of {len(goals)} below {SLACK} of the goal")
    return int(missed > 0)


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.2f} ms"
