"""Putting a run into the model repository: weights, the parameters clients compare, and the model card.

The card's figures of the test part are measured here, on the delivered file itself; those of the cross-validation
are the run's. Nothing is copied by hand.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from smear.classes import CLASSES
from smear.refer import ReferRule
from training import config as configs
from training.command import Command
from training.data import splits
from training.data.augment import Strength
from training.data.manifest import DEFAULT_DATA, DataError, file_sha256
from training.deliver import card_text
from training.evaluate import baselines, bootstrap, conformal, explain, shifts
from training.evaluate.evaluation import answers, figures
from training.fit import build
from training.model import precision, repository, weights

INTENDED_USE = (
    "Pre-classification of photographs of stained blood smears for a reader who decides. "
    "Research use only; not a medical device, not for diagnosis."
)

#: The network in words, by what its linear layer sees.
ARCHITECTURE = {
    "block5": "VGG16 convolutions (torchvision's vgg16, 14.7 M parameters) without the last max-pool, global average "
    "pooling, one linear layer",
    "blocks34": "VGG16 convolutions to the end of block 4 (torchvision's vgg16, 7.6 M parameters), square roots of the "
    "global averages of blocks 3 and 4, one linear layer",
}

TRAINING_DATA = {
    "name": "Acute Lymphoblastic Leukemia (ALL) image dataset",
    "citation": "Aria, Ghaderzadeh, Bashash, Abolghasemi, Asadi, Hosseini. Kaggle 2021. "
    "DOI 10.34740/KAGGLE/DSV/2175623",
    "article": "Ghaderzadeh et al., Int J Intell Syst 2022, doi 10.1002/int.22753",
    "photographs_used": "2,765 of 3,256; the others were kept apart by somebody else for an outside check",
    "licence": "not found on any page at hand; cited, not redistributed",
    "start": "VGG16 convolutions trained on ImageNet (original Oxford weights, CC BY 4.0)",
}

LIMITS = (
    "One data set from one source; photographs of no other laboratory, stain or camera have been tried.",
    "No patient identifiers exist: pseudo-slides keep together what was probably taken from one slide, and that is no "
    "patient split. The same patient can be on both sides, so expect less on new patients.",
    "The recipe was chosen over the folds of the cross-validation, so those figures are a little too good; what "
    "augmentation does under shifts was looked at on every second photograph of the test part while it was chosen.",
    "Stain and light alone tell these classes apart to a large part, and the background with every nucleated cell "
    "painted out nearly as well as the whole photograph: what was learnt may be the slides and not the cells. Compare "
    "every figure with the baselines.",
    "Benign means haematogones, not healthy blood in general; normal smears were not among the classes.",
    "Intervals are over pseudo-slides; where nothing was called wrong an interval has no width, which is the method's "
    "limit and not certainty.",
    "The outlier score catches other kinds of pictures, not every unsuitable smear.",
)

#: What a delivery elsewhere takes over from the committed model.
CONFIGURATION = {"config.pbtxt", "configs", "gpu.pbtxt", "labels.txt"}

#: Photographs of each class whose activation maps are checked.
EXPLAINED = 10

#: Where the delivered figures come from, in the order in which a reader should look at them.
PARTS = {
    "test": "test part: pseudo-slides kept apart from training and cross-validation",
    "cross_validation": "cross-validation over pseudo-slides, five folds",
    "random_split": "random split of single photographs, five folds: what the literature does, and too good",
}


def deliver(run: Path, model: Path, version: int, data: Path) -> dict[str, Any]:
    """Copy a finished run's weights into ``model``/``version``, measure them, and write parameters and card.

    :param run: what :func:`training.fit.build.build` wrote.
    :param data: the data folder; the figures of the test part are measured here, on the delivered file.
    :returns: the card, as written to ``model_card.json``.
    :raises DataError: when the run is not finished or its weights are too large to commit.
    """
    record_path = next((run / name for name in build.RECORDS if (run / name).is_file()), None)
    if record_path is None:
        raise DataError(f"{run} holds no finished run; python -m training build writes one")
    record = json.loads(record_path.read_text())
    target = model / str(version) / "weights.safetensors"
    if (run / target.name).stat().st_size > weights.LIMIT:
        raise DataError(f"{run / target.name} is larger than {weights.LIMIT:,} bytes")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not (model / "config.pbtxt").exists():
        shutil.copytree(
            repository.MODEL, model, dirs_exist_ok=True, ignore=lambda _, names: set(names) - CONFIGURATION
        )
    for name in (target.name, "baselines.safetensors"):
        shutil.copyfile(run / name, target.with_name(name))
    card = describe(record, measure(target, data), target, version)
    card |= checked_further(run, target, data, record["recipe"])
    for config in (model / "config.pbtxt", *sorted((model / "configs").glob("*.pbtxt"))):
        set_parameter(config, f"weights_sha256:{version}", card["sha256"])
        set_parameter(config, f"outlier_threshold:{version}", str(card["outlier_threshold"]))
    (model / "model_card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    (model / "model_card.md").write_text(card_text.render(card))
    return card


def measure(target: Path, data: Path) -> dict[str, Any]:
    """Figures of delivered weights on the test part.

    :returns: ``figures``, and ``estimate`` and ``comparisons`` with intervals over pseudo-slides.
    """
    photographs, slides = splits.test_part(data), splits.test_slides(data)
    network = weights.load(target)
    found = answers(network, photographs)
    fitted = baselines.fit(*baselines.load(target.with_name("baselines.safetensors")))
    called = baselines.answers(fitted, found.seen)
    inside = conformal.covered(
        found.probabilities, found.labels, ReferRule.from_card(weights.read_note(target)).least_probability
    )
    return {
        "figures": figures(target, found) | {"coverage": conformal.coverage(inside, found.labels, slides)},
        "estimate": {
            "images": len(photographs),
            "groups": len(np.unique(slides)),
            "measures": bootstrap.intervals(found.probabilities, found.labels, slides),
        },
        "comparisons": {
            name: bootstrap.of_answers(predicted, found.labels, slides) for name, predicted in called.items()
        },
    }


def checked_further(run: Path, target: Path, data: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """What takes minutes and is kept in the run's folder for these weights: ``shifts`` and ``explanation``."""
    kept = run / f"checked-{file_sha256(target)[:16]}.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text()))
    network = weights.load(target).to(precision.device())
    photographs = splits.test_part(data)
    rule = ReferRule.from_card(weights.read_note(target))
    found = {
        # Thousands of passes: shortened where the processor can, which the figures say (``arithmetic``).
        "shifts": shifts.measure(network, photographs, rule, Strength(**recipe["strength"]), "auto"),
        "explanation": explain.explain(network, explain.sample(photographs, EXPLAINED), 0, "auto"),
    }
    kept.write_text(json.dumps(found, indent=2) + "\n")
    return found


