"""``python -m training``: train, evaluate, outliers, deliver, export. JSON to stdout, progress to stderr."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from training import (
    card,
    config,
    data,
    evaluate,
    explain,
    export,
    quality,
    shifts,
    splits,
    synthetic,
    train,
    variant,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    parsed = parser().parse_args(arguments)
    try:
        print(json.dumps(parsed.run(parsed), indent=2))
    except data.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="command")

    one = commands.add_parser("train", help="fine-tune the network and write weights and run.json")
    one.add_argument("--config", type=Path, default=config.DEFAULT_CONFIG, help="the recipe, TOML")
    one.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out if there is one"
    )
    for entry in fields(config.Config):
        if entry.name != "strength":
            convert = type(entry.default) if isinstance(entry.default, int | float) else Path
            one.add_argument(
                f"--{entry.name.replace('_', '-')}", type=convert, help=f"overrides {entry.name}"
            )
    one.set_defaults(run=_train)

    one = commands.add_parser("evaluate", help="measure a weights file on photographs, one folder per class")
    source = one.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, help="a folder holding one folder per class")
    source.add_argument(
        "--validation", action="store_true", help="the validation part of the committed split"
    )
    one.add_argument("--weights", type=Path, default=export.MODEL / "1" / "weights.safetensors")
    one.add_argument(
        "--data", type=Path, default=data.DEFAULT_DATA, help="where the manifest lies (--validation)"
    )
    one.set_defaults(run=_evaluate)

    one = commands.add_parser("outliers", help="how many pictures of other things the outlier gate catches")
    one.add_argument(
        "--images", type=Path, required=True, help="a folder holding one folder per kind of picture"
    )
    one.add_argument("--weights", type=Path, default=export.MODEL / "1" / "weights.safetensors")
    one.set_defaults(run=lambda parsed: evaluate.score_strangers(parsed.weights, parsed.images))

    one = commands.add_parser(
        "deliver", help="put a run into the model repository, with hash, threshold and card"
    )
    one.add_argument("--run", dest="folder", type=Path, default=Path("runs/v1"), help="what train wrote")
    one.add_argument("--version", type=int, default=1)
    one.add_argument("--model", type=Path, default=export.MODEL)
    one.add_argument("--data", type=Path, default=data.DEFAULT_DATA)
    one.set_defaults(run=_deliver)

    one = commands.add_parser("export", help="write model.pt for every version from its committed weights")
    one.add_argument("--model", type=Path, help="only this model's folder; default: all of triton_models/")
    one.set_defaults(run=_export)
    synthetic.add_command(commands)
    explain.add_command(commands)
    shifts.add_command(commands)
    quality.add_command(commands)
    variant.add_command(commands)
    return root


def _train(parsed: argparse.Namespace) -> Any:
    names = {entry.name for entry in fields(config.Config)} - {"strength"}
    recipe = config.read(parsed.config, {name: getattr(parsed, name) for name in names})
    checkpoint = recipe.out / "checkpoint.pt"
    if checkpoint.exists() and not parsed.resume:
        raise data.DataError(f"{checkpoint} is there already: add --resume to go on, or choose another --out")
    return train.train(recipe)


def _evaluate(parsed: argparse.Namespace) -> Any:
    torch.set_num_threads(os.cpu_count() or 1)
    if parsed.images:
        return evaluate.evaluate(parsed.weights, data.read_folders(parsed.images))
    return evaluate.evaluate(parsed.weights, splits.validation_part(parsed.data))


def _deliver(parsed: argparse.Namespace) -> Any:
    return card.deliver(parsed.folder, parsed.model, parsed.version, splits.validation_part(parsed.data))


def _export(parsed: argparse.Namespace) -> Any:
    written = export.export_model(parsed.model) if parsed.model else export.export_repository()
    return {"written": [str(path) for path in written]}


if __name__ == "__main__":
    sys.exit(main())
