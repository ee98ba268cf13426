"""``python -m training``: from photographs to a model version. JSON to stdout, progress to stderr."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from training import config
from training.data import manifest, splits, synthetic
from training.deliver import card, export, gate, int8_model
from training.evaluate import evaluation, explain, quality, shifts
from training.fit import ablate, build, crossvalidate, train
from training.model import repository


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    parsed = parser().parse_args(arguments)
    try:
        result = parsed.run(parsed)
        print(json.dumps(result, indent=2))
    except manifest.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return int(parsed.failed(result))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    # A command whose answer can be bad news says with ``failed`` whether it is.
    root.set_defaults(failed=lambda result: False)
    commands = root.add_subparsers(required=True, metavar="command")

    for name, run, words in (
        ("train", _train, "run the recipe on one fold (--fold 0) or for the final model"),
        ("crossvalidate", _crossvalidate, "run the recipe on every fold"),
        ("finish", _finish, "cross-validate, train the final model, calibrate it"),
    ):
        one = commands.add_parser(name, help=words)
        _add_recipe(one)
        one.set_defaults(run=run)

    one = commands.add_parser("evaluate", help="measure a weights file on photographs, one folder per class")
    source = one.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, help="a folder holding one folder per class")
    source.add_argument("--test", action="store_true", help="the test part of the committed split")
    one.add_argument("--weights", type=Path, default=repository.COMMITTED)
    one.add_argument(
        "--data", type=Path, default=manifest.DEFAULT_DATA, help="where the manifest lies (--test)"
    )
    one.set_defaults(run=_evaluate)

    one = commands.add_parser("outliers", help="how many pictures of other things the outlier gate catches")
    one.add_argument(
        "--images", type=Path, required=True, help="a folder holding one folder per kind of picture"
    )
    one.add_argument("--weights", type=Path, default=repository.COMMITTED)
    one.set_defaults(run=lambda parsed: evaluation.score_strangers(parsed.weights, parsed.images))

    one = commands.add_parser(
        "deliver", help="put a run into the model repository, with hash, threshold and card"
    )
    one.add_argument("--run", dest="folder", type=Path, default=config.Config().out, help="what finish wrote")
    one.add_argument("--version", type=int, default=repository.VERSION)
    one.add_argument("--model", type=Path, default=repository.MODEL)
    one.add_argument("--data", type=Path, default=manifest.DEFAULT_DATA)
    one.set_defaults(run=_deliver)

    one = commands.add_parser("export", help="write model.pt for every version from its committed weights")
    one.add_argument("--model", type=Path, help="only this model's folder; default: all of triton_models/")
    one.set_defaults(run=_export)

    one = commands.add_parser("plots", help="draw the plots of docs/model.md from the card")
    one.add_argument("--model", type=Path, default=repository.MODEL)
    one.add_argument("--out", type=Path, default=Path("docs/model"))
    one.set_defaults(run=_plots)
    ablate.add_command(commands)
    synthetic.add_command(commands)
    explain.add_command(commands)
    shifts.add_command(commands)
    int8_model.add_command(commands)
    gate.add_command(commands)
    quality.add_command(commands)
    return root


def _add_recipe(one: argparse.ArgumentParser) -> None:
    """The recipe's file and every key of it."""
    one.add_argument("--config", type=Path, default=config.DEFAULT_CONFIG, help="the recipe, TOML")
    for entry in fields(config.Config):
        if entry.name != "strength":
            one.add_argument(
                f"--{entry.name.replace('_', '-')}",
                type=_converter(entry.default),
                help=f"overrides {entry.name}",
            )


def _converter(default: Any) -> Callable[[str], Any]:
    if isinstance(default, bool):
        return lambda text: text.lower() in ("1", "true", "yes")
    return type(default) if isinstance(default, int | float | str) else Path


def _recipe(parsed: argparse.Namespace) -> config.Config:
    names = {entry.name for entry in fields(config.Config)} - {"strength"}
    return config.read(parsed.config, {name: getattr(parsed, name) for name in names})


def _train(parsed: argparse.Namespace) -> Any:
    return train.train(_recipe(parsed))


def _crossvalidate(parsed: argparse.Namespace) -> Any:
    return crossvalidate.crossvalidate(_recipe(parsed))


def _finish(parsed: argparse.Namespace) -> Any:
    return build.finish(_recipe(parsed))


def _evaluate(parsed: argparse.Namespace) -> Any:
    torch.set_num_threads(os.cpu_count() or 1)
    photographs = manifest.read_folders(parsed.images) if parsed.images else splits.test_part(parsed.data)
    return evaluation.evaluate(parsed.weights, photographs)


def _deliver(parsed: argparse.Namespace) -> Any:
    torch.set_num_threads(os.cpu_count() or 1)
    return card.deliver(parsed.folder, parsed.model, parsed.version, parsed.data)


def _export(parsed: argparse.Namespace) -> Any:
    written = export.export_model(parsed.model) if parsed.model else export.export_repository()
    return {"written": [str(path) for path in written]}


def _plots(parsed: argparse.Namespace) -> Any:
    # Only developers have matplotlib; the other commands must not need it.
    from training.deliver import plots

    return {"written": [str(path) for path in plots.draw_card(parsed.model, parsed.out)]}