def describe(record: dict[str, Any], tested: dict[str, Any], path: Path, version: int) -> dict[str, Any]:
    """The card as data: what the portal shows and the Markdown is rendered from."""
    note = weights.read_note(path)
    recipe = record["recipe"]
    own = {
        name: value
        for name, value in tested["figures"].items()
        if not name.startswith(("baselines", "weights"))
    }
    local = ("data", "reviewed", "out", "cache", "backbone", "split")
    return {
        "name": path.parent.parent.name,
        "version": version,
        "sha256": file_sha256(path),
        "bytes": path.stat().st_size,
        "research_use_only": True,
        "intended_use": INTENDED_USE,
        "classes": list(CLASSES),
        "architecture": architecture(recipe),
        "training": training_words(recipe, record.get("reviewed")),
        "training_data": TRAINING_DATA,
        **_signed_cases(record),
        "split": record["split"],
        "figures": own,
        "estimates": _estimates(record, tested),
        "comparisons": _comparisons(record, tested),
        "folds": record["crossvalidation"]["folds"],
        "calibration": record["calibration"],
        "outliers": record["outliers"],
        "temperature": note["temperature"],
        "outlier_threshold": note["outlier_threshold"],
        "refer_rule": note["refer_rule"],
        "limits": limits(record.get("reviewed")),
        "known_failures": known_failures(record, tested),
        "provenance": {
            "command": "make train",
            **{
                name: record[name]
                for name in ("git_commit", "manifest_sha256", "machine", "seconds", "finished")
            },
            "recipe": {name: value for name, value in recipe.items() if name not in local},
        },
    }


def limits(cases: dict[str, Any] | None) -> list[str]:
    """What a reader of the card has to know, of the signed cases too where any trained."""
    if cases is None:
        return list(LIMITS)
    return [
        "Every figure is over one public data set from one source, whatever else trained.",
        f"The signed cases are labelled by their readers: {cases['model_seen']} of {cases['photographs']} photographs "
        f"by somebody who had seen the model's answer, {cases['disputed']} in cases that were adjudicated or amended.",
        *LIMITS[1:],
    ]


def _signed_cases(record: dict[str, Any]) -> dict[str, Any]:
    """Which signed cases went in, and how networks that had not seen them answered; nothing where none did."""
    if record.get("reviewed") is None:
        return {}
    return {"reviewed": record["reviewed"] | {"figures": record["crossvalidation"]["reviewed"]}}


