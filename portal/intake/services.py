"""Every change to a case before it is read: filing, photographs, submission, cancelling."""

import uuid
from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory, User
from portal.accounts.permissions import require
from portal.cases.choices import EDITABLE, CaseState
from portal.cases.models import AccessionCounter, Case, SmearImage
from portal.cases.photographs import read_photograph, remove_files
from portal.cases.tiles import has_tiles, remove_tiles
from portal.cases.transitions import lock_case, move, require_state
from portal.errors import Duplicate, Invalid, WrongState, only_fields
from portal.inference import services as inference
from portal.inference.sending import send_tiles

#: What a person enters about a case.
CASE_FIELDS = (
    "patient_pseudonym",
    "specimen",
    "stain",
    "magnification",
    "microns_per_pixel",
    "clinical_note",
    "priority",
)


#: The highest place a photograph can ask for; files that are refused use places up.
MOST_POSITION = 10_000


@transaction.atomic
def create_case(by: User, *, laboratory: Laboratory, pk: uuid.UUID | None = None, **fields: Any) -> Case:
    """File a draft under the laboratory's next accession number.

    ``pk`` is the id that the form was given when it was shown: sent twice, also at once, it makes one case, and what
    was entered last is kept. ``fields`` are those of ``CASE_FIELDS``. Raises NotAllowed, Invalid, WrongState.
    """
    require(by, Action.SUBMIT_CASE, laboratory)
    case = Case(laboratory=laboratory, created_by=by)
    _enter(case, fields)
    counter = _locked_counter(laboratory, timezone.localdate())
    known = Case.objects.filter(pk=pk).first() if pk else None
    if known is not None and known.created_by_id == by.pk and known.laboratory_id == laboratory.pk:
        return update_case(by, known, **fields)
    if pk is not None and known is None:
        case.pk = pk
    case.accession = _next_accession(laboratory, counter)
    case.save(force_insert=True)
    return case


@transaction.atomic
def update_case(by: User, case: Case, **fields: Any) -> Case:
    """Change what was entered about a draft. Raises NotAllowed, Invalid, WrongState."""
    require(by, Action.SUBMIT_CASE, case.laboratory)
    case = lock_case(case.pk)
    require_state(case, EDITABLE, _("Only a draft or a returned case can be changed."))
    _enter(case, fields)
    case.save()
    return case


def _enter(case: Case, fields: dict[str, Any]) -> None:
    only_fields(fields, CASE_FIELDS)
    for name, value in fields.items():
        setattr(case, name, value.strip() if isinstance(value, str) else value)
    try:
        case.clean_fields(exclude={"accession", "created_by", "laboratory"})
    except ValidationError as error:
        raise Invalid.of(error) from error


def _locked_counter(laboratory: Laboratory, day: date) -> AccessionCounter:
    """The counter of a year; its lock lets one case at a time be filed in a laboratory."""
    AccessionCounter.objects.get_or_create(laboratory=laboratory, year=day.year)
    return AccessionCounter.objects.select_for_update().get(laboratory=laboratory, year=day.year)


def _next_accession(laboratory: Laboratory, counter: AccessionCounter) -> str:
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{laboratory.accession_prefix}-{counter.year}-{counter.last:06d}"


def add_image(
    by: User, case: Case, upload: "UploadedFile[bytes]", *, position: int | None = None
) -> SmearImage:
    """Store one photograph of a draft. Notes for the person are in its ``notices``, what
    may be wrong with it in its ``quality``; neither keeps it out.

    ``position`` (1 to ``MOST_POSITION``) is its place among the photographs. Without one, and where the place is
    taken or comes before what was submitted, it comes last.

    Raises FileRefused, NotAllowed, WrongState, Duplicate, Invalid; nothing is stored then.
    """
    require(by, Action.SUBMIT_CASE, case.laboratory)
    require_state(case, EDITABLE, _("Photographs can be added to a draft or a returned case only."))
    # Decoding takes its time, so it happens before the lock.
    photograph = read_photograph(upload)
    image = SmearImage(case=case, uploaded_by=by, quality=photograph.quality.to_json(), **photograph.fields)
    try:
        with transaction.atomic():
            case = lock_case(case.pk)
            require_state(case, EDITABLE, _("Photographs can be added to a draft or a returned case only."))
            _check_room(case, image)
            image.position = _free_position(case, position)
            image.file.save("photograph", photograph.file, save=False)
            image.thumbnail.save("thumbnail", photograph.thumbnail, save=False)
            image.save(force_insert=True)
            if has_tiles(image):
                transaction.on_commit(lambda: send_tiles(image.pk), robust=True)
    except BaseException:
        remove_files(image.file, image.thumbnail)
        raise
    return image


