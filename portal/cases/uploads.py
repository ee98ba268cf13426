"""What the upload pages send and answer."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from portal.cases.models import SmearImage
from portal.cases.photographs import notice_words
from portal.errors import Invalid


def uploaded_file(request: HttpRequest) -> UploadedFile:
    """The one file of a request. Raises Invalid."""
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        raise Invalid(_("No file arrived. Choose a photograph."), code="no_file", field="file")
    return upload


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
