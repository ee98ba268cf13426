"""The refusals of `smear.decode` that more than one check gives, and the limits they name."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from smear.sniff import FileKind
from smear.words import gettext_noop as _

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
    """A file that is not accepted. ``message`` is for the person who sent it, ``status`` an HTTP status.

    ``words`` and ``values`` are the message before the values are put in, for whoever translates it.
    """

    def __init__(
        self,
        code: str,
        words: str,
        status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
        values: Mapping[str, str | int] | None = None,
    ) -> None:
        self.message = words % values if values else words
        super().__init__(self.message)
        self.code = code
        self.words = words
        self.values = dict(values or {})
        self.status = int(status)


def too_large(limits: Limits = DEFAULT_LIMITS) -> ImageRejected:
    """The refusal of a file with too many bytes, for those who can tell before reading it."""
    return ImageRejected(
        "file_too_large",
        _(
            "The file is larger than %(limit)d MB. "
            "Upload one field as JPEG, or crop the photograph to the field."
        ),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        {"limit": limits.max_bytes // MEGABYTE},
    )


def unsupported(kind: FileKind) -> ImageRejected:
    """A file of a type that is not accepted."""
    return ImageRejected(
        "unsupported_type",
        _("This is %(kind)s. %(advice)s"),
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        {"kind": kind.name, "advice": kind.advice},
    )


def damaged(kind: FileKind) -> ImageRejected:
    """A file of an accepted type that no decoder can finish."""
    return ImageRejected(
        "damaged",
        _(
            "The file begins like %(kind)s, but is incomplete or damaged. "
            "Save or copy it again from the camera or microscope and upload the new file."
        ),
        values={"kind": kind.name},
    )


def too_many_pixels(limits: Limits) -> ImageRejected:
    """A picture whose header claims more than the limits allow."""
    return ImageRejected(
        "too_many_pixels",
        _(
            "The picture has more than %(megapixels)d megapixels, or an edge longer than %(edge)d pixels. "
            "Upload single fields, not a whole slide, or crop the picture."
        ),
        values={"megapixels": limits.max_pixels // MEGAPIXEL, "edge": limits.max_edge},
    )


def grey() -> ImageRejected:
    """A picture without colour.

    Refused on purpose: stain colour is what a smear is read by, the model was trained on stained fields only,
    and its answer on grey would look like any other answer.
    """
    return ImageRejected(
        "no_colour",
        _(
            "The picture has no colour, and the stain's colour is needed. "
            "Upload the colour photograph of the stained field."
        ),
    )
