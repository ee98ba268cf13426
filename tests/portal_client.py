"""A small client of a running portal: the API as an instrument uses it, the pages as a browser does."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from mimetypes import guess_type
from typing import Any

import numpy as np
import requests
from PIL import Image

CASE = {"patient_pseudonym": "BENCH-0001", "specimen": "peripheral_blood"}
TIMEOUT = 180.0


def draw_photograph(seed: int, size: tuple[int, int] = (1024, 768)) -> bytes:
    """A JPEG of a drawn, stained-looking field, ``size`` in pixels (width, height); another seed, other pixels."""
    rng = np.random.default_rng(seed)
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    field = np.full((height, width, 3), (228, 205, 215), dtype=np.float32)
    for _ in range(40):
        row, column, radius = rng.integers(0, height), rng.integers(0, width), rng.integers(12, 40)
        field[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = rng.normal((120, 70, 150), 8)
    noisy = np.clip(field + rng.normal(0, 4, field.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _patiently(ask: Callable[[], requests.Response]) -> requests.Response:
    """The answer, asked for again while it is *try again*: more photographs came at once than are read in a minute."""
    for _ in range(10):
        answer = ask()
        if answer.status_code != requests.codes.service_unavailable:
            break
        time.sleep(1)
    return answer


class Api:
    """The REST API with a bearer token."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base = f"{base_url.rstrip('/')}/api/v1"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def file_case(self, photographs: list[bytes]) -> str:
        """Make a draft with these photographs; returns its id."""
        case_id = self.new_case()
        for number, photograph in enumerate(photographs, 1):
            self.upload(case_id, f"field-{number}.jpg", photograph)
        return case_id

    def new_case(self) -> str:
        """Make an empty draft; returns its id."""
        return str(self._call("post", "/cases/", json=CASE)["id"])

    def upload(self, case_id: str, name: str, photograph: bytes) -> dict[str, Any]:
        """Put a photograph into a draft; one that is to be sent again in a while is."""
        file = (name, photograph, guess_type(name)[0])
        return self._call("post", f"/cases/{case_id}/images/", is_patient=True, files={"file": file})

    def submit(self, case_id: str) -> dict[str, Any]:
        return self._call("post", f"/cases/{case_id}/submit/")

    def case(self, case_id: str) -> dict[str, Any]:
        return self._call("get", f"/cases/{case_id}/")

    def _call(self, method: str, path: str, *, is_patient: bool = False, **options: Any) -> dict[str, Any]:
        def ask() -> requests.Response:
            return self._session.request(method, self._base + path, timeout=TIMEOUT, **options)

        answer = _patiently(ask) if is_patient else ask()
        if not answer.ok:
            raise RuntimeError(f"{method.upper()} {path} answered {answer.status_code}: {answer.text[:500]}")
        result: dict[str, Any] = answer.json()
        return result


class Browser:
    """A signed-in person's session on the pages."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        self._post("/account/login/", {"login": email, "password": password})
        if "sessionid" not in self._session.cookies:
            raise RuntimeError(f"could not sign in as {email}")

    def upload(self, case_id: str, name: str, photograph: bytes) -> dict[str, Any]:
        """Put a photograph into a draft, as the page of a new case does; one that is to be sent again in a while is."""
        file = (name, photograph, guess_type(name)[0])
        page, address = f"/cases/{case_id}/edit/", f"/cases/{case_id}/images/"
        result: dict[str, Any] = self._post(page, {}, address=address, files={"file": file}).json()
        return result

    def start_quick_look(self, photograph: bytes) -> str:
        """Drop a photograph on the quick look page; returns the address of its answer."""
        file = ("field.jpg", photograph, "image/jpeg")
        return str(self._post("/quick-look/", {}, files={"file": file}).json()["url"])

    def quick_look_answer(self, url: str) -> str:
        """The answer's HTML, "" while there is none."""
        answer = self._session.get(f"{self._base}{url}live/", timeout=TIMEOUT)
        answer.raise_for_status()
        return "" if answer.status_code == requests.codes.no_content else answer.text

    def _post(self, path: str, data: dict[str, str], address: str = "", **options: Any) -> requests.Response:
        """Send the form of the page at ``path``, to ``address`` where that is another."""
        page = self._session.get(self._base + path, timeout=TIMEOUT)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        headers = {"Referer": self._base + path, "X-CSRFToken": token[1] if token else ""}

        def send() -> requests.Response:
            return self._session.post(
                self._base + (address or path),
                data={**data, "csrfmiddlewaretoken": headers["X-CSRFToken"]},
                headers=headers,
                timeout=TIMEOUT,
                **options,
            )

        answer = _patiently(send) if address else send()
        answer.raise_for_status()
        return answer
