"""From a stored photograph to the model's answer: one path for jobs and quick looks."""

from dataclasses import replace
from time import monotonic

import structlog
from django.conf import settings
from django.db.models.fields.files import FieldFile

from portal.cases import pictures
from portal.errors import FileRefused
from portal.inference.choices import Outcome
from portal.inference.models import ModelVersion
from smear.contract import Answer, Message
from worker.contract import ContractMismatch
from worker.readiness import watch
from worker.triton import TritonRejected, TritonUnavailable, triton

log = structlog.get_logger(__name__)


class NoAnswer(Exception):
    """Why a photograph got no answer, for the laboratory; ``outcome`` is that of the attempt."""

    def __init__(self, message: Message, outcome: Outcome = Outcome.ERROR) -> None:
        super().__init__(message.code)
        self.message = message
        self.outcome = outcome


def classify_photograph(file: FieldFile, version: ModelVersion) -> Answer:
    """Ask ``version`` about one stored photograph. Raises ``NoAnswer``; the log has the technical side."""
    started = monotonic()
    try:
        watch.require(version)
        # Stored photographs went through smear.decode: upright RGB, within the limits.
        with file.open("rb") as stored:
            tensor = pictures.tensor(stored, patience=settings.PICTURE_PATIENCE_SECONDS)
        answer = triton().infer(
            version.name, str(version.version), tensor[None], retry_for=settings.TRITON_RETRY_SECONDS
        )[0]
    except Exception as error:
        raise _no_answer(error) from error
    return replace(answer, seconds=monotonic() - started)


def _no_answer(error: Exception) -> NoAnswer:
    """What went wrong, for the people whose photograph it is."""
    match error:
        case TritonUnavailable():
            watch.forget()
            log.warning("triton.unavailable", error=str(error))
            return NoAnswer(Message("model_away"), Outcome.UNAVAILABLE)
        case ContractMismatch():
            return NoAnswer(Message("model_differs"), Outcome.UNAVAILABLE)
        case TritonRejected():
            log.error("triton.rejected", error=str(error))
            return NoAnswer(Message("model_refused"))
        case pictures.PicturesAway():
            log.warning("photograph.not_read", code=error.code)
            return NoAnswer(Message(error.code), Outcome.UNAVAILABLE)
        case FileRefused():
            log.error("photograph.beyond_bounds", code=error.code)
            return NoAnswer(Message("stored_beyond_bounds"))
        case pictures.Unreadable() | OSError():
            log.error("photograph.unreadable", error=str(error))
            return NoAnswer(Message("stored_unreadable"))
        case _:
            log.exception("photograph.failed", exc_info=error)
            return NoAnswer(Message("unexpected"))
