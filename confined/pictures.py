"""The jobs on photographs: taking one in, making its tiles, making the model's input tensor."""

import contextlib
from dataclasses import asdict
from typing import Any

from PIL import Image

from confined.child import IsLarge, Job, Refused, Work
from confined.protocol import Bundle
from smear import jpeg_warnings, pyramid
from smear.contract import Message
from smear.decode import ImageRejected, Limits, decode
from smear.quality import assess
from smear.tensor import to_tensor

#: A photograph with more pixels is a large job; what a microscope's or a phone's camera takes mostly has fewer.
SMALL_PIXELS = 25_000_000


def photograph(work: Work) -> dict[str, Any]:
    """Check, decode and measure an upload; the file to store and its thumbnail are written.

    Arguments: ``filename``, ``max_bytes``, ``thumbnail_edge`` (pixels). Refuses with what `ImageRejected` has.
    """
    _check_size(work)
    limits = Limits(max_bytes=work.arguments["max_bytes"])
    try:
        decoded = decode(work.source, filename=work.arguments["filename"], limits=limits)
    except ImageRejected as error:
        _raise_if_out_of_memory(error)
        raise Refused(error.message.to_json()) from error
    quality = assess(decoded.image)
    stored, thumbnail = work.targets
    thumbnail.write(decoded.thumbnail(work.arguments["thumbnail_edge"]))
    encoded = decoded.encode(stored)
    return {
        "fields": {
            "extension": encoded.extension,
            "content_type": encoded.content_type,
            "width": decoded.width,
            "height": decoded.height,
            "size": stored.tell(),
            "pixel_sha256": decoded.pixel_sha256,
            "notices": [notice.to_json() for notice in decoded.notices],
        },
        "quality": asdict(quality),
    }


def tiles(work: Work) -> list[tuple[int, int, int, int]]:
    """Write every tile of a stored photograph, one after the other: level, column, row and bytes of each."""
    with _stored(work) as opened:
        bundle = Bundle(work.targets[0])
        made = []
        for tile, content in pyramid.build(opened):
            bundle.add(content)
            made.append((tile.level, tile.column, tile.row, len(content)))
    return made


def tensor(work: Work) -> list[int]:
    """Write the model's input for a stored photograph, UINT8 in C order; its shape."""
    with _stored(work) as opened:
        pixels = to_tensor(opened)
    work.targets[0].write(pixels.tobytes())
    return list(pixels.shape)


#: Loaded here, once, and not by each child for itself.
PRELOADED = (jpeg_warnings,)

JOBS: dict[str, Job] = {"photograph": photograph, "tiles": tiles, "tensor": tensor}


@contextlib.contextmanager
def _stored(work: Work) -> Any:
    """A stored photograph: it went through smear.decode, so it is upright RGB within the limits."""
    _check_size(work)
    try:
        with Image.open(work.source) as opened:
            opened.load()
            yield opened
    except (OSError, SyntaxError, ValueError) as error:
        _raise_if_out_of_memory(error)
        why = Message("unreadable", {"error": f"{type(error).__name__}: {error}"})
        raise Refused(why.to_json()) from error


def _check_size(work: Work) -> None:
    """Leave a large photograph to a large job. What cannot be measured is taken for large: it soon ends otherwise."""
    if work.is_large:
        return
    try:
        with Image.open(work.source) as opened:
            is_small = opened.width * opened.height <= SMALL_PIXELS
    except Exception:  # a stranger's bytes; what is wrong with them is said by the job itself
        is_small = False
    work.source.seek(0)
    if not is_small:
        raise IsLarge


def _raise_if_out_of_memory(error: BaseException | None) -> None:
    """What decoders make of a lack of memory is no fault of the file."""
    while error is not None:
        if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
            raise MemoryError from error
        error = error.__cause__
