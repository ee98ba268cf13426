"""The refusals of `smear.decode` that more than one check gives, and the limits they name.

Codes and values only: the words are made where a refusal is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from smear.contract import Message
from smear.sniff import FileKind

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
    """A file that is not accepted; ``message`` says why."""

    def __init__(self, code: str, values: Mapping[str, str | int] | None = None) -> None:
        super().__init__(code)
        self.message = Message(code, dict(values or {}))

    @property
    def code(self) -> str:
        return self.message.code


def too_large(limits: Limits = DEFAULT_LIMITS) -> ImageRejected:
    """The refusal of a file with too many bytes, for those who can tell before reading it."""
    return ImageRejected("file_too_large", {"limit": limits.max_bytes // MEGABYTE})


def unsupported(kind: FileKind) -> ImageRejected:
    """A file of a type that is not accepted."""
    return ImageRejected("unsupported_type", {"kind": kind.code})


def damaged(kind: FileKind) -> ImageRejected:
    """A file of an accepted type that no decoder can finish."""
    return ImageRejected("damaged", {"kind": kind.code})


def too_many_pixels(limits: Limits) -> ImageRejected:
    """A picture whose header claims more than the limits allow."""
    return ImageRejected(
        "too_many_pixels", {"megapixels": limits.max_pixels // MEGAPIXEL, "edge": limits.max_edge}
    )


def extreme_shape(size: tuple[int, int], limits: Limits) -> ImageRejected:
    """A picture of which the model would see nothing, because it is squeezed to a square."""
    return ImageRejected("extreme_shape", {"width": size[0], "height": size[1], "most": limits.max_shape})


def unread_compression(kind: FileKind, compression: str) -> ImageRejected:
    """A file of an accepted type whose pixels are stored in a way that is not read: a code, or a name as it is."""
    return ImageRejected("unsupported_compression", {"kind": kind.code, "compression": compression})


def several_pictures() -> ImageRejected:
    """An animation, or pages that are more than copies of one photograph."""
    return ImageRejected("several_pictures")


def too_deep() -> ImageRejected:
    """More than 8 bits per sample, which Pillow would cut down without a word, or floating point."""
    return ImageRejected("bit_depth")


def whole_slide() -> ImageRejected:
    """A scanner's file."""
    return ImageRejected("whole_slide")


def grey() -> ImageRejected:
    """A picture without colour.

    Refused on purpose: stain colour is what a smear is read by, the model was trained on stained fields only,
    and its answer on grey would look like any other answer.
    """
    return ImageRejected("no_colour")
