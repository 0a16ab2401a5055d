"""`python -m gm_utils train NAME`: what a lecture's training cell runs, from the command line.

python -m gm_utils train --list
python -m gm_utils train vae --profile cpu --keep
accelerate launch --num_processes 2 -m gm_utils train vae --profile gpu
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from gm_utils.runtime import PROFILES, profile


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0, or 1 where training failed. Raises SystemExit(2) for bad arguments."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m gm_utils", description="Train the models of the book.")
    train = parser.add_subparsers(required=True).add_parser("train", help="train a model as its lecture does")
    train.add_argument("name", nargs="?", help="the model; --list shows the names")
    train.add_argument("--list", action="store_true", help="list the names and stop")
    train.add_argument("--profile", choices=PROFILES, help="the size of the run (default: as found)")
    train.add_argument("--steps", type=int, help="instead of the profile's number of steps")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", type=Path, help="folder of the state and the log (default: runs/NAME)")
    train.add_argument("--resume", action="store_true", help="go on from the state in that folder")
    train.add_argument("--keep", action="store_true", help="store the weights in checkpoints/, with a card")
    options = parser.parse_args(arguments)
    if options.profile:
        os.environ["GM_PROFILE"] = options.profile
    from gm_utils.recipes import RECIPES

    if options.list:
        width = max(map(len, RECIPES))
        for name, make in RECIPES.items():
            print(f"{name:{width}}  {make.__doc__}")
        return 0
    if options.name not in RECIPES:
        parser.error(f"no model {options.name!r}; known are {', '.join(sorted(RECIPES))}")
    options.out = options.out or Path("runs") / options.name
    if (options.out / "state.safetensors").exists() and not options.resume:
        parser.error(f"{options.out} holds a run already: add --resume to go on, or name another --out")
    try:
        _train(options, f"python -m gm_utils {shlex.join(arguments)}")
    except (ValueError, OSError, ArithmeticError) as error:
        print(f"gm_utils: {error}", file=sys.stderr)
        return 1
    return 0


def _train(options: argparse.Namespace, command: str) -> None:
    from accelerate import PartialState

    from gm_utils.recipes import RECIPES
    from gm_utils.weights import save_checkpoint

    run = RECIPES[options.name](seed=options.seed)
    if options.steps is not None:
        run = replace(run, steps=options.steps)
    history = run.start(options.out)
    if not PartialState().is_main_process:
        return
    model = history.ema or run.model
    figures = {name: curve[-1] for name, curve in history.curves.items()}
    figures |= run.figures(model) if run.figures else {}
    for name, value in figures.items():
        print(f"{name:24} {value:.6g}")
    print(f"state and log: {options.out}")
    if options.keep:
        card = {"command": command, "profile": profile(), "data": run.data_name, "steps": run.steps}
        card |= {"seconds": round(history.seconds, 1), "figures": figures}
        print(f"checkpoint: {save_checkpoint(options.name, model, card)}")


if __name__ == "__main__":
    sys.exit(main())
