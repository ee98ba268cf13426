"""What an uploaded file may be called, and words about the name where it cannot be taken.

Names are not kept, only their extension is looked at. But Django drops a file whose name it cannot read or has nothing
left of, and then it looks as if no file had come. So the headers of a form's parts are looked at on their way to it.
"""

import html
from collections.abc import Callable, Iterable
from typing import IO, Any, cast

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _

from portal.text import described, unwanted

#: What file systems allow.
MOST_CHARACTERS = 255
_END_OF_HEADERS = b"\r\n\r\n"
#: More than Django's parser takes: it gives up on longer headers by itself.
_MOST_HEADER_BYTES = 4096


def why_unfit(name: str | None) -> str | None:
    """Why a file of this name is not taken, and what to do; None where it is. None is a name that is no UTF-8."""
    reason, advice = _reason(name), _("Rename it, for example to field.jpg, and upload it again.")
    return f"{reason} {advice}" if reason else None


def _reason(name: str | None) -> str | None:
    if name is None:
        return _("The name of the file is not encoded in UTF-8.")
    # As Django reads it: a path ends at its last part, and entities are resolved.
    name = html.unescape(name)
    last = name.replace("\\", "/").rsplit("/")[-1]
    if found := next(unwanted(name, lines=False), None):
        return _("The name of the file contains %(what)s.") % {"what": described(found)}
    if not name.strip():
        return _("The file has no name.")
    if not last:
        return _("The name of the file ends in a slash, like that of a folder.")
    if not last.strip(". "):
        return _("The name of the file consists only of dots and spaces.")
    if len(last) > MOST_CHARACTERS:
        return _("The name of the file has more than %(most)d characters.") % {"most": MOST_CHARACTERS}
    return None


def refusal_of(request: HttpRequest) -> str | None:
    """Why the file of a form that was read cannot be taken by its name; None where it can be."""
    return why_unfit(request.unfit_file_name) if hasattr(request, "unfit_file_name") else None


class FileNameHandler(FileUploadHandler):
    """Stops an upload at the first name that cannot be taken; it has to be the first of the handlers."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        meta: dict[str, str],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> tuple[Any, Any]:
        """Let Django parse the form, through `_Watched`; ``boundary`` is bytes, whatever the stubs say."""
        request = cast(HttpRequest, self.request)
        others = [handler for handler in request.upload_handlers if handler is not self]

        def note(name: str | None) -> None:
            request.unfit_file_name = name  # type: ignore[attr-defined]

        watched: Any = _Watched(input_data, boundary, note)
        return MultiPartParser(meta, watched, others, encoding).parse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class _Watched:
    """A form's body on its way to the parser. ``note`` gets the first name that cannot be accepted; then it stops.

    Raises StopUpload out of `read` once; what is read afterwards is to be thrown away.
    """

    def __init__(self, source: IO[bytes], boundary: bytes, note: Callable[[str | None], None]) -> None:
        self._source, self._note = source, note
        self._mark = b"--" + boundary
        self._held = b""
        self._has_stopped = False

    def read(self, size: int | None = None, /) -> bytes:
        data = self._source.read(-1 if size is None else size)
        if not self._has_stopped:
            self._held += data
            for name in self._names():
                if why_unfit(name):
                    self._has_stopped = True
                    self._note(name)
                    raise StopUpload
        return data

    def _names(self) -> Iterable[str | None]:
        """The names in those headers that are there as a whole; the rest is held until more has come."""
        start = self._held.find(self._mark)
        while start >= 0:
            end = self._held.find(_END_OF_HEADERS, start)
            body = self._held[end + len(_END_OF_HEADERS) :][: len(self._mark) + 2]
            if end < 0 or len(body) < len(self._mark) + 2:
                self._held = self._held[start:][:_MOST_HEADER_BYTES]
                return
            # A field for files in which none was chosen has neither name nor content.
            if body != b"\r\n" + self._mark:
                yield from _names(self._held[start:end])
            self._held = self._held[end:]
            start = self._held.find(self._mark)
        self._held = self._held[-len(self._mark) :]


def _names(header: bytes) -> Iterable[str | None]:
    """The file names in the header of a part, None for one that cannot be read."""
    for line in header.split(b"\r\n"):
        if not line.lower().startswith(b"content-disposition"):
            continue
        try:
            _value, parameters = parse_header_parameters(line.decode())
        except ValueError:
            # A field without a file is no matter of ours.
            if b"filename" in line.lower():
                yield None
            continue
        if "filename" in parameters:
            yield parameters["filename"]
