"""The model's answer as it comes from Triton, before it is stored."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.inference.models import ModelVersion
from smear.classes import CLASSES


@dataclass(frozen=True, slots=True)
class Answer:
    """One photograph's outputs, as the model's contract names them (docs/model.md).

    ``probabilities`` float32 [4]; ``activation_map`` float32 [4, 14, 14]; ``embedding`` float32 [512];
    ``outlier_score`` a distance; ``seconds`` from claiming the job to the answer.
    """

    probabilities: NDArray[np.float32]
    activation_map: NDArray[np.float32]
    embedding: NDArray[np.float32]
    outlier_score: float
    seconds: float

    def fields(self, version: ModelVersion) -> dict[str, Any]:
        """What a stored answer holds, with the version's refer rule applied."""
        rule = version.rule()
        probabilities = [float(p) for p in self.probabilities]
        outlier_score = float(self.outlier_score)
        reasons = rule.reasons(probabilities, outlier_score)
        return {
            "label": CLASSES[int(np.argmax(self.probabilities))],
            "probabilities": probabilities,
            "activation_map": self.activation_map.astype("<f2").tobytes(),
            "embedding": self.embedding.astype("<f2").tobytes(),
            "outlier_score": outlier_score,
            # Without a level a rule promises nothing about its sets, so there is none to keep.
            "prediction_set": list(rule.prediction_set(probabilities)) if rule.level else [],
            "refer_reasons": [reason.value for reason in reasons],
            "refer": bool(reasons),
            "seconds": round(self.seconds, 4),
        }
