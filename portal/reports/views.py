"""The stored diagnosis of a case."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from portal.cases import selectors as case_selectors
from portal.pages import SignedInRequest, page
from portal.reports import selectors
from smear.classes import CLASSES


@require_GET
@page
def diagnosis(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The newest diagnosis of a case, with who, when, and what the model had said."""
    case = get_object_or_404(case_selectors.visible_to(request.user), pk=pk)
    versions = list(selectors.visible_to(request.user).filter(case=case))
    if not versions:
        return redirect("cases:detail", pk)
    images = {image.position: image for image in case.images.all()}
    current = versions[0]
    context = {
        "case": current.case,
        "diagnosis": current,
        "earlier": versions[1:],
        "record": current.model_record,
        # JSON in the database keeps no order: the classes come in theirs.
        "images": [
            {
                "said": said,
                "image": images.get(said["position"]),
                "probabilities": [said["probabilities"][label] for label in CLASSES],
            }
            for said in current.model_record["images"]
        ],
        "class_labels": CLASSES,
    }
    return render(request, "reports/diagnosis.html", context)
