"""Quick looks: one photograph, an answer within seconds, deleted soon unless the person makes it a case.

Of one whose answer was shown, ``portal.reading.exposure`` keeps hashes of the photograph, the person and the time.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory, User
from portal.accounts.permissions import require
from portal.cases.models import Case
from portal.cases.photographs import Photograph, read_photograph, remove_files
from portal.errors import Gone, NotAllowed, WrongState
from portal.inference.models import QuickLook, QuickLookAnswer
from portal.inference.quick_looks import fail, remove
from portal.inference.selectors import active_version
from portal.inference.sending import send_quick_look
from portal.intake import services as cases
from portal.reading import blind, exposure
from smear.contract import Message


def start(by: User, laboratory: Laboratory, upload: "UploadedFile[bytes]") -> QuickLook:
    """Take a photograph and ask the model. Raises FileRefused, NotAllowed, WrongState."""
    require(by, Action.SUBMIT_CASE, laboratory)
    version = active_version()
    if version is None:
        raise WrongState(
            _("Pre-classification is switched off, so quick look is not available."), code="model_off"
        )
    photograph = read_photograph(upload)
    _check_not_blind(by, photograph)
    quick_look = QuickLook(
        owner=by,
        laboratory=laboratory,
        model_version=version,
        expires_at=timezone.now() + timedelta(minutes=settings.QUICK_LOOK_MINUTES),
        **photograph.fields,
    )
    quick_look.notices += [Message(reason).to_json() for reason in photograph.quality.reasons]
    try:
        with transaction.atomic():
            quick_look.file.save("photograph", photograph.file, save=False)
            quick_look.thumbnail.save("thumbnail", photograph.thumbnail, save=False)
            quick_look.save(force_insert=True)
    except BaseException:
        remove_files(quick_look.file, quick_look.thumbnail)
        raise
    if not send_quick_look(quick_look.pk):
        fail(quick_look.pk, Message("queue_away"))
        quick_look.refresh_from_db()
    return quick_look


def _check_not_blind(by: User, photograph: Photograph) -> None:
    """A reader does not get the model's answer to a case by asking about one of its photographs."""
    case = blind.hiding_case(by, photograph)
    if case is not None:
        raise NotAllowed(
            _(
                "This photograph is in case %(accession)s, which you may still have to read blind. The "
                "model's answer is shown there once you have stored your own."
            )
            % {"accession": case.accession},
            code="blinded",
            field="file",
        )


def visible_to(user: User, quick_look_id: UUID) -> QuickLook:
    """The person's own quick look. Raises Gone when it has expired or never was theirs."""
    found = (
        QuickLook.objects.select_related("laboratory", "model_version", "answer")
        .filter(owner=user, pk=quick_look_id, expires_at__gt=timezone.now())
        .first()
    )
    if found is None:
        raise Gone(_("This quick look has expired; photograph and answer are deleted."))
    return found


def shown_answer(by: User, quick_look: QuickLook) -> QuickLookAnswer | None:
    """The answer, where there is one, to be shown to the person now; a later read of the photograph is not blind."""
    answer: QuickLookAnswer | None = getattr(quick_look, "answer", None)
    if answer is not None:
        exposure.record(by, QuickLook.objects.filter(pk=quick_look.pk))
    return answer


def discard(by: User, quick_look: QuickLook) -> None:
    """Remove row and files now. Raises NotAllowed."""
    if quick_look.owner_id != by.pk:
        raise NotAllowed(_("Only the person who made a quick look can discard it."))
    remove(quick_look)


@transaction.atomic
def make_case(by: User, quick_look: QuickLook, **fields: Any) -> Case:
    """Turn a quick look into a draft with its photograph; the model is asked again when the draft is submitted.

    ``fields`` are those of ``intake.services.CASE_FIELDS``. Raises NotAllowed, Invalid.
    """
    if quick_look.owner_id != by.pk:
        raise NotAllowed(_("Only the person who made a quick look can keep it."))
    # A second press waits here, and finds the quick look gone.
    if not QuickLook.objects.select_for_update(no_key=True).filter(pk=quick_look.pk).exists():
        raise Gone(_("This quick look is already a case, or has expired."))
    # The case has the quick look's id: pressing again leads to it.
    case = cases.create_case(by, laboratory=quick_look.laboratory, pk=quick_look.pk, **fields)
    with quick_look.file.open("rb") as file:
        name = f"photograph.{quick_look.extension}"
        cases.add_image(by, case, UploadedFile(file, name, quick_look.content_type, quick_look.size))
    QuickLook.objects.filter(pk=quick_look.pk).delete()
    transaction.on_commit(lambda: remove_files(quick_look.file, quick_look.thumbnail), robust=True)
    return case


def case_made_of(by: User, quick_look_id: UUID) -> Case | None:
    """The case that the person made of a quick look, which is gone then."""
    return Case.objects.filter(pk=quick_look_id, created_by=by).first()
