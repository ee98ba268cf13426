"""What the upload pages send and answer."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from portal.cases.models import SmearImage
from portal.cases.photographs import notice_words
from portal.cases.services import MOST_POSITION
from portal.errors import Invalid


def uploaded_file(request: HttpRequest) -> UploadedFile:
    """The one file of a request. Raises Invalid."""
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        raise Invalid(_("No file arrived. Choose a photograph."), code="no_file", field="file")
    return upload


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
        "notices": [notice_words(notice) for notice in image.notices],
        "warnings": image.quality_warnings,
    }