def _free_position(case: Case, wanted: int | None) -> int:
    """The wanted place in a locked case where it can be had, else the one after the last.

    Uploads end in any order, so the place is asked for when the files are chosen. What was handed over before keeps
    its numbers, and what is added later comes after it.
    """
    if wanted is not None and not 1 <= wanted <= MOST_POSITION:
        raise Invalid(
            _("State the position as a whole number from 1 to %(most)d.") % {"most": MOST_POSITION},
            field="position",
        )
    images = list(case.images.all())
    last = max((image.position for image in images), default=0)
    handed_over = max((image.position for image in images if image.was_submitted), default=0)
    is_free = wanted is not None and wanted > handed_over and wanted not in {one.position for one in images}
    return wanted if wanted is not None and is_free else last + 1


def _close_gaps(case: Case) -> None:
    """Number the photographs of a locked case from 1 without gaps, in their order.

    A file that was refused, or taken out again, leaves a gap. Numbers that were handed over stay.
    """
    number = 0
    for image in case.images.order_by("position"):
        number = image.position if image.was_submitted else number + 1
        if image.position != number:
            image.position = number
            image.save(update_fields=["position"])


def _check_room(case: Case, image: SmearImage) -> None:
    if twin := case.images.filter(pixel_sha256=image.pixel_sha256).first():
        raise Duplicate(
            _("This photograph is already in the case, as image %(position)d.") % {"position": twin.position},
            code="duplicate_image",
            field="file",
        )
    if case.images.count() >= settings.UPLOAD_MAX_IMAGES_PER_CASE:
        raise Invalid(
            _("A case can have at most %(count)d photographs.")
            % {"count": settings.UPLOAD_MAX_IMAGES_PER_CASE},
            code="too_many_images",
            field="file",
        )


@transaction.atomic
def remove_image(by: User, image: SmearImage) -> None:
    """Take a photograph that was not handed over yet out of its case, files included. Raises NotAllowed, WrongState."""
    require(by, Action.SUBMIT_CASE, image.case.laboratory)
    case = lock_case(image.case_id)
    stays = _("Photographs that were submitted stay with the case; add better ones to it.")
    require_state(case, EDITABLE, stays)
    if image.was_submitted:
        raise WrongState(stays)
    SmearImage.objects.filter(pk=image.pk).delete()

    def remove_stored() -> None:
        remove_files(image.file, image.thumbnail)
        remove_tiles(image)

    transaction.on_commit(remove_stored, robust=True)


@transaction.atomic
def submit(by: User, case: Case) -> Case:
    """Hand a draft, or a case that was returned, over: its photographs go to the model, the case to the reviewers.

    Raises NotAllowed, WrongState, Invalid (no photograph).
    """
    require(by, Action.SUBMIT_CASE, case.laboratory)
    case = lock_case(case.pk)
    require_state(case, EDITABLE, _("This case has already been submitted."))
    if not case.images.exists():
        raise Invalid(
            _("Add at least one photograph before you submit the case."), code="no_images", field="images"
        )
    _close_gaps(case)
    if case.state == CaseState.RETURNED:
        case.round += 1
    case.submitted_at = timezone.now()
    move(case, CaseState.SUBMITTED, also=("submitted_at", "round"))
    inference.enqueue(case)
    return case


@transaction.atomic
def cancel(by: User, case: Case) -> Case:
    """Withdraw a case that nobody has read yet. Raises NotAllowed, WrongState."""
    require(by, Action.SUBMIT_CASE, case.laboratory)
    case = lock_case(case.pk)
    move(case, CaseState.CANCELLED)
    inference.withdraw(case)
    return case
