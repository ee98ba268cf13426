"""``python -m training``: from photographs to a model version. JSON to stdout, progress to stderr."""

import argparse
import json
import sys
from collections.abc import Sequence

from training.command import Command
from training.data import splits, synthetic
from training.data.manifest import DataError
from training.deliver import card, export, gate, int8_model, plots
from training.evaluate import counterfactual, evaluation, explain, other_images, quality, shifts
from training.fit import ablate, build, crossvalidate, train

#: In the order in which a version comes about.
COMMANDS: tuple[Command, ...] = (
    synthetic.COMMAND,
    splits.COMMAND,
    train.COMMAND,
    crossvalidate.COMMAND,
    ablate.COMMAND,
    build.COMMAND,
    counterfactual.COMMAND,
    evaluation.COMMAND,
    other_images.COMMAND,
    shifts.COMMAND,
    explain.COMMAND,
    quality.COMMAND,
    card.COMMAND,
    int8_model.COMMAND,
    gate.COMMAND,
    export.COMMAND,
    plots.COMMAND,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    parsed = parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        result = command.run(parsed)
        print(json.dumps(result, indent=2))
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return int(command.failed(result))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(one)
        one.set_defaults(command=command)
    return root
