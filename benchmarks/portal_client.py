"""A small client of a running portal: the API as an instrument uses it, the pages as a browser does."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import requests
from PIL import Image

CASE = {"patient_pseudonym": "BENCH-0001", "specimen": "peripheral_blood"}
POLL = 0.05
TIMEOUT = 60.0


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


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 120.0) -> Any:
    """Poll until ``condition`` gives something true and return it. Raises TimeoutError naming ``what``."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(POLL)


class Api:
    """The REST API with a bearer token."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base = f"{base_url.rstrip('/')}/api/v1"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def file_case(self, photographs: list[bytes]) -> str:
        """Make a draft with these photographs; returns its id."""
        case_id = str(self._call("post", "/cases/", json=CASE)["id"])
        for number, photograph in enumerate(photographs, 1):
            file = (f"field-{number}.jpg", photograph, "image/jpeg")
            self._call("post", f"/cases/{case_id}/images/", files={"file": file})
        return case_id

    def submit(self, case_id: str) -> dict[str, Any]:
        return self._call("post", f"/cases/{case_id}/submit/")

    def case(self, case_id: str) -> dict[str, Any]:
        return self._call("get", f"/cases/{case_id}/")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._session.request(method, self._base + path, timeout=TIMEOUT, **options)
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

    def start_quick_look(self, photograph: bytes) -> str:
        """Drop a photograph on the quick look page; returns the address of its answer."""
        file = ("field.jpg", photograph, "image/jpeg")
        return str(self._post("/quick-look/", {}, files={"file": file}).json()["url"])

    def quick_look_answer(self, url: str) -> str:
        """The answer's HTML, "" while there is none."""
        answer = self._session.get(f"{self._base}{url}live/", timeout=TIMEOUT)
        answer.raise_for_status()
        return "" if answer.status_code == requests.codes.no_content else answer.text

    def _post(self, path: str, data: dict[str, str], **options: Any) -> requests.Response:
        page = self._session.get(self._base + path, timeout=TIMEOUT)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        headers = {"Referer": self._base + path, "X-CSRFToken": token[1] if token else ""}
        answer = self._session.post(
            self._base + path,
            data={**data, "csrfmiddlewaretoken": headers["X-CSRFToken"]},
            headers=headers,
            timeout=TIMEOUT,
            **options,
        )
        answer.raise_for_status()
        return answer
