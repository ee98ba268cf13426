"""What the model is, how good it is, and what it is not for: for everybody who reads its answers."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from portal.accounts.requests import SignedInRequest
from portal.inference.cards import CardPage
from portal.inference.models import ModelVersion
from portal.inference.selectors import active_version
from portal.inference.trail import version_trail
from portal.web.pages import page


@require_GET
@page
def current(request: SignedInRequest) -> HttpResponse:
    """The version in use, or the newest one while none is."""
    newest = ModelVersion.objects.order_by("-registered_at").first()
    return _show(request, active_version() or newest)


@require_GET
@page
def version(request: SignedInRequest, name: str, number: int) -> HttpResponse:
    """One registered version, used or not."""
    return _show(request, get_object_or_404(ModelVersion, name=name, version=number))


def _show(request: SignedInRequest, shown: ModelVersion | None) -> HttpResponse:
    context = {
        "shown": CardPage(shown) if shown else None,
        "history": version_trail(shown)[::-1] if shown else [],
        "versions": [CardPage(row) for row in ModelVersion.objects.all()],
    }
    return render(request, "inference/model.html", context)
