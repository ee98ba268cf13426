"""Example bodies for the OpenAPI document."""

from typing import Any

_ID = "0b6c6d1e-2f0f-4a53-9d0b-6d3a6a1f7c11"
_IMAGE_ID = "5f1d7d0a-6f0e-4b66-8c39-0f0f4e0f9b52"
_TIME = "2026-11-23T09:30:00Z"
_MODEL = {"name": "leukemia_vgg16", "version": 1, "sha256": "9c1f…"}
_PROBABILITIES = {"Benign": 0.02, "Early": 0.05, "Pre": 0.9, "Pro": 0.03}

NEW_CASE: dict[str, Any] = {
    "patient_pseudonym": "P-0815",
    "specimen": "peripheral_blood",
    "stain": "wright_giemsa",
    "magnification": "100x",
    "microns_per_pixel": 0.065,
    "priority": "urgent",
}
SUMMARY: dict[str, Any] = {
    "id": _ID,
    "accession": "HL-2026-000042",
    "laboratory": "demo",
    "state": "awaiting_read",
    **NEW_CASE,
    "clinical_note": "",
    "round": 1,
    "assigned_to": None,
    "claim": None,
    "created_by": "Sam Submitter",
    "created_at": _TIME,
    "submitted_at": _TIME,
    "state_changed_at": _TIME,
    "image_count": 1,
}
IMAGE: dict[str, Any] = {
    "id": _IMAGE_ID,
    "position": 1,
    "notices": ["The photograph was turned upright, as its camera recorded."],
    "quality": {
        "measures": {
            "focus": 2.1,
            "background": 249.0,
            "clipped_bright": 0.01,
            "clipped_dark": 0.0,
            "stained": 0.42,
            "nucleated_cells": 7,
            "aspect_ratio": 1.3333,
            "red_over_blue": 0.41,
        },
        "reasons": ["out_of_focus"],
        "warnings": ["May be out of focus or blurred by movement: refocus and take it again."],
    },
    "width": 1024,
    "height": 768,
    "size": 412_345,
    "content_type": "image/jpeg",
    "pixel_sha256": "3a7b…",
    "created_at": _TIME,
    "file": f"https://hemalens.example/api/v1/cases/{_ID}/images/{_IMAGE_ID}/file/",
    "thumbnail": f"https://hemalens.example/api/v1/cases/{_ID}/images/{_IMAGE_ID}/thumbnail/",
    "job": None,
    "prediction": None,
}
PREDICTION: dict[str, Any] = {
    "label": "Pre",
    "probabilities": _PROBABILITIES,
    "prediction_set": ["Early", "Pre"],
    "prediction_set_level": 0.99,
    "outlier_score": 0.8,
    "refer": False,
    "refer_reasons": [],
    "model": _MODEL,
    "seconds": 0.21,
    "created_at": _TIME,
}
JOB: dict[str, Any] = {
    "state": "done",
    "attempts": 1,
    "error": "",
    "queued_at": _TIME,
    "started_at": _TIME,
    "finished_at": _TIME,
}
PRECLASSIFICATION: dict[str, Any] = {
    "label": "Pre",
    "probabilities": _PROBABILITIES,
    "counts": {"Benign": 0, "Early": 0, "Pre": 1, "Pro": 0},
    "spread": [0.9, 0.9],
    "images": 1,
    "refer": False,
    "refer_reasons": {},
    "mixed": False,
    "model": _MODEL,
}
CASE: dict[str, Any] = {
    **SUMMARY,
    "returned": None,
    "print_warning": "",
    "blinded": False,
    "no_preclassification_reason": "",
    "preclassification": PRECLASSIFICATION,
    "images": [{**IMAGE, "job": JOB, "prediction": PREDICTION}],
    "reads": [],
    "diagnosis": None,
}
DRAFT: dict[str, Any] = {
    **CASE,
    "state": "draft",
    "submitted_at": None,
    "image_count": 0,
    "preclassification": None,
    "images": [],
}
TAKEN: dict[str, Any] = {
    **CASE,
    "state": "in_reading",
    "claim": {"reader": "Rosa Reviewer", "claimed_at": _TIME, "expires_at": "2026-11-23T10:00:00Z"},
    "blinded": True,
    "preclassification": None,
    "images": [{**IMAGE, "job": JOB}],
}
RETURNED: dict[str, Any] = {
    **CASE,
    "state": "returned",
    "returned": {
        "missing": "The feathered edge, at 100×.",
        "returned_by": "Rosa Reviewer",
        "created_at": _TIME,
    },
}
NEW_READ: dict[str, Any] = {
    "label": "Pre",
    "confidence": "medium",
    "comment": "",
    "images": {_IMAGE_ID: "Pre"},
    "seconds": 41.5,
}
_STORED: dict[str, Any] = {
    "id": 7,
    "kind": "first",
    "round": 1,
    **NEW_READ,
    "reader": "Rosa Reviewer",
    "model_label": "Pre",
    "model_seen": False,
    "created_at": _TIME,
    "conclusion": None,
}
STORED_READ: dict[str, Any] = {**_STORED, "reveal": PRECLASSIFICATION}
NEW_CONCLUSION: dict[str, Any] = {"label": "Pre", "confidence": "high", "reason": "", "seconds": 6.2}
READ: dict[str, Any] = {
    **_STORED,
    "conclusion": {**NEW_CONCLUSION, "is_by_clock": False, "created_at": _TIME},
}
NEW_ADJUDICATION: dict[str, Any] = {
    "label": "Pre",
    "confidence": "high",
    "reason": "Fine chromatin, nucleoli in most cells.",
    "seconds": 90.0,
}
ADJUDICATION: dict[str, Any] = {
    **_STORED,
    "id": 9,
    "kind": "adjudication",
    "confidence": "high",
    "comment": NEW_ADJUDICATION["reason"],
    "reader": "Otto Other",
    "model_seen": True,
    "seconds": 90.0,
    "conclusion": {**NEW_ADJUDICATION, "is_by_clock": False, "seconds": None, "created_at": _TIME},
}
SIGNATURE: dict[str, Any] = {"secret": "the password", "comment": "Blasts throughout."}
REPORT: dict[str, Any] = {
    "version": 1,
    "label": "Pre",
    "confidence": "high",
    "comment": "Blasts throughout.",
    "signed_by": "Rosa Reviewer",
    "signed_at": _TIME,
    "meaning": "I have reviewed this case and am responsible for its conclusion.",
    "method": "password",
    "reason": "",
    "sha256": "b54c…",
}
AMENDMENT: dict[str, Any] = {
    "label": "Early",
    "confidence": "medium",
    "comment": "Blasts throughout.",
    "reason": "Immunophenotype arrived.",
    "secret": "123456",
}
AMENDED_REPORT: dict[str, Any] = {
    **REPORT,
    "version": 2,
    "label": "Early",
    "confidence": "medium",
    "meaning": "I have reviewed this amendment and am responsible for its conclusion.",
    "method": "totp",
    "reason": "Immunophenotype arrived.",
}
REPORT_CONTENT: dict[str, Any] = {
    "schema": "hemalens.report/2",
    "report": {"accession": "HL-2026-000042", "version": 1, "amends_sha256": None, "reason": ""},
    "conclusion": {"label": "Pre", "confidence": "high", "comment": "Blasts throughout."},
    "signature": {
        "name": "Rosa Reviewer",
        "meaning": "I have reviewed this case and am responsible for its conclusion.",
        "method": "password",
        "at": _TIME,
    },
}
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "id": "2f6b3f0e-51c2-5d0a-9a59-0f4a4a1f2b37",
    "type": "collection",
    "timestamp": _TIME,
    "entry": [
        {
            "fullUrl": "urn:uuid:6a5c0f0e-9f0b-5b7e-8d3a-0a1b2c3d4e5f",
            "resource": {
                "resourceType": "DiagnosticReport",
                "id": "6a5c0f0e-9f0b-5b7e-8d3a-0a1b2c3d4e5f",
                "status": "final",
                "code": {"text": "Blood smear report"},
                "conclusion": "Pre-B ALL",
            },
        }
    ],
}
VERIFICATION: dict[str, Any] = {
    "sha256": "b54c…",
    "intact": True,
    "case": _ID,
    "accession": "HL-2026-000042",
    "newest_version": 1,
    "report": REPORT,
}
ALERT: dict[str, Any] = {
    "id": 3,
    "case": _ID,
    "accession": "HL-2026-000042",
    "version": 1,
    "label": "Pre",
    "person": "Sam Submitter",
    "raised_at": _TIME,
    "acknowledged_at": None,
    "note": "",
}
ACKNOWLEDGEMENT: dict[str, Any] = {"note": "Ward 3 informed."}
ACKNOWLEDGED: dict[str, Any] = {**ALERT, **ACKNOWLEDGEMENT, "acknowledged_at": _TIME}
POLICY: dict[str, Any] = {
    "blindness": "blind",
    "second_read": "doubt",
    "second_read_share": 10,
    "claim_minutes": 30,
    "alert_contact": None,
}
ME: dict[str, Any] = {
    "email": "submitter@demo.example",
    "full_name": "Sam Submitter",
    "memberships": [
        {
            "laboratory": "demo",
            "laboratory_name": "Demo Haematology Laboratory",
            "role": "submitter",
            "actions": ["submit_case", "view_case"],
        }
    ],
}
MODEL_VERSION: dict[str, Any] = {
    **_MODEL,
    "labels": ["Benign", "Early", "Pre", "Pro"],
    "outlier_threshold": 3.1,
    "refer_rule": {
        "level": 0.99,
        "least_probability": {"Benign": 0.31, "Early": 0.12, "Pre": 0.08, "Pro": 0.09},
        "least_confidence": 0.6,
    },
    "gate": {
        "weights_sha256": "9c1f…",
        "passed": True,
        "finished": _TIME,
        "criteria": [
            {
                "key": "test_macro_f1",
                "text": "macro-F1 on the test part",
                "bar": "at least 0.995",
                "value": 0.997,
                "passed": True,
            }
        ],
    },
    "despite_gate": "",
    "is_active": True,
    "registered_at": _TIME,
    "card": {"intended_use": "Research use only."},
}
