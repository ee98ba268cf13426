"""Photographs are read in bounded processes (``confined``); what those refuse becomes a ``DomainError`` here.

No picture that came from outside is decoded in the processes of the portal and its worker.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, BinaryIO, cast

import numpy as np
from django.conf import settings
from django.core.files.base import File
from numpy.typing import NDArray

from confined.client import Client, JobFailed, JobRefused, ServerGone, scratch, server_in
from confined.protocol import Failed, unbundle
from portal.errors import DomainError, FileRefused
from portal.words import in_words
from smear.contract import Message

log = logging.getLogger(__name__)


#: The HTTP status of a refusal, where it is another than 422.
STATUS: dict[str, int] = {
    "file_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_compression": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "whole_slide": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


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

    Raises FileRefused, PicturesAway with words for the user.
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
        message = Message.from_json(refused.why)
        status = STATUS.get(message.code, HTTPStatus.UNPROCESSABLE_ENTITY)
        raise FileRefused(in_words(message), code=message.code, status=status) from None
    stored.seek(0)
    thumbnail.seek(0)
    return stored, thumbnail, found


def tiles(photograph: "File[bytes]") -> Iterator[tuple[tuple[int, int, int], bytes]]:
    """Level, column and row of every tile of a stored photograph, with its JPEG file. Raises as `tensor`."""
    with scratch() as bundle:
        made = _read_stored("tiles", photograph, bundle)
        contents = unbundle(bundle, [length for _level, _column, _row, length in made])
        for (level, column, row, _length), content in zip(made, contents, strict=True):
            yield (level, column, row), content


def tensor(photograph: "File[bytes]", *, patience: float | None = None) -> NDArray[np.uint8]:
    """The model's input for a stored photograph (`smear.tensor.to_tensor`); it waits ``patience`` seconds for its turn.

    Raises Unreadable, PicturesAway, FileRefused when it takes more memory or time than it may.
    """
    with scratch() as target:
        shape = _read_stored("tensor", photograph, target, patience)
        target.seek(0)
        return np.frombuffer(target.read(), dtype=np.uint8).reshape(shape)


def _read_stored(job: str, photograph: "File[bytes]", target: BinaryIO, patience: float | None = None) -> Any:
    try:
        return _run(job, {}, cast(BinaryIO, photograph), [target], patience)
    except JobRefused as refused:
        raise Unreadable(refused.why["values"]["error"]) from None


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
        raise _failure(error.why) from error
    except ServerGone as error:
        log.error("The process that reads photographs cannot be reached: %s", error)
        raise _failure(Failed.UNAVAILABLE) from error


def _failure(why: Failed) -> FileRefused | PicturesAway:
    match why:
        case Failed.MEMORY:
            return _beyond_bounds("too_much_memory")
        case Failed.TIME:
            return _beyond_bounds("too_much_time")
        case Failed.BUSY:
            return _away("busy")
        case Failed.BROKEN:
            return _away("reading_broke")
        case _:
            return _away(PicturesAway.default_code)


def _beyond_bounds(code: str) -> FileRefused:
    return FileRefused(in_words(Message(code)), code=code)


def _away(code: str) -> PicturesAway:
    return PicturesAway(in_words(Message(code)), code=code)
