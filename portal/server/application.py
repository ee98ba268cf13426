"""What uvicorn serves: the body is awaited here, a thread makes the answer, and the answer is read from here."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import IO, Any
from wsgiref.types import WSGIApplication

from portal.config.wsgi import application as portal
from portal.inference import repair
from portal.server import bounds
from portal.server.gateway import Scope, answer
from portal.server.outbox import Headers, Outbox
from portal.web.limits import body_limit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class TooSlowError(Exception):
    """The body did not come in its time."""


class TooMuchError(Exception):
    """More is being sent by all clients together than there is room for."""


class GoneError(Exception):
    """The client went away in the middle."""


class Server:
    """An ASGI application around a WSGI one, with ``threads`` threads for all of a process's requests."""

    def __init__(self, application: WSGIApplication, threads: int) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        with SpooledTemporaryFile(max_size=bounds.IN_MEMORY) as body, suppress(GoneError):
            unread = _is_refused_unread(scope)
            try:
                if not unread:
                    await self._read(scope, receive, body)
                await self._answer(scope, receive, send, body, unread=unread)
            except TooSlowError:
                await _say(send, HTTPStatus.REQUEST_TIMEOUT, b"The request came too slowly.")
            except TooMuchError:
                await _say(send, HTTPStatus.SERVICE_UNAVAILABLE, b"Too much is being sent at once.")
            finally:
                self._held -= body.seek(0, os.SEEK_END)

    async def _read(self, scope: Scope, receive: Receive, body: IO[bytes]) -> None:
        """Take in the whole body. Raises TooSlowError, TooMuchError, GoneError."""
        deadline = monotonic() + bounds.GRACE_SECONDS + _declared(scope) / bounds.SLOWEST_RATE
        more = True
        while more:
            try:
                left = min(bounds.STALL_SECONDS, deadline - monotonic())
                message = await asyncio.wait_for(receive(), max(0.0, left))
            except TimeoutError as error:
                raise TooSlowError from error
            if message["type"] != "http.request":
                raise GoneError
            self._held += body.write(message.get("body", b""))
            if self._held > bounds.HELD_BYTES:
                raise TooMuchError
            more = message.get("more_body", False)
        body.seek(0)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, body: IO[bytes], *, unread: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        made = loop.run_in_executor(self._pool, answer, self._application, scope, body, outbox)
        try:
            await _relay(outbox, send)
            if unread:
                await _drain(receive)
            await send({"type": "http.response.body"})
        finally:
            outbox.close()
            # The body belongs to the thread until it is done, even when nobody reads the answer.
            await made


async def _live(receive: Receive, send: Send) -> None:
    """From the start of the process to its end: the repair's clock goes."""
    await receive()
    repair.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    repair.stop()
    await send({"type": "lifespan.shutdown.complete"})


async def _relay(outbox: Outbox, send: Send) -> None:
    """Send the answer as it is made; to a client that is gone, uvicorn sends nothing and says nothing."""
    head_sent = False
    while (piece := await outbox.take()) is not None:
        if not head_sent:
            await _send_head(outbox, send)
            head_sent = True
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if not head_sent:
        await _send_head(outbox, send)


async def _send_head(outbox: Outbox, send: Send) -> None:
    status, headers = outbox.started or (HTTPStatus.INTERNAL_SERVER_ERROR, [])
    await send({"type": "http.response.start", "status": int(status), "headers": headers})


async def _drain(receive: Receive) -> None:
    """Read and drop what still comes, within bounds: closing while the other side sends would lose it the answer."""
    left = bounds.DRAIN_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(bounds.DRAIN_SECONDS):
            while left > 0:
                message = await asyncio.wait_for(receive(), bounds.STALL_SECONDS)
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))


async def _say(send: Send, status: HTTPStatus, text: bytes) -> None:
    headers: Headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _is_refused_unread(scope: Scope) -> bool:
    """Whether ``RequestSizeMiddleware`` will refuse the body by what its headers declare."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return True
    return _declared(scope) > body_limit(headers.get(b"content-type", b"").decode("latin-1"))


def _declared(scope: Scope) -> int:
    """Content-Length: h11 has checked it."""
    return int(dict(scope["headers"]).get(b"content-length", 0))


application = Server(portal, int(os.environ.get("HEMALENS_WEB_THREADS") or 4))
