"""What an address names, among what the person may see; anything else is not there (404)."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import require
from portal.cases import selectors
from portal.cases.models import Case, SmearImage


def visible_case(user: User, pk: UUID) -> Case:
    """A case with its laboratory and who filed it. Raises Http404: another laboratory's case is as good as none."""
    return get_object_or_404(selectors.visible_to(user).select_related("laboratory", "created_by"), pk=pk)


def readable_case(user: User, pk: UUID) -> Case:
    """A visible case of a laboratory in which the person reads. Raises Http404, NotAllowed."""
    case = visible_case(user, pk)
    require(user, Action.READ_CASE, case.laboratory)
    return case


def visible_image(user: User, pk: UUID) -> SmearImage:
    """A photograph with its case and laboratory. Raises Http404."""
    return get_object_or_404(selectors.images_visible_to(user), pk=pk)