def known_failures(record: dict[str, Any], tested: dict[str, Any]) -> list[str]:
    """What the network is known to get wrong, counted: every confusion of cross-validation and test part."""
    words = []
    for part, source in (("cross-validation", record["crossvalidation"]), ("test part", tested["figures"])):
        matrix = np.array(source["confusion"]["matrix"])
        pairs = [
            (int(matrix[true, called]), CLASSES[true], CLASSES[called])
            for true in range(len(CLASSES))
            for called in range(len(CLASSES))
            if true != called and matrix[true, called]
        ]
        total = int(matrix.sum())
        said = "; ".join(
            f"{count} {true} called {called}" for count, true, called in sorted(pairs, reverse=True)
        )
        words.append(f"Of {total:,} photographs in the {part}: {said or 'none called wrong'}.")
    errors = record["calibration"]["errors"]
    words.append(
        f"Of {errors['wrong']} photographs called wrong in cross-validation, {errors['wrong_and_not_referred']} "
        "were not marked refer."
    )
    matrix = np.array(record["crossvalidation"]["confusion"]["matrix"])
    benign, early = CLASSES.index("Benign"), CLASSES.index("Early")
    words.append(
        f"Haematogones and early pre-B blasts look alike: {int(matrix[benign, early] + matrix[early, benign])} of the "
        "photographs called wrong in cross-validation lie between these two."
    )
    return words


def _estimates(record: dict[str, Any], tested: dict[str, Any]) -> list[dict[str, Any]]:
    sources = {"cross_validation": record["crossvalidation"], "random_split": record["random"]}
    estimates = [{"key": "test", "title": PARTS["test"], **tested["estimate"]}]
    for key, source in sources.items():
        images = int(np.array(source["confusion"]["matrix"]).sum())
        groups = record["calibration"]["coverage"]["by_group"]["groups"]
        estimates.append(
            {
                "key": key,
                "title": PARTS[key],
                "images": images,
                "groups": groups,
                "measures": source["pooled"],
            }
        )
    return estimates


def _comparisons(record: dict[str, Any], tested: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {"cross_validation": record["baselines"]["group"], "random_split": record["baselines"]["random"]}
    measured = {"test": tested["comparisons"]} | {
        part: {name: one["measures"] for name, one in of_kind.items()} for part, of_kind in kinds.items()
    }
    return [
        {"key": name, "title": baselines.BASELINES[name].title, "part": part, "measures": measures}
        for part, found in measured.items()
        for name, measures in found.items()
    ]


def architecture(recipe: dict[str, Any]) -> str:
    """The network of a recipe in a sentence."""
    side = recipe["enlarged"]
    enlarged = f"; the photograph is enlarged to {side} pixels a side inside" if side else ""
    return ARCHITECTURE[recipe["sees"]] + enlarged


def training_words(recipe: dict[str, Any], cases: dict[str, Any] | None = None) -> str:
    """How the network was trained, in a sentence, and on which laboratories' signed cases besides."""
    parts = {
        "head": "the linear layer",
        "conv5_3": "the last convolution and the linear layer",
        "block5": "block 5 and the linear layer",
        "block4": "blocks 4 and 5 and the linear layer",
    }
    beside = ""
    if cases is not None:
        slugs = ", ".join(one["slug"] for one in cases["laboratories"])
        count = f"{cases['photographs']:,} photographs of {cases['cases']:,} signed cases"
        beside = f"; besides the public set {count} ({slugs})"
    trained = f"{parts[recipe['tuned']]} fine-tuned for {recipe['epochs']} epochs"
    if not recipe["epochs"]:
        trained = "the linear layer trained by class-balanced logistic regression"
    return (
        f"{trained} on each training photograph "
        f"as it is and in {recipe['versions']} augmented versions; the blocks before frozen as trained on ImageNet"
        f"{beside}"
    )


def parameter(key: str, value: str) -> str:
    """One ``parameters`` entry of a ``config.pbtxt``, on a line of its own."""
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def set_parameter(config: Path, key: str, value: str) -> None:
    """Set one ``parameters`` entry of a ``config.pbtxt`` (one line each), or add it at the end."""
    wanted = parameter(key, value)
    lines = config.read_text().splitlines()
    rows = [row for row, line in enumerate(lines) if line.startswith(f'parameters {{ key: "{key}" ')]
    for row in rows:
        lines[row] = wanted
    config.write_text("\n".join(lines if rows else [*lines, wanted]) + "\n")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", dest="folder", type=Path, default=configs.Config().out, help="what build wrote"
    )
    parser.add_argument("--version", type=int, default=repository.VERSION)
    parser.add_argument("--model", type=Path, default=repository.MODEL)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(os.cpu_count() or 1)
    return deliver(parsed.folder, parsed.model, parsed.version, parsed.data)


COMMAND = Command(
    "deliver",
    "put a run into the model repository, with hash, threshold and card",
    _arguments,
    _run,
)
