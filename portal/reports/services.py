"""Issuing a diagnosis: the frozen record of what was decided, by whom, and what the model had said."""

from typing import Any

from portal.accounts.models import User
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.cases.transitions import move
from portal.inference.selectors import case_preclassification, latest_predictions
from portal.reading.models import Read
from portal.reports.models import Diagnosis


def model_record(case: Case) -> dict[str, Any]:
    """What the model said, copied so that the diagnosis stands on its own: case answer, version, each image."""
    answer = case_preclassification(case)
    if answer is None:
        return {"answer": None, "reason": case.no_preclassification_reason, "images": []}
    return {
        "answer": {
            "label": answer.label,
            "probabilities": answer.probabilities,
            "counts": answer.counts,
            "spread": list(answer.spread),
            "refer": answer.refer,
            "refer_reasons": {reason.value: positions for reason, positions in answer.referred.items()},
            "mixed": answer.mixed,
        },
        "reason": case.no_preclassification_reason,
        "model": {
            "name": answer.version.name,
            "version": answer.version.version,
            "sha256": answer.version.sha256,
        },
        "images": [
            {
                "position": prediction.image.position,
                "pixel_sha256": prediction.image.pixel_sha256,
                "label": prediction.label,
                "probabilities": prediction.probability_of(),
                "outlier_score": prediction.outlier_score,
                "refer": prediction.refer,
                "refer_reasons": [reason.value for reason in prediction.reasons()],
                "prediction_set": prediction.prediction_set,
                "prediction_set_level": prediction.model_version.rule().level or None,
            }
            for prediction in latest_predictions(case)
        ],
    }


def issue_diagnosis(by: User, case: Case, read: Read) -> Diagnosis:
    """Store the diagnosis of a locked case that is ready to sign. Raises WrongState."""
    diagnosis = Diagnosis.objects.create(
        case=case,
        version=case.diagnoses.count() + 1,
        read=read,
        label=read.label,
        confidence=read.confidence,
        comment=read.comment,
        signed_by=by,
        model_record=model_record(case),
    )
    move(case, CaseState.REPORTED)
    return diagnosis
