"""Small files that once failed, through the real upload: each is taken, or refused in words that fit."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.accounts.models import Laboratory
from portal.cases.models import SmearImage
from tests.factories import draft
from tests.portal.kinds import Clients, People

FAULTS = Path(__file__).parents[3].parent / "shared" / "faults"
#: What is right: a refusal's code, or what is told about a photograph that is taken.
RIGHT: dict[str, str | list[str]] = {
    "whole.png": [],
    "png-100-megapixels.png": ["too dark", "out of focus"],
    "jpeg-broken-profile.jpg": ["colour profile in the file cannot be read"],
    "jpeg-adobe-rgb-in-exif.jpg": ["converted"],
    "two-pictures.mpo": ["more pictures"],
    "png-long-text.png": [],
    "tiff-reduced-resolution.tif": [],
    "tiff-with-thumbnail-page.tif": ["smaller copy"],
    "tiff-with-thumbnail-page-first.tif": ["smaller copy"],
    "red-and-blue-swapped.png": ["Red and blue"],
    "png-one-wrong-byte.png": "damaged",
    "jpeg-cut-and-closed.jpg": "damaged",
    "jpeg-64-zeroed-bytes.jpg": "damaged",
    "jpeg-truncated.jpg": "damaged",
    "png-truncated.png": "damaged",
    "jpeg-ls.jls": "unsupported_compression",
    "tiff-with-jpeg2000-inside.tif": "unsupported_compression",
}


@pytest.mark.skipif(not FAULTS.is_dir(), reason="no folder of faults beside the repository")
@pytest.mark.parametrize("name", RIGHT)
def test_each_fault_gets_what_is_right(name: str, clients: Clients, people: People, lab: Laboratory) -> None:
    case = draft(people.submitter, lab, images=0)
    upload = SimpleUploadedFile(name, (FAULTS / name).read_bytes())
    answer = clients.submitter.post(f"/api/v1/cases/{case.pk}/images/", {"file": upload}, format="multipart")
    right, body = RIGHT[name], answer.json()
    if isinstance(right, str):
        assert body["code"] == right, body
        assert not SmearImage.objects.filter(case=case).exists()
        return
    told = body["notices"] + body["quality"]["warnings"]
    assert (answer.status_code, len(told)) == (201, len(right)), body
    assert all(words in one for words, one in zip(right, told, strict=True)), told
