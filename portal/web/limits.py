"""How much of a request is taken in at all, for pages and API alike.

Two bounds, both before any decoding: a request that declares more than the whole-request limit is answered
without its body being parsed, and of a single file no more than its limit reaches memory or disk.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from portal.errors import FileRefused
from portal.web.pages import refusal
from portal.web.problems import is_api, problem_for

MEGABYTE = 1024 * 1024


class LimitedUploadHandler(FileUploadHandler):
    """Lets the handlers after it see one chunk more than a file may have, and drops the rest.

    `smear.decode` then refuses the file as too large, in words; the other files of a form are unharmed.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start <= settings.UPLOAD_MAX_BYTES else None

    def file_complete(self, file_size: int) -> "UploadedFile[bytes] | None":
        return None


class RequestSizeMiddleware:
    """Answers 413 to a request that declares a size over the limit (411 without one), before its body is read.

    It comes after authentication, which the page of the refusal shows, and its turn comes before the CSRF
    check looks into the form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        error = _without_length(request) or _too_large(request)
        if error is None:
            return self.get_response(request)
        return problem_for(error) if is_api(request) else refusal(request, error)


def _without_length(request: HttpRequest) -> FileRefused | None:
    """Django reads no body that comes in chunks without a declared length: better said than taken as empty."""
    if request.META.get("CONTENT_LENGTH") or not request.headers.get("Transfer-Encoding"):
        return None
    message = _("Send the request with its Content-Length, not in chunks of unknown total size.")
    return FileRefused(message, code="length_required", status=HTTPStatus.LENGTH_REQUIRED)


def body_limit(content_type: str) -> int:
    """How many bytes a body of this type may declare; the server does not even read more."""
    is_form = content_type.partition(";")[0].strip().lower() == "multipart/form-data"
    return int(settings.UPLOAD_MAX_REQUEST_BYTES if is_form else settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _too_large(request: HttpRequest) -> FileRefused | None:
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return None
    limit = body_limit(request.content_type or "")
    if limit == settings.UPLOAD_MAX_REQUEST_BYTES:
        message = _(
            "This upload is %(size)d MB. The limit for one photograph is %(file)d MB: crop it, or save it "
            "as JPEG. What was uploaded before is kept."
        )
    else:
        message = _("This request is %(size)d MB. Without a file the limit is %(limit)d MB.")
    if declared <= limit:
        return None
    sizes = {
        "size": -(-declared // MEGABYTE),
        "file": settings.UPLOAD_MAX_BYTES // MEGABYTE,
        "limit": limit // MEGABYTE,
    }
    return FileRefused(message % sizes, code="request_too_large", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
