"""Every change to a marker. Only its author changes or removes it, and nobody once the case is signed or cancelled."""

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import can
from portal.annotations.models import NOTE_LENGTH, Marker
from portal.cases.choices import SIGNED, CaseState
from portal.cases.models import Case, SmearImage
from portal.cases.transitions import lock_case, require_state
from portal.errors import Gone, Invalid, NotAllowed
from portal.text import clean_line

#: Markers may be put, changed and removed in these.
MARKABLE = frozenset(CaseState) - SIGNED - {CaseState.CANCELLED}
#: More on one photograph by one person is a script that runs wild.
MAX_MARKERS = 200


@transaction.atomic
def add_marker(
    by: User, image: SmearImage, *, x: float, y: float, note: str = "", pk: uuid.UUID | None = None
) -> Marker:
    """Point at a place: ``x`` and ``y`` are shares (0 to 1) of the photograph's width and height.

    ``pk`` is the id that the page gave the marker: sent twice, it makes one marker, as it was sent last.
    Raises NotAllowed, WrongState, Invalid.
    """
    case = _lock(by, image.case_id)
    known = Marker.objects.filter(pk=pk).first() if pk else None
    if known is not None and (known.author_id, known.image_id, known.removed_at) == (by.pk, image.pk, None):
        before = (known.x, known.y, known.note)
        _put(known, x, y, note)
        if before != (known.x, known.y, known.note):
            known.save()
        return known
    if image.markers.filter(author=by, removed_at=None).count() >= MAX_MARKERS:
        raise Invalid(
            _("A photograph can have at most %(count)d of your markers. Remove some first.")
            % {"count": MAX_MARKERS},
            code="too_many_markers",
        )
    marker = Marker(image=image, author=by, by_reader=can(by, Action.READ_CASE, case.laboratory))
    if pk is not None and known is None:
        marker.pk = pk
    _put(marker, x, y, note)
    marker.save(force_insert=True)
    return marker


@transaction.atomic
def change_marker(
    by: User, marker: Marker, *, x: float | None = None, y: float | None = None, note: str | None = None
) -> Marker:
    """Move an own marker or write another note; what is None stays. Raises NotAllowed, WrongState, Gone, Invalid."""
    case, marker = _lock_own(by, marker)
    _put(
        marker,
        marker.x if x is None else x,
        marker.y if y is None else y,
        marker.note if note is None else note,
    )
    # Somebody who became a reader since then writes as one; nothing makes a reader's marker open again.
    marker.by_reader = marker.by_reader or can(by, Action.READ_CASE, case.laboratory)
    marker.save()
    return marker


@transaction.atomic
def remove_marker(by: User, marker: Marker) -> None:
    """Take an own marker off the photograph. Raises NotAllowed, WrongState, Gone."""
    _case, marker = _lock_own(by, marker)
    marker.removed_at = timezone.now()
    marker.save(update_fields=["removed_at", "changed_at"])


def _lock(by: User, case_id: uuid.UUID) -> Case:
    case = lock_case(case_id)
    if not (can(by, Action.READ_CASE, case.laboratory) or can(by, Action.SUBMIT_CASE, case.laboratory)):
        raise NotAllowed(_("You are not a member of this laboratory."))
    require_state(case, MARKABLE, _("The markers of this case can no longer be changed."))
    return case


def _lock_own(by: User, marker: Marker) -> tuple[Case, Marker]:
    case = _lock(by, marker.image.case_id)
    if marker.author_id != by.pk:
        raise NotAllowed(_("Only the person who set a marker can change or remove it."))
    present = Marker.objects.select_related("image", "author").filter(pk=marker.pk, removed_at=None).first()
    if present is None:
        raise Gone(_("This marker has already been removed."))
    return case, present


def _put(marker: Marker, x: float, y: float, note: str) -> None:
    for name, value in (("x", x), ("y", y)):
        if not 0 <= value <= 1:  # refuses what is not a number, too
            raise Invalid(_("Put the marker on the photograph."), field=name)
    note = clean_line(note, field="note")
    if len(note) > NOTE_LENGTH:
        raise Invalid(
            _("A note can have at most %(limit)d characters; this one has %(count)d.")
            % {"limit": NOTE_LENGTH, "count": len(note)},
            field="note",
        )
    marker.x, marker.y, marker.note = x, y, note
