"""What a browser may keep of an answer: nothing, but for pictures, which it asks about again each time.

Workplaces are shared. The next person after a sign-out must find nothing, neither by the Back button nor on the disk,
so an answer is ``no-store`` unless its view says otherwise with ``kept``. Static files are not answered by views.
"""

from collections.abc import Callable
from hashlib import sha256

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag

NO_STORE = "no-store"
#: The browser keeps it, nobody between does, and it is shown only after the portal has said that it may be.
KEPT = "private, no-cache"


class NoStoreMiddleware:
    """Sets ``Cache-Control: no-store`` on every answer that ``kept`` has not made; it wraps all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.get("Cache-Control") != KEPT:
            response["Cache-Control"] = NO_STORE
            del response["Expires"]
        return response


def kept(
    request: HttpRequest, identity: tuple[object, ...], answer: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """A picture that the browser may keep and has to ask about before it shows it again; 304 while it is the same.

    ``identity`` says which picture it is: with another picture at this address it is another. Call it when the
    permission has been checked. A picture that is opened by itself is not kept: Back shows such a one without asking.
    """
    if request.headers.get("Sec-Fetch-Dest") == "document":
        return answer()
    etag = quote_etag(sha256(repr(identity).encode()).hexdigest()[:32])
    # 304, or 412 where another was demanded; None where the whole picture is wanted.
    response: HttpResponseBase = get_conditional_response(request, etag) or answer()
    response["ETag"] = etag
    response["Cache-Control"] = KEPT
    patch_vary_headers(response, ["Sec-Fetch-Dest"])
    return response
