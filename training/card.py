"""Putting a run into the model repository: weights, the parameters clients compare, and the model card.

The card's figures are measured here, on the delivered file itself, never copied from the run's log.
"""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training import weights
from training.data import DataError, Photograph
from training.evaluate import evaluate, read_note

INTENDED_USE = (
    "Pre-classification of photographs of stained blood smears for a reader who decides. "
    "Research use only; not a medical device, not for diagnosis."
)

ARCHITECTURE = (
    "VGG16 convolutions (torchvision's vgg16, 14.7 M parameters) without the last max-pool, global average "
    "pooling, one linear layer"
)

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
    "No patient identifiers exist: the split keeps contiguous file numbers and overlapping fields together "
    "and is still no patient split. The same patient can be in both parts, so expect less on new patients.",
    "Stain and brightness alone tell these classes apart to a large part; compare every figure with the "
    "baselines.",
    "The validation fold is one of five and an easy one: the support-vector machine reaches 0.996 macro-F1 on "
    "it and 0.987 over all five.",
    "Benign means haematogones, not healthy blood in general; normal smears were not among the classes.",
    "Temperature and outlier threshold were fitted on the validation part, so its calibration error is "
    "flattered.",
    "The outlier score catches other kinds of pictures, not every unsuitable smear.",
)


