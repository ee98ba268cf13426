"""The refusals of `smear.decode` that more than one check gives, and the limits they name."""

from dataclasses import dataclass
from http import HTTPStatus

from smear.sniff import FileKind

MEGABYTE = 1024 * 1024
MEGAPIXEL = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is accepted: bytes of the file, pixels of the picture and of its edges."""

    max_bytes: int = 50 * MEGABYTE
    max_pixels: int = 100 * MEGAPIXEL
    max_edge: int = 20_000
    min_edge: int = 64


DEFAULT_LIMITS = Limits()


class ImageRejected(Exception):
    """A file that is not accepted. ``message`` is for the person who sent it, ``status`` an HTTP status."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = int(status)


def too_large(limits: Limits = DEFAULT_LIMITS) -> ImageRejected:
    """The refusal of a file with too many bytes, for those who can tell before reading it."""
    return ImageRejected(
        "file_too_large",
        f"The file is larger than {limits.max_bytes // MEGABYTE} MB. "
        "Upload one field as JPEG, or crop the photograph to the field.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def unsupported(kind: FileKind) -> ImageRejected:
    """A file of a type that is not accepted."""
    return ImageRejected(
        "unsupported_type", f"This is {kind.name}. {kind.advice}", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    )


def damaged(kind: FileKind) -> ImageRejected:
    """A file of an accepted type that no decoder can finish."""
    return ImageRejected(
        "damaged",
        f"The file begins like {kind.name}, but is incomplete or damaged. "
        "Save or copy it again from the camera or microscope and upload the new file.",
    )


def too_many_pixels(limits: Limits) -> ImageRejected:
    """A picture whose header claims more than the limits allow."""
    return ImageRejected(
        "too_many_pixels",
        f"The picture has more than {limits.max_pixels // MEGAPIXEL} megapixels, or an edge longer than "
        f"{limits.max_edge} pixels. Upload single fields, not a whole slide, or crop the picture.",
    )


def grey() -> ImageRejected:
    """A picture without colour.

    Refused on purpose: stain colour is what a smear is read by, the model was trained on stained fields only,
    and its answer on grey would look like any other answer.
    """
    return ImageRejected(
        "no_colour",
        "The picture has no colour, and the stain's colour is needed. "
        "Upload the colour photograph of the stained field.",
    )
