"""What the upload pages send and answer."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from portal.cases.models import SmearImage
from portal.errors import Invalid
from portal.intake.services import MOST_POSITION
from portal.web.file_names import refusal_of


def uploaded_file(request: HttpRequest) -> "UploadedFile[bytes]":
    """The one file of a page's request. Raises Invalid."""
    uploads = uploaded_files(request)
    if not uploads:
        raise Invalid(_("No file was received. Choose a photograph."), code="no_file", field="file")
    if len(uploads) > 1:
        raise Invalid(_("Send one photograph at a time."), field="file")
    return uploads[0]


def uploaded_files(request: HttpRequest) -> "list[UploadedFile[bytes]]":
    """The files of a request, all of whose names can be taken. Raises Invalid."""
    uploads = request.FILES.getlist("file")
    if refusal := refusal_of(request):
        raise Invalid(refusal, code="file_name", field="file")
    return uploads


def wanted_position(entered: str) -> int | None:
    """The place that a photograph is to have in its case, as it was sent; None where none was. Raises Invalid."""
    if not entered:
        return None
    if not (entered.isascii() and entered.isdigit() and len(entered) < 10):
        raise Invalid(
            _("State the position as a whole number from 1 to %(most)d.") % {"most": MOST_POSITION},
            field="position",
        )
    return int(entered)


def image_json(image: SmearImage) -> dict[str, Any]:
    """A stored photograph as the file list shows it. What the file was called is not known here, on purpose."""
    return {
        "id": str(image.pk),
        "position": image.position,
        "thumbnail_url": reverse("cases:thumbnail", args=[image.pk]),
        "remove_url": "" if image.was_submitted else reverse("cases:remove_image", args=[image.pk]),
        "summary": _("Image %(position)d, %(width)s × %(height)s pixels")
        % {
            "position": image.position,
            "width": number_format(image.width),
            "height": number_format(image.height),
        },
        "notices": image.notice_words,
        "warnings": image.quality_warnings,
    }
