"""What every request has to be before anything of ours looks at it: text in UTF-8, without NUL.

PostgreSQL takes no NUL, and what is not UTF-8 would be replaced by question marks without a word: one check in front
of all addresses is worth more than one in every view.
"""

import codecs
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.text import visible

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_TEXT = frozenset({"utf-8", "ascii"})


class WellFormedRequestMiddleware:
    """Answers 400 to an address or a body whose characters cannot be text; drops cookies that cannot be ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if message := _malformed(request):
            raise BadRequest(message)
        # A cookie may come from whatever else this host serves: no reason to turn its owner away.
        request.COOKIES = {
            name: value for name, value in request.COOKIES.items() if not _CONTROL.search(value)
        }
        return self.get_response(request)


def _malformed(request: HttpRequest) -> Promise | None:
    path = _bytes(request.META.get("PATH_INFO", ""))
    query = unquote_to_bytes(_bytes(request.META.get("QUERY_STRING", "")))
    if not (_is_utf8(path) and _is_utf8(query)):
        return _("The address is not encoded in UTF-8. Check it, or start from the worklist.")
    if b"\x00" in path + query:
        return _("The address contains a NUL character. Check it, or start from the worklist.")
    charset = (request.content_params or {}).get("charset")
    if charset is not None and not _is_text(charset):
        return _("Send text in UTF-8: the request names another encoding.")
    return None


def _bytes(value: str) -> bytes:
    """The bytes of a header as WSGI gives them: one character for each."""
    return value.encode("latin-1", "replace")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_text(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in _TEXT
    except (LookupError, ValueError):
        return False


class VisibleTextMiddleware:
    """Writes out, on every page, what nobody would see: texts that were stored before such characters were refused.

    A text of a form that was refused comes back so, too, and shows what is to be deleted.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
        if is_page and "Content-Encoding" not in response:
            page = response.content.decode(response.charset)  # type: ignore[attr-defined]
            shown = visible(page)
            if shown != page:
                response.content = shown  # type: ignore[attr-defined]
        return response
