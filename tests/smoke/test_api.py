"""Sixteen photographs in four cases, filed by an instrument, answered by the model, and one of them read and signed.

Against this machine's own system, or any other with tokens of a submitter and a reviewer of one laboratory:

SMOKE_URL=https://lab.example SMOKE_SUBMITTER_TOKEN=… SMOKE_REVIEWER_TOKEN=… SMOKE_REVIEWER_PASSWORD=… make smoke

The photographs are drawn unless SMOKE_PHOTOS, or ../shared/data/blood-smears where it is there, holds a folder
of photographs for each class.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from embedded.settings import ROOT
from tests.documents import Document
from tests.live import OF_THE_TESTS, LiveSystem, wait_for
from tests.portal_client import Api, draw_photograph

CASES, PHOTOGRAPHS_A_CASE = 4, 4
CLASSES = {"Benign", "Early", "Pre", "Pro"}
PHOTOS = Path(os.environ.get("SMOKE_PHOTOS") or ROOT.parent / "shared" / "data" / "blood-smears")


@dataclass(frozen=True)
class Laboratory:
    url: str
    submitter_token: str
    reviewer_token: str
    reviewer_password: str

    def ask(self, method: str, path: str, token: str, body: object = None) -> requests.Response:
        """The answer of the API; ``path`` is below /api/v1/."""
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def laboratory(request: pytest.FixtureRequest) -> Laboratory:
    """The system under test, and who files and reads there."""
    if url := os.environ.get("SMOKE_URL"):
        names = ("SMOKE_SUBMITTER_TOKEN", "SMOKE_REVIEWER_TOKEN", "SMOKE_REVIEWER_PASSWORD")
        return Laboratory(url.rstrip("/"), *(os.environ[name] for name in names))
    system: LiveSystem = request.getfixturevalue("live_system")
    submitter, reviewer = (_issue_token(system, f"{role}@demo.example") for role in ("submitter", "reviewer"))
    return Laboratory(system.base_url, submitter, reviewer, system.accounts["reviewer@demo.example"])


def _issue_token(system: LiveSystem, email: str) -> str:
    """By the README's command, on the instance that runs in the folder and nothing else is said about."""
    command = [sys.executable, "manage.py", "--join", "issue_token", email, "--days", "1"]
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    environment["HEMALENS_VAR"] = str(system.var.path)
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _photographs() -> list[list[bytes]]:
    """The bytes of each case's photographs; of a folder of classes, one class a case."""
    folders = sorted(folder for folder in PHOTOS.glob("*") if folder.is_dir())[:CASES]
    if len(folders) < CASES:
        seeds = range(CASES * PHOTOGRAPHS_A_CASE)
        drawn = [draw_photograph(seed, (640, 480)) for seed in seeds]
        return [
            drawn[start : start + PHOTOGRAPHS_A_CASE] for start in range(0, len(drawn), PHOTOGRAPHS_A_CASE)
        ]
    return [_spread(sorted(folder.glob("*.*"))) for folder in folders]


def _spread(files: list[Path]) -> list[bytes]:
    """Photographs from all over a folder: its neighbours may show the same field, even the same bytes."""
    step = len(files) // PHOTOGRAPHS_A_CASE
    return [file.read_bytes() for file in files[::step][:PHOTOGRAPHS_A_CASE]]


@pytest.fixture(scope="module")
def answered(laboratory: Laboratory) -> list[Document]:
    """Four cases as the API shows them once they await their read."""
    api = Api(laboratory.url, laboratory.submitter_token)
    filed = [api.file_case(photographs) for photographs in _photographs()]
    for case_id in filed:
        assert api.submit(case_id)["state"] in {"submitted", "analysing", "awaiting_read"}

    def awaiting() -> list[Document] | None:
        cases = [api.case(case_id) for case_id in filed]
        return cases if all(case["state"] == "awaiting_read" for case in cases) else None

    return wait_for(awaiting, "the model's answers to sixteen photographs", 180)


def test_every_photograph_has_the_models_answer(answered: list[Document]) -> None:
    images = [image for case in answered for image in case["images"]]
    assert len(images) == CASES * PHOTOGRAPHS_A_CASE
    for image in images:
        prediction = image["prediction"]
        assert image["job"]["state"] == "done", image["job"]
        assert set(prediction["probabilities"]) == CLASSES
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
        assert len(prediction["model"]["sha256"]) == 64
        assert isinstance(prediction["refer"], bool)
    for case in answered:
        assert case["preclassification"]["images"] == PHOTOGRAPHS_A_CASE
        assert case["no_preclassification_reason"] == ""


def test_the_stored_photograph_and_its_map_can_be_fetched(
    answered: list[Document], laboratory: Laboratory
) -> None:
    image = answered[0]["images"][0]
    token = {"Authorization": f"Bearer {laboratory.submitter_token}"}
    address = f"{laboratory.url}/api/v1/cases/{answered[0]['id']}/images/{image['id']}/"
    for name, magic in (("file", b"\xff\xd8"), ("thumbnail", b"\xff\xd8"), ("activation-map", b"\x89PNG")):
        assert requests.get(f"{address}{name}/", headers=token, timeout=30).content.startswith(magic), name
        assert requests.get(f"{address}{name}/", timeout=30).status_code == 401, name


def test_a_case_is_read_blind_and_signed(answered: list[Document], laboratory: Laboratory) -> None:
    case = answered[-1]
    path = f"cases/{case['id']}/"
    submitter, reviewer = laboratory.submitter_token, laboratory.reviewer_token
    assert laboratory.ask("post", f"{path}claim/", submitter).status_code == 403
    taken = laboratory.ask("post", f"{path}claim/", reviewer).json()
    if taken["blinded"]:
        assert taken["preclassification"] is None
        assert not any(image["prediction"] for image in taken["images"])
    answer = {"label": "none_of_these", "confidence": "low"}
    read = laboratory.ask("post", f"{path}reads/", reviewer, answer | {"comment": "Filed by the smoke test."})
    assert read.status_code == 201, read.text
    assert read.json()["model_label"] == case["preclassification"]["label"]
    if reveal := read.json()["reveal"]:
        assert reveal["probabilities"] == case["preclassification"]["probabilities"]
        concluded = laboratory.ask("post", f"{path}conclusion/", reviewer, answer)
        assert concluded.status_code == 201, concluded.text
    if laboratory.ask("get", path, reviewer).json()["state"] != "ready_to_sign":
        pytest.skip("this laboratory has the case read a second time")
    secret = {"secret": laboratory.reviewer_password, "comment": "Filed by the smoke test."}
    report = laboratory.ask("post", f"{path}sign/", reviewer, secret)
    assert report.status_code == 201, report.text
    signed = laboratory.ask("get", path, submitter).json()
    assert (signed["state"], signed["diagnosis"]) == ("reported", report.json())
    assert (report.json()["label"], len(report.json()["sha256"])) == ("none_of_these", 64)
