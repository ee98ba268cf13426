"""The model card as Markdown, from the card as data."""

from collections.abc import Iterable
from typing import Any

#: Columns of the tables of figures.
MEASURES = {
    "macro_f1": "macro-F1",
    "malignant_sensitivity": "malignant sensitivity",
    "benign_recall": "Benign recall",
    "accuracy": "accuracy",
    "ece": "ECE",
    "brier": "Brier",
}


def render(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    data = card["training_data"]
    return f"""# {card["name"]}, version {card["version"]}

**{card["intended_use"]}**

Weights: `{card["version"]}/weights.safetensors`, {card["bytes"] / 1e6:.1f} MB, SHA-256 `{card["sha256"]}`.
Written by `python -m training deliver`; `model_card.json` holds the same as data, `{card["version"]}/gate.json`
what was asked of it.

- Classes: {", ".join(card["classes"])}
- Network: {card["architecture"]}
- Training: {card["training"]}
- Data: {data["name"]}, {data["citation"]}; {data["article"]}.
  {data["photographs_used"]}. Licence: {data["licence"]}.
- Start: {data["start"]}
- Split: {card["split"]["kind"]}; {card["split"]["train"]:,} photographs train, {card["split"]["held_out"]} test
{_signed_cases(card)}
## Figures

Values with 95 % intervals from resampling whole pseudo-slides (2,000 times). {_machine(card)}

{_parts(card)}
{_folds(card)}

{_confusion(card)}

## Calibration and refusal

{_refusal(card)}

## Known failures

{lines(f"- {failure}" for failure in card["known_failures"])}

## Limits

{lines(f"- {limit}" for limit in card["limits"])}
"""


def table(card: dict[str, Any], key: str) -> str:
    """The figures of one part, the model first, then what it is compared with."""
    estimate = next(one for one in card["estimates"] if one["key"] == key)
    compared = [one for one in card["comparisons"] if one["part"] == key]
    rows = [("**this model**", estimate["measures"]), *((one["title"], one["measures"]) for one in compared)]
    return f"""{row("", *MEASURES.values())}
|---|{"---|" * len(MEASURES)}
{lines(row(title, *(interval(measures.get(name)) for name in MEASURES)) for title, measures in rows)}"""


def interval(measure: dict[str, Any] | None) -> str:
    """A value with its interval."""
    if not measure or measure["value"] is None:
        return ""
    if measure["low"] is None:
        return number(measure["value"])
    return f"{number(measure['value'])} ({number(measure['low'])} to {number(measure['high'])})"


def number(value: float | None, digits: int = 3) -> str:
    """A figure; what is not perfect is never rounded to look so."""
    if value is None:
        return "n/a"
    text = f"{value:.{digits}f}"
    return f"> {1 - 10**-digits:.{digits}f}" if value < 1 and float(text) == 1 else text


def row(*cells: object) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def lines(parts: Iterable[str]) -> str:
    """The parts, one a line."""
    return "\n".join(parts)


def _signed_cases(card: dict[str, Any]) -> str:
    cases = card.get("reviewed")
    if cases is None:
        return ""
    from_whom = "; ".join(
        f"{one['slug']}: {one['photographs']:,} photographs of {one['cases']:,} cases"
        for one in cases["laboratories"]
    )
    measured = cases["figures"]
    found = (
        f"Cross-validated on {measured['images']:,} of them, labelled before the model's answer was shown: "
        f"macro-F1 {number(measured['macro_f1'])}, accuracy {number(measured['accuracy'])}."
        if measured
        else "None of them was labelled before the model's answer was shown, so nothing is measured on them."
    )
    return f"""- Signed cases that trained too: {from_whom}.
  Manifest SHA-256 `{cases["manifest_sha256"]}`; the keys of the cases are in `model_card.json`.
  {cases["disputed"]} photographs are of disputed cases, {cases["model_seen"]} were labelled by
  somebody who had seen the model's answer.
  {found}
"""


def _machine(card: dict[str, Any]) -> str:
    made = card["provenance"]
    return f"{made['machine']['cpus']} CPU cores, torch {made['machine']['torch']}, `{made['command']}`."


def _parts(card: dict[str, Any]) -> str:
    return "\n".join(_part(card, one) for one in card["estimates"])


def _part(card: dict[str, Any], estimate: dict[str, Any]) -> str:
    title = estimate["title"]
    return f"""### {title[0].upper()}{title[1:]}

{estimate["images"]:,} photographs, {estimate["groups"]} pseudo-slides.

{table(card, estimate["key"])}
"""


def _folds(card: dict[str, Any]) -> str:
    rows = (
        row(MEASURES[name], number(one["mean"]), number(one["sd"]), number(one["worst"]))
        for name, one in card["folds"].items()
    )
    return f"""By fold of the cross-validation:

| | mean over folds | standard deviation | worst fold |
|---|---|---|---|
{lines(rows)}"""


def _confusion(card: dict[str, Any]) -> str:
    figures, labels = card["figures"], card["classes"]
    matrix = zip(labels, figures["confusion"]["matrix"], strict=True)
    return f"""Test part:

{row("true, called:", *labels, "recall")}
|---|{"---|" * (len(labels) + 1)}
{lines(row(label, *counts, number(figures["recall"][label])) for label, counts in matrix)}"""


def _refusal(card: dict[str, Any]) -> str:
    rule, calibration, figures = card["refer_rule"], card["calibration"], card["figures"]
    least = ", ".join(f"{label} {value:.4g}" for label, value in rule["least_probability"].items())
    before, after = calibration["referred"], figures["referred"]
    return f"""- Temperature {card["temperature"]}, fitted on held-out pseudo-slides of the cross-validation.
- A class is in the prediction set from this probability on: {least}.
  Promised: the true class is in the set for {rule["level"]:.0%} of each class.
  Found: {calibration["coverage"]["photographs"]:.3f} of the photographs of held-out pseudo-slides,
  {figures["coverage"]["photographs"]:.3f} of the test part.
- *Refer* when benign and malignant classes are both in the set, when no class is or the leading one has less than
  {rule["least_confidence"]:.3f}, or when OUTLIER_SCORE is above {card["outlier_threshold"]}.
  Referred in cross-validation: {before["any"]:.3f} of the photographs ({before.get("outlier", 0):.3f} as outliers);
  test part: {after["any"]:.3f} ({after.get("outlier", 0):.3f} as outliers)."""
