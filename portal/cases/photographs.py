"""From an uploaded file to what may be stored: decoded, upright, without metadata."""

import contextlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext
from PIL import Image

from portal.cases import pictures
from smear.decode import ImageRejected
from smear.likeness import perceptual_hash
from smear.notices import EXTENSION_MISMATCH
from smear.quality import WORDS, Quality, Reason

THUMBNAIL_EDGE = 320
_EXTENSION_MISMATCH = re.compile(
    re.escape(EXTENSION_MISMATCH % {"extension": "@e", "kind": "@k"})
    .replace("@e", r"(?P<extension>\S+)")
    .replace("@k", r"(?P<kind>.+)")
)


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph ready for storage."""

    file: File
    thumbnail: File
    fields: dict[str, Any]
    quality: Quality

    @property
    def pixel_sha256(self) -> str:
        return str(self.fields["pixel_sha256"])

    @property
    def perceptual_hash(self) -> bytes:
        return bytes(self.fields["perceptual_hash"])


def read_photograph(upload: UploadedFile) -> Photograph:
    """Decode an upload within the limits. Raises smear.decode.ImageRejected, PicturesAway with words for the user."""
    upload.seek(0)
    source = cast(BinaryIO, upload.file if upload.file is not None else upload)
    try:
        stored, thumbnail, found = pictures.take_in(
            source, filename=upload.name or "", thumbnail_edge=THUMBNAIL_EDGE
        )
    except ImageRejected as error:
        raise ImageRejected(error.code, _translated(error.words, error.values), error.status) from error
    small = thumbnail.read()
    return Photograph(
        file=File(stored, name=f"photograph.{found['fields']['extension']}"),
        thumbnail=ContentFile(small, name="thumbnail.jpg"),
        fields={**found["fields"], "perceptual_hash": thumbnail_hash(small)},
        quality=Quality(**found["quality"]),
    )


def thumbnail_hash(thumbnail: bytes) -> bytes:
    """The perceptual hash of a photograph. It is always taken of the thumbnail, which every stored photograph has."""
    with Image.open(io.BytesIO(thumbnail)) as picture:
        return perceptual_hash(picture)


def notice_words(notice: str) -> str:
    """A photograph's notice, stored in English, in the reader's language."""
    named = _EXTENSION_MISMATCH.fullmatch(notice)
    return _translated(EXTENSION_MISMATCH, named.groupdict()) if named else gettext(notice)


def _translated(words: str, values: Mapping[str, str | int]) -> str:
    in_language = {name: gettext(v) if isinstance(v, str) and v else v for name, v in values.items()}
    return gettext(words) % in_language if values else gettext(words)


def quality_warnings(reasons: Iterable[str]) -> list[str]:
    """Reasons of ``smear.quality`` in words for the person at the microscope."""
    return [gettext(WORDS[Reason(reason)]) for reason in reasons]


def remove_files(*files: FieldFile) -> None:
    """Remove stored files, whether or not they are still there."""
    for file in files:
        if file.name:
            with contextlib.suppress(OSError):
                file.storage.delete(file.name)
