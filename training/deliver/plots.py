"""The plots of docs/model.md, from the card alone: ``python -m training plots``.

Colours are told apart without colour vision (Okabe and Ito), and every plot says the same as a table beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.command import Command
from training.model import repository

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Card = dict[str, Any]

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#767676"


def draw_all(card: Card, folder: Path) -> list[Path]:
    """Write every plot as SVG; the same card gives the same bytes."""
    # Only developers have matplotlib; the other commands must not need it.
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    # Without a salt and with a date the same plot would be another file each time.
    with mpl.rc_context({"svg.hashsalt": "hemalens", "svg.fonttype": "none", "font.size": 9}):
        return [_write(draw, card, folder / f"{name}.svg") for name, draw in PLOTS.items()]


def _write(draw: Callable[[Axes, Card], None], card: Card, path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    draw(axes, card)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    return path


def comparison(axes: Axes, card: Card) -> None:
    """Macro-F1 of the model and of what it is compared with, on each part, with intervals."""
    parts = {"cross_validation": (BLUE, "o"), "test": (GREEN, "s"), "random_split": (ORANGE, "D")}
    titles = ["this model"]
    for shift, (key, (colour, marker)) in enumerate(parts.items()):
        estimate = next(one for one in card["estimates"] if one["key"] == key)
        compared = [one for one in card["comparisons"] if one["part"] == key]
        titles = ["this model", *(one["key"].replace("_", " ") for one in compared)]
        for place, one in enumerate([estimate, *compared]):
            found = one["measures"]["macro_f1"]
            height = place + (shift - 1) * 0.2
            axes.plot([found["low"], found["high"]], [height, height], color=colour, lw=1.5)
            label = key.replace("_", " ") if place == 0 else None
            axes.plot(found["value"], height, marker, color=colour, ms=5, label=label)
    axes.set_yticks(range(len(titles)), titles)
    axes.invert_yaxis()
    axes.set_xlabel("macro-F1, 95 % interval over pseudo-slides")
    axes.legend(frameon=False)


def reliability(axes: Axes, card: Card) -> None:
    """Accuracy against confidence in bins of equal mass, on held-out pseudo-slides."""
    bins = card["calibration"]["reliability"]
    low = min(min(one["confidence"], one["accuracy"]) for one in bins) - 0.02
    axes.plot([low, 1], [low, 1], color=GREY, lw=1, ls="--", label="perfectly calibrated")
    axes.plot(
        [b["confidence"] for b in bins], [b["accuracy"] for b in bins], "o-", color=BLUE, label="this model"
    )
    axes.set_xlabel("mean confidence of the bin")
    axes.set_ylabel("share called right")
    axes.legend(frameon=False)


def deletion(axes: Axes, card: Card) -> None:
    """Probability of the predicted class while cells of the map are deleted or inserted."""
    curves = card["explanation"]["curves"]
    for order, colour in zip(curves["deletion"], (BLUE, GREY, ORANGE, GREEN), strict=False):
        for kind, style in (("deletion", "-"), ("insertion", "--")):
            values = curves[kind][order]
            share = [step / (len(values) - 1) for step in range(len(values))]
            axes.plot(share, values, style, color=colour, label=f"{kind}, {order}")
    axes.set_xlabel("share of the field deleted or inserted")
    axes.set_ylabel("probability of the predicted class")
    axes.legend(frameon=False, fontsize=7, ncols=2)


def shifts(axes: Axes, card: Card) -> None:
    """Fall of macro-F1 under each shift."""
    found = card["shifts"]["shifts"]
    colours = [GREY if one["seen"] else BLUE for one in found]
    axes.barh([one["text"] for one in found], [one["fall"] for one in found], color=colours)
    axes.axvline(0.02, color=ORANGE, ls="--", lw=1)
    axes.invert_yaxis()
    axes.set_xlabel("fall of macro-F1; line: the bar; grey: seen in training")


PLOTS: dict[str, Callable[[Axes, Card], None]] = {
    "comparison": comparison,
    "reliability": reliability,
    "deletion": deletion,
    "shifts": shifts,
}


def draw_card(model: Path, folder: Path) -> list[Path]:
    """The plots of the card in ``model``."""
    return draw_all(json.loads((model / "model_card.json").read_text()), folder)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, default=repository.MODEL)
    parser.add_argument("--out", type=Path, default=Path("docs/model"))


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    return {"written": [str(path) for path in draw_card(parsed.model, parsed.out)]}


COMMAND = Command(
    "plots",
    "draw the plots of docs/model.md from the card",
    _arguments,
    _run,
)
