"""The client's address, as far as the network shows it: for log, throttling and lock-out."""

from contextlib import suppress
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address, "" where there is none.

    Of ``X-Forwarded-For`` only what our own proxies added counts: the last ``TRUSTED_PROXIES`` entries. What stands
    before them is whatever the client sent.
    """
    count = settings.TRUSTED_PROXIES
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    candidates = [hops[-count]] if 0 < count <= len(hops) else []
    for candidate in [*candidates, request.META.get("REMOTE_ADDR", "")]:
        with suppress(ValueError):
            return str(ip_address(candidate))
    return ""
