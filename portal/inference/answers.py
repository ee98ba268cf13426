"""From the model's answer to the columns that hold it."""

from typing import Any

import numpy as np

from portal.inference.models import ModelVersion
from smear.contract import LABELS, Answer


def columns(answer: Answer, version: ModelVersion) -> dict[str, Any]:
    """What a stored answer (``ModelAnswer``) holds, with the version's refer rule applied."""
    rule = version.rule()
    probabilities = [float(p) for p in answer.probabilities]
    outlier_score = float(answer.outlier_score)
    reasons = rule.reasons(probabilities, outlier_score)
    return {
        "label": LABELS[int(np.argmax(answer.probabilities))],
        "probabilities": probabilities,
        "activation_map": answer.activation_map.astype("<f2").tobytes(),
        "embedding": answer.embedding.astype("<f2").tobytes(),
        "outlier_score": outlier_score,
        # Without a level a rule promises nothing about its sets, so there is none to keep.
        "prediction_set": list(rule.prediction_set(probabilities)) if rule.level else [],
        "refer_reasons": [reason.value for reason in reasons],
        "refer": bool(reasons),
        "seconds": round(answer.seconds, 4),
    }
