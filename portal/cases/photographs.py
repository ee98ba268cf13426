"""From an uploaded file to what may be stored: decoded, upright, without metadata."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext

from smear.decode import Limits, decode
from smear.quality import WORDS, Quality, Reason, assess

THUMBNAIL_EDGE = 320


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph ready for storage."""

    file: ContentFile
    thumbnail: ContentFile
    fields: dict[str, Any]
    quality: Quality


def read_photograph(upload: UploadedFile) -> Photograph:
    """Decode an upload within the limits. Raises smear.decode.ImageRejected with words for the user."""
    upload.seek(0)
    decoded = decode(
        cast(BinaryIO, upload.file if upload.file is not None else upload),
        filename=upload.name or "",
        limits=Limits(max_bytes=settings.UPLOAD_MAX_BYTES),
    )
    content, extension, content_type = decoded.encode()
    return Photograph(
        file=ContentFile(content, name=f"photograph.{extension}"),
        thumbnail=ContentFile(decoded.thumbnail(THUMBNAIL_EDGE), name="thumbnail.jpg"),
        fields={
            "extension": extension,
            "content_type": content_type,
            "width": decoded.width,
            "height": decoded.height,
            "size": len(content),
            "pixel_sha256": decoded.pixel_sha256,
            "notices": [notice.message for notice in decoded.notices],
        },
        quality=assess(decoded.image),
    )


def quality_warnings(reasons: Iterable[str]) -> list[str]:
    """Reasons of ``smear.quality`` in words for the person at the microscope."""
    return [gettext(WORDS[Reason(reason)]) for reason in reasons]


def remove_files(*files: FieldFile) -> None:
    """Remove stored files, whether or not they are still there."""
    for file in files:
        if file.name:
            with contextlib.suppress(OSError):
                file.storage.delete(file.name)
