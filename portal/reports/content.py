"""What a signed report holds, and the hash over it.

The content is plain JSON and self-contained: nothing in it is looked up again. Its canonical form is that of RFC
8785 (JSON Canonicalization Scheme), so that anybody can check the hash with any library for it.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

import rfc8785

from portal.accounts.models import User
from portal.annotations.selectors import marker_record
from portal.cases.models import Case
from portal.inference.selectors import case_preclassification, latest_predictions
from portal.reading.models import Read
from portal.reading.selectors import round_reads
from portal.reports.choices import NOTICE, SignMethod
from portal.words import in_words

SCHEMA = "hemalens.report/2"

#: Reports of this schema were hashed over what Python's ``json`` writes with sorted keys: it sorts by code points and
#: writes 12.0 and 1e-07, where RFC 8785 sorts by UTF-16 and writes 12 and 1e-7.
FIRST_SCHEMA = "hemalens.report/1"


def canonical(content: dict[str, Any]) -> bytes:
    """The bytes that are hashed, by the rule of the content's own schema."""
    if content.get("schema") == FIRST_SCHEMA:
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return rfc8785.dumps(content)


def content_sha256(content: dict[str, Any]) -> str:
    """Hexadecimal SHA-256 over the canonical content."""
    return hashlib.sha256(canonical(content)).hexdigest()


def report_content(
    case: Case, *, conclusion: dict[str, str], report: dict[str, Any], signature: dict[str, str]
) -> dict[str, Any]:
    """The content of a report version: the case, what was concluded, and everything that led to it."""
    reads = round_reads(case)
    return {
        "schema": SCHEMA,
        "report": {"accession": case.accession, **report},
        "laboratory": {"name": case.laboratory.name, "slug": case.laboratory.slug},
        "case": _case(case),
        "conclusion": conclusion,
        "images": _images(case, reads),
        "reads": [_read(read) for read in reads],
        "markers": marker_record(case),
        "model": model_record(case),
        "notice": str(NOTICE),
        "signature": signature,
    }


def signature(by: User, meaning: str, method: SignMethod, at: datetime) -> dict[str, str]:
    """Who signed, what it means, how the person proved it, and when (ISO 8601)."""
    return {"name": by.full_name, "meaning": meaning, "method": method.value, "at": at.isoformat()}


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": str(case.pk),
        "patient_pseudonym": case.patient_pseudonym,
        "specimen": case.specimen,
        "stain": case.stain,
        "magnification": case.magnification,
        "microns_per_pixel": case.microns_per_pixel,
        "priority": case.priority,
        "clinical_note": case.clinical_note,
        "submitted_by": case.created_by.full_name,
        "submitted_at": case.submitted_at.isoformat() if case.submitted_at else None,
        "round": case.round,
    }


def _images(case: Case, reads: list[Read]) -> list[dict[str, Any]]:
    # The last word on a photograph is the last read's: an adjudication comes after the reads it decides.
    answers = {answer.image_id: answer.label for read in reads for answer in read.image_reads.all()}
    return [
        {
            "id": str(image.pk),
            "position": image.position,
            "pixel_sha256": image.pixel_sha256,
            "width": image.width,
            "height": image.height,
            "label": answers.get(image.pk, ""),
        }
        for image in case.images.all()
    ]


def _read(read: Read) -> dict[str, Any]:
    conclusion = getattr(read, "conclusion", None)
    return {
        "kind": read.kind,
        "reader": read.reader.full_name,
        "label": read.label,
        "confidence": read.confidence,
        "comment": read.comment,
        "model_seen": read.model_seen,
        "model_label": read.model_label,
        "concluded_label": conclusion.label if conclusion else "",
        "concluded_confidence": conclusion.confidence if conclusion else "",
        "reason": conclusion.reason_words if conclusion else "",
        "seconds": read.seconds,
        "at": read.created_at.isoformat(),
        "images": [
            {"position": answer.image.position, "label": answer.label} for answer in read.image_reads.all()
        ],
    }


def model_record(case: Case) -> dict[str, Any]:
    """What the model said, copied so that the report is self-contained: case answer, version, limits, each image."""
    answer = case_preclassification(case)
    # A report keeps words: they stay what was signed, whatever the codes say later.
    reason = in_words(case.no_preclassification_reason) if case.no_preclassification_reason else ""
    if answer is None:
        return {"answer": None, "reason": reason, "images": []}
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
        "reason": reason,
        "model": {
            "name": answer.version.name,
            "version": answer.version.version,
            "sha256": answer.version.sha256,
        },
        "limits": list(answer.version.card.get("limits", [])),
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
