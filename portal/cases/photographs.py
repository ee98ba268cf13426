"""From an uploaded file to what may be stored: decoded, upright, without metadata."""

import contextlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.db.models.fields.files import FieldFile
from PIL import Image

from portal.cases import pictures
from smear.likeness import perceptual_hash
from smear.quality import Quality

THUMBNAIL_EDGE = 320


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph ready for storage."""

    file: "File[bytes]"
    thumbnail: "File[bytes]"
    fields: dict[str, Any]
    quality: Quality

    @property
    def pixel_sha256(self) -> str:
        return str(self.fields["pixel_sha256"])

    @property
    def perceptual_hash(self) -> bytes:
        return bytes(self.fields["perceptual_hash"])


def read_photograph(upload: "UploadedFile[bytes]") -> Photograph:
    """Decode an upload within the limits. Raises FileRefused, PicturesAway."""
    upload.seek(0)
    source = cast(BinaryIO, upload.file if upload.file is not None else upload)
    stored, thumbnail, found = pictures.take_in(
        source, filename=upload.name or "", thumbnail_edge=THUMBNAIL_EDGE
    )
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


def remove_files(*files: FieldFile) -> None:
    """Remove stored files, whether or not they are still there."""
    for file in files:
        if file.name:
            with contextlib.suppress(OSError):
                file.storage.delete(file.name)
