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
    """Bounds of what is accepted: bytes of the file, pixels of the picture and of its edges.

    ``max_shape`` is how many times longer than the other one edge may be.
    """

    max_bytes: int = 50 * MEGABYTE
    max_pixels: int = 100 * MEGAPIXEL
    max_edge: int = 20_000
    min_edge: int = 64
    max_shape: int = 5


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


def extreme_shape(size: tuple[int, int], limits: Limits) -> ImageRejected:
    """A picture of which the model would see nothing, because it is squeezed to a square."""
    return ImageRejected(
        "extreme_shape",
        _(
            "The picture has %(width)d x %(height)d pixels: one side is more than %(most)d times as long as the "
            "other. Upload the photograph of one field as the camera took it."
        ),
        values={"width": size[0], "height": size[1], "most": limits.max_shape},
    )


def unread_compression(kind: FileKind, compression: str) -> ImageRejected:
    """A file of an accepted type whose pixels are stored in a way that is not read."""
    return ImageRejected(
        "unsupported_compression",
        _(
            "The file is %(kind)s, but its pixels are stored as %(compression)s, which cannot be read here. "
            "Save the photograph as a usual JPEG, PNG or TIFF (LZW or without compression) and upload that file."
        ),
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        {"kind": kind.name, "compression": compression},
    )


def several_pictures() -> ImageRejected:
    """An animation, or pages that are more than copies of one photograph."""
    return ImageRejected(
        "several_pictures",
        _("The file holds several pictures (pages or an animation). Save each field as a file of its own."),
    )


def too_deep() -> ImageRejected:
    """More than 8 bits per sample, which Pillow would cut down without a word, or floating point."""
    return ImageRejected(
        "bit_depth",
        _(
            "The picture has more than 8 bits per channel. "
            "Export the photograph as 8-bit RGB (24-bit colour) and upload it again."
        ),
    )


def whole_slide() -> ImageRejected:
    """A scanner's file."""
    return ImageRejected(
        "whole_slide",
        _(
            "This is a whole-slide scan. Export single fields from the slide viewer as JPEG, PNG or TIFF "
            "and upload those."
        ),
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
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
