"""Registering and activating model versions, and the gate in front of activation.

A version's gate (``python -m training gate``) compares its figures with the bars it has to reach and writes
``gate.json`` next to the weights. The portal trusts that file, and nothing else: it cannot run the model itself.
"""

from typing import Any

from django.db import transaction

from portal.inference import quick_looks, services
from portal.inference.models import ModelVersion
from smear.refer import ReferRule


class GateNotPassed(Exception):
    """Why a version may not be activated, and what to do, for the person who runs the command."""


def register_version(
    name: str,
    card: dict[str, Any],
    *,
    activate: bool,
    gate: dict[str, Any] | None = None,
    despite_gate: str = "",
) -> ModelVersion:
    """Make a model version known, and the one that new cases go to where ``activate`` says so.

    ``card`` is its model card (model_card.json): number, hash of the weights, classes, refer rule.
    ``gate`` is the content of its ``gate.json``, ``despite_gate`` the reason for activating it although it has not
    passed, which holds for as long as weights and gate stay what they are. Cases that wait for another version are
    given to the newly activated one. Raises GateNotPassed, and ValueError when the card's refer rule cannot be
    used or the weights of a version differ from those that have predicted under its number.
    """
    gate, version, sha256 = gate or {}, card["version"], card["sha256"]
    ReferRule.from_card(card)
    problem = gate_problem(card, gate, sha256)
    with transaction.atomic():
        known = ModelVersion.objects.select_for_update().filter(name=name, version=version).first()
        _require_same_weights(known, sha256)
        if known and not despite_gate and (known.sha256, known.gate) == (sha256, gate):
            despite_gate = known.despite_gate
        if activate and problem and not despite_gate:
            raise GateNotPassed(problem)
        if activate:
            others = ModelVersion.objects.filter(name=name, is_active=True).exclude(version=version)
            others.update(is_active=False)
        content = {
            "sha256": sha256,
            "labels": card["classes"],
            "outlier_threshold": card["outlier_threshold"],
            "refer_rule": card.get("refer_rule") or {},
            "card": card,
            "gate": gate,
            "despite_gate": despite_gate[:500] if problem else "",
            "is_active": activate,
        }
        row, _created = ModelVersion.objects.update_or_create(name=name, version=version, defaults=content)
    # After the commit, case by case: a lock is taken on the case first, everywhere.
    services.move_to_active()
    quick_looks.move_to_active()
    return row


def _require_same_weights(known: ModelVersion | None, sha256: str) -> None:
    if known is not None and known.sha256 != sha256 and known.predictions.exists():
        raise ValueError(
            f"{known} is registered with weights {known.sha256[:12]} and has predictions; "
            f"give {sha256[:12]} a new version."
        )


def gate_problem(card: dict[str, Any], gate: dict[str, Any], sha256: str) -> str:
    """What prevents activating a version, in a sentence; empty when nothing does."""
    # Version 1 was delivered before there was a gate, with a card whose figures have no intervals. Cards that state
    # estimates over groups are from the gate's time, and have to have passed it.
    if "estimates" not in card:
        return ""
    if not gate:
        return "it has no gate.json, so nobody has measured whether it is good enough."
    if gate.get("weights_sha256") != sha256:
        measured = str(gate.get("weights_sha256", ""))[:12] or "unknown"
        return f"its gate.json is about other weights ({measured}, not {sha256[:12]})."
    failed = [criterion for criterion in gate.get("criteria", []) if criterion.get("passed") is not True]
    if gate.get("passed") is True and not failed:
        return ""
    named = "; ".join(
        f"{one.get('text')} is {one.get('value')}, has to be {one.get('bar')}" for one in failed
    )
    return f"its gate has not passed: {named or 'gate.json says so'}."