def deliver(run: Path, model: Path, version: int, validation: Sequence[Photograph]) -> dict[str, Any]:
    """Copy a run's weights into ``model``/``version``, measure them, and write parameters and card.

    :param validation: the photographs the card's figures are measured on.
    :returns: the card, as written to ``model_card.json``.
    :raises DataError: when the run is not finished or its weights are too large to commit.
    """
    if not (run / "run.json").is_file():
        raise DataError(f"{run} holds no finished run; python -m training train writes one")
    record = json.loads((run / "run.json").read_text())
    target = model / str(version) / "weights.safetensors"
    if (run / target.name).stat().st_size > weights.LIMIT:
        raise DataError(f"{run / target.name} is larger than {weights.LIMIT:,} bytes")
    target.parent.mkdir(parents=True, exist_ok=True)
    for name in (target.name, "baselines.safetensors"):
        shutil.copyfile(run / name, target.with_name(name))
    figures = evaluate(target, validation)
    card = describe(record, figures, target, version)
    for config in (model / "config.pbtxt", *sorted((model / "configs").glob("*.pbtxt"))):
        set_parameter(config, f"weights_sha256:{version}", card["sha256"])
        set_parameter(config, f"outlier_threshold:{version}", str(card["outlier_threshold"]))
    (model / "model_card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    (model / "model_card.md").write_text(render(card))
    return card


def describe(record: dict[str, Any], figures: dict[str, Any], path: Path, version: int) -> dict[str, Any]:
    """The card as data: what the portal shows and the Markdown is rendered from."""
    note = read_note(path)
    recipe = record["recipe"]
    own = {name: value for name, value in figures.items() if not name.startswith(("baselines", "weights"))}
    local = ("data", "out", "cache", "backbone")
    return {
        "name": path.parent.parent.name,
        "version": version,
        "sha256": figures["weights_sha256"],
        "bytes": path.stat().st_size,
        "research_use_only": True,
        "intended_use": INTENDED_USE,
        "classes": figures["confusion"]["labels"],
        "architecture": ARCHITECTURE,
        "training": _training(recipe),
        "training_data": TRAINING_DATA,
        "split": record["split"],
        "figures": own,
        "baselines": figures["baselines"],
        "baselines_over_folds": {
            "contiguous": record["baselines"]["contiguous_folds"],
            "random": record["baselines"]["random_folds"],
        },
        "temperature": note["temperature"],
        "outlier_threshold": note["outlier_threshold"],
        "limits": list(LIMITS),
        "provenance": {
            "command": "python -m training train; python -m training deliver",
            **{
                name: record[name]
                for name in ("git_commit", "manifest_sha256", "machine", "seconds", "finished")
            },
            "recipe": {name: value for name, value in recipe.items() if name not in local},
        },
    }


def _training(recipe: dict[str, Any]) -> str:
    if not recipe["epochs"]:
        return "provisional: all convolutions as trained on ImageNet, only the linear layer fitted"
    return (
        f"block 5 and the linear layer fine-tuned for {recipe['epochs']} epochs on each training photograph "
        f"as it is and in {recipe['versions']} augmented versions; blocks 1 to 4 frozen as trained on ImageNet"
    )


def parameter(key: str, value: str) -> str:
    """One ``parameters`` entry of a ``config.pbtxt``, on a line of its own."""
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def set_parameter(config: Path, key: str, value: str) -> None:
    """Set one ``parameters`` entry of a ``config.pbtxt`` (one line each), or add it at the end."""
    line = parameter(key, value)
    text = config.read_text()
    changed, found = re.subn(
        rf'^parameters {{ key: "{re.escape(key)}" .*$', lambda _: line, text, flags=re.MULTILINE
    )
    config.write_text(changed if found else f"{text.rstrip()}\n{line}\n")


def render(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    data = card["training_data"]
    return f"""# {card["name"]}, version {card["version"]}

**{card["intended_use"]}**

Weights: `{card["version"]}/weights.safetensors`, {card["bytes"] / 1e6:.1f} MB, SHA-256 `{card["sha256"]}`.
Written by `python -m training deliver`; `model_card.json` holds the same as data.

- Classes: {", ".join(card["classes"])}
- Network: {card["architecture"]}
- Training: {card["training"]}
- Data: {data["name"]}, {data["citation"]}; {data["article"]}.
  {data["photographs_used"]}. Licence: {data["licence"]}.
- Start: {data["start"]}
- Temperature {card["temperature"]}, outlier threshold {card["outlier_threshold"]}

## Figures

{_figures(card)}

What a random split would hide, for the baselines (five folds each; mean macro-F1, worst Benign recall):

{_folds(card["baselines_over_folds"])}

## Limits

{_lines(f"- {limit}" for limit in card["limits"])}
"""


def _figures(card: dict[str, Any]) -> str:
    figures, split, labels = card["figures"], card["split"], card["classes"]
    names = ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall")
    compared = {"**this model**": figures} | {one["title"]: one for one in (card["baselines"] or {}).values()}
    matrix = zip(labels, figures["confusion"]["matrix"], strict=True)
    return f"""{figures["images"]} validation photographs ({split["train"]} trained). Split: {split["kind"]}.
Measured on the committed half-precision file, {card["provenance"]["machine"]["cpus"]} CPU cores.

| | accuracy | macro-F1 | malignant sensitivity | Benign recall |
|---|---|---|---|---|
{_lines(_row(title, *(_cell(one[name]) for name in names)) for title, one in compared.items())}

AUROC {_cell(figures["auroc"], 4)} (mean of each class against the rest), {_cell(figures["auroc_malignant"], 4)}
(malignant against Benign). Expected calibration error, 15 equal-mass bins: {_cell(figures["ece"], 4)}.

{_row("true, called:", *labels, "recall")}
|---|{"---|" * (len(labels) + 1)}
{_lines(_row(label, *counts, _cell(figures["recall"][label])) for label, counts in matrix)}"""


def _folds(folds: dict[str, Any]) -> str:
    def both(kind: str, name: str) -> str:
        return f"{_cell(folds[kind][name]['macro_f1'])}, {_cell(folds[kind][name]['worst_benign_recall'])}"

    return f"""| | contiguous blocks | random images |
|---|---|---|
{_lines(_row(name, both("contiguous", name), both("random", name)) for name in folds["contiguous"])}"""


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _cell(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "n/a"
    text = f"{value:.{digits}f}"
    # What is not perfect must not be rounded to look so.
    return f"> {1 - 10**-digits:.{digits}f}" if value < 1 and float(text) == 1 else text
