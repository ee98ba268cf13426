"""Photographs are read in bounded processes (``confined``), and what those say is put into words here.

No picture that came from outside is decoded in the processes of the portal and its worker.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from confined.client import Client, JobFailed, JobRefused, ServerGone, scratch, server_in
from confined.protocol import Failed, unbundle
from portal.errors import DomainError
from smear.decode import ImageRejected

log = logging.getLogger(__name__)


class PicturesAway(DomainError):
    """Photographs cannot be read now; nothing is said against this one."""

    status = 503
    default_code = "pictures_away"


class Unreadable(Exception):
    """A stored photograph cannot be read any more."""


def server() -> Client:
    return server_in(settings.CONFINED_SOCKETS, "pictures")


def take_in(
    source: BinaryIO, *, filename: str, thumbnail_edge: int
) -> tuple[BinaryIO, BinaryIO, dict[str, Any]]:
    """Check and decode an upload: the file to store, its thumbnail, and what `confined.pictures.photograph` found.

    Raises smear.decode.ImageRejected with words that are still to be translated, PicturesAway.
    """
    arguments = {
        "filename": filename,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "thumbnail_edge": thumbnail_edge,
    }
    stored, thumbnail = scratch(), scratch()
    try:
        found = _run("photograph", arguments, source, [stored, thumbnail])
    except JobRefused as refused:
        why = refused.why
        raise ImageRejected(why["code"], why["words"], why["status"], why["values"]) from None
    stored.seek(0)
    thumbnail.seek(0)
    return stored, thumbnail, found


def tiles(photograph: File) -> Iterator[tuple[tuple[int, int, int], bytes]]:
    """Level, column and row of every tile of a stored photograph, with its JPEG file. Raises as `tensor`."""
    with scratch() as bundle:
        made = _read_stored("tiles", photograph, bundle)
        contents = unbundle(bundle, [length for _level, _column, _row, length in made])
        for (level, column, row, _length), content in zip(made, contents, strict=True):
            yield (level, column, row), content


def tensor(photograph: File, *, patience: float | None = None) -> NDArray[np.uint8]:
    """The model's input for a stored photograph (`smear.tensor.to_tensor`); it waits ``patience`` seconds for its turn.

    Raises Unreadable, PicturesAway, smear.decode.ImageRejected when it takes more memory or time than it may.
    """
    with scratch() as target:
        shape = _read_stored("tensor", photograph, target, patience)
        target.seek(0)
        return np.frombuffer(target.read(), dtype=np.uint8).reshape(shape)


def _read_stored(job: str, photograph: File, target: BinaryIO, patience: float | None = None) -> Any:
    try:
        return _run(job, {}, cast(BinaryIO, photograph), [target], patience)
    except JobRefused as refused:
        raise Unreadable(refused.why["words"]) from None


def _run(
    job: str,
    arguments: Mapping[str, Any],
    source: BinaryIO,
    targets: Sequence[BinaryIO],
    patience: float | None = None,
) -> Any:
    try:
        return server().run(job, dict(arguments), source, targets, patience)
    except JobFailed as error:
        raise _in_words(error.why) from error
    except ServerGone as error:
        log.error("The process that reads photographs cannot be reached: %s", error)
        raise _in_words(Failed.UNAVAILABLE) from error


def _in_words(why: Failed) -> ImageRejected | PicturesAway:
    match why:
        case Failed.MEMORY:
            return ImageRejected(
                "too_much_memory",
                _(
                    "Reading this photograph takes more memory than this installation allows. "
                    "Crop it, save it with fewer pixels or, if it is a WebP, as JPEG or PNG, and upload it again."
                ),
            )
        case Failed.TIME:
            return ImageRejected(
                "too_much_time",
                _(
                    "Reading this photograph took too long. "
                    "Crop it, or save it anew as JPEG or PNG, and upload it again."
                ),
            )
        case Failed.BUSY:
            return PicturesAway(
                _("Too many photographs are being read at the moment. Try again in a minute."), code="busy"
            )
        case Failed.BROKEN:
            return PicturesAway(
                _(
                    "This photograph could not be read: the process that reads it ended. Try again; "
                    "if it happens again, save the photograph anew as JPEG or PNG."
                ),
                code="reading_broke",
            )
        case _:
            return PicturesAway(_("Photographs cannot be read at the moment. Try again in a minute."))
