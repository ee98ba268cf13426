"""What an address names, among what the person may see; anything else is not there (404)."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from portal.accounts.requests import SignedInRequest
from portal.cases import selectors
from portal.cases.models import Case, SmearImage


def visible_case(request: SignedInRequest, pk: UUID) -> Case:
    """A case with its laboratory and who filed it."""
    return get_object_or_404(
        selectors.visible_to(request.user).select_related("laboratory", "created_by"), pk=pk
    )


def visible_image(request: SignedInRequest, pk: UUID) -> SmearImage:
    """A photograph with its case and laboratory."""
    return get_object_or_404(selectors.images_visible_to(request.user), pk=pk)
