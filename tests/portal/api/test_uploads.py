"""Photographs through the API: what is refused, with which words, and that nothing added before is lost."""

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import connections
from PIL import Image
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.cases.models import Case, SmearImage
from portal.cases.photographs import Photograph, read_photograph
from tests.documents import Document
from tests.factories import draft, photograph
from tests.portal.kinds import ClientFor, Clients, IsProblem, People


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def field(size: tuple[int, int] = (160, 120)) -> Image.Image:
    return Image.open(io.BytesIO(photograph(99, size=size).read()))


def transparent() -> Image.Image:
    image = field()
    image.putalpha(100)
    return image


BAD_FILES: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "empty": (lambda: b"", 422, "empty_file"),
    "words": (lambda: b"not a picture", 415, "unsupported_type"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_type"),
    "pdf": (lambda: b"%PDF-1.7 and so on", 415, "unsupported_type"),
    "gif": (lambda: saved(field(), "GIF"), 415, "unsupported_type"),
    "truncated": (lambda: saved(field(), "JPEG")[:1500], 422, "damaged"),
    "small": (lambda: saved(field((40, 40)), "PNG"), 422, "too_small"),
    "grey": (lambda: saved(field().convert("L"), "PNG"), 422, "no_colour"),
    "cmyk": (lambda: saved(field().convert("CMYK"), "JPEG"), 422, "colour_space"),
    "animated": (
        lambda: saved(field(), "WEBP", save_all=True, append_images=[field().rotate(90)]),
        422,
        "several_pictures",
    ),
    "transparent": (lambda: saved(transparent(), "PNG"), 422, "transparent"),
    "sixteen-bit": (lambda: saved(Image.new("I;16", (100, 100)), "PNG"), 422, "bit_depth"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_in_words_and_costs_nothing(
    name: str, clients: Clients, draft_case: Case, is_problem: IsProblem
) -> None:
    make, status, code = BAD_FILES[name]
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    before = clients.submitter.get(address).json()
    upload = SimpleUploadedFile("field.jpg", make())
    body = is_problem(clients.submitter.post(address, {"file": upload}, format="multipart"), status, code)
    assert body["errors"] == {"file": [body["detail"]]}
    assert clients.submitter.get(address).json() == before
    good = clients.submitter.post(address, {"file": photograph(5)}, format="multipart")
    assert (good.status_code, good.json()["position"]) == (201, 2)


def test_the_answer_shows_the_stored_photograph(clients: Clients, people: People, lab: Laboratory) -> None:
    case = draft(people.submitter, lab, images=0)
    upload = photograph(3, size=(200, 150), name="Jane Roe.jpeg")
    body = clients.submitter.post(
        f"/api/v1/cases/{case.pk}/images/", {"file": upload}, format="multipart"
    ).json()
    assert (body["position"], body["width"], body["height"]) == (1, 200, 150)
    assert body["notices"] == ["The file is named .jpeg, but it is a PNG image; it was read as that."]
    assert (body["job"], body["prediction"]) == (None, None)
    assert "Jane" not in str(body)
    stored = clients.submitter.get(body["file"])
    content = stored.getvalue()
    assert (stored["Content-Type"], len(content)) == ("image/png", body["size"])
    assert stored["Cache-Control"].startswith("private")
    thumbnail = clients.submitter.get(body["thumbnail"])
    with Image.open(io.BytesIO(thumbnail.getvalue())) as small:
        assert (small.format, small.size) == ("JPEG", (200, 150))


def test_the_same_photograph_twice(clients: Clients, draft_case: Case, is_problem: IsProblem) -> None:
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    again = saved(Image.open(photograph(0)), "BMP")
    response = clients.submitter.post(
        address, {"file": SimpleUploadedFile("other.bmp", again)}, format="multipart"
    )
    assert "image 1" in is_problem(response, 409, "duplicate_image")["detail"]
    assert len(clients.submitter.get(address).json()) == 1


@pytest.mark.parametrize(
    "body", [{}, {"file": "text"}, {"photograph": photograph(1)}, {"file": [photograph(1), photograph(2)]}]
)
def test_a_request_without_exactly_one_file(
    body: Document, clients: Clients, draft_case: Case, is_problem: IsProblem
) -> None:
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    problem = is_problem(clients.submitter.post(address, body, format="multipart"), 400, "invalid")
    assert "multipart field `file`" in problem["errors"]["file"][0]


def test_a_body_that_is_no_multipart(clients: Clients, draft_case: Case, is_problem: IsProblem) -> None:
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    is_problem(clients.submitter.post(address, {"file": "x"}), 415, "unsupported_media_type")
    kind = "multipart/form-data"
    is_problem(clients.submitter.generic("POST", address, "no boundary here", content_type=kind), 400)
    nonsense = clients.submitter.generic(
        "POST", address, "--b\r\nnonsense", content_type=f"{kind}; boundary=b"
    )
    is_problem(nonsense, 400)


def test_a_file_over_the_limit_reaches_the_disk_only_up_to_it(
    clients: Clients,
    draft_case: Case,
    is_problem: IsProblem,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.UPLOAD_MAX_BYTES = 200_000
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    written: list[int] = []

    def note_and_read(upload: TemporaryUploadedFile) -> Photograph:
        written.append(Path(upload.temporary_file_path()).stat().st_size)
        return read_photograph(upload)

    monkeypatch.setattr("portal.intake.services.read_photograph", note_and_read)
    upload = SimpleUploadedFile("field.bmp", b"BM" + bytes(20_000_000))
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    is_problem(clients.submitter.post(address, {"file": upload}, format="multipart"), 413, "file_too_large")
    assert len(written) == 1
    assert 200_000 < written[0] <= 200_000 + 2 * 64 * 1024
    assert SmearImage.objects.filter(case=draft_case).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_once_get_two_positions(
    people: People, lab: Laboratory, client_for: ClientFor
) -> None:
    case = draft(people.submitter, lab, images=0)
    client = client_for(people.submitter)
    statuses: list[int] = []

    def send(seed: int) -> None:
        try:
            body = {"file": photograph(seed)}
            response = client.post(f"/api/v1/cases/{case.pk}/images/", body, format="multipart")
            statuses.append(response.status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 4
    assert sorted(case.images.values_list("position", flat=True)) == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_uploads_at_once_stand_where_they_say_and_never_on_one_place(
    people: People, lab: Laboratory, client_for: ClientFor
) -> None:
    case = draft(people.submitter, lab, images=0)
    client = client_for(people.submitter)
    # Two files want the second place.
    wanted = [(0, "3"), (1, "2"), (2, "1"), (3, "2")]

    def send(seed: int, position: str) -> None:
        try:
            body = {"file": photograph(seed), "position": position}
            answer = client.post(f"/api/v1/cases/{case.pk}/images/", body, format="multipart")
            got[seed] = answer.json()["position"]
        finally:
            connections.close_all()

    got: dict[int, int] = {}
    threads = [threading.Thread(target=send, args=one) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got.values()) == [1, 2, 3, 4]
    assert got[2] == 1
    assert [got[1], got[3]].count(2) == 1, "the one of the two that came later comes last"


@pytest.mark.parametrize("position", ["0", "-1", "1.5", "first", "10001", "99999999999", "٣"])
def test_a_position_that_is_none_is_refused_by_name(
    position: str, clients: Clients, draft_case: Case, is_problem: IsProblem
) -> None:
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    body = {"file": photograph(9), "position": position}
    problem = is_problem(clients.submitter.post(address, body, format="multipart"), 400)
    assert list(problem["errors"]) == ["position"]
    assert draft_case.images.count() == 1


def test_taking_a_photograph_out(clients: Clients, people: People, lab: Laboratory) -> None:
    case = draft(people.submitter, lab, images=2)
    first = case.images.get(position=1)
    address = f"/api/v1/cases/{case.pk}/images/"
    assert clients.submitter.delete(f"{address}{first.pk}/").status_code == 204
    assert [image["position"] for image in clients.submitter.get(address).json()] == [2]
    assert clients.submitter.get(f"{address}{first.pk}/").status_code == 404


def test_quality_is_advice_beside_the_photograph(clients: Clients, draft_case: Case) -> None:
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    empty = saved(Image.new("RGB", (300, 200), (246, 226, 236)), "PNG")
    answer = clients.submitter.post(address, {"file": SimpleUploadedFile("a.png", empty)}, format="multipart")
    quality = answer.json()["quality"]
    assert answer.status_code == 201
    assert (quality["reasons"], quality["measures"]["nucleated_cells"]) == (["empty"], 0)
    assert quality["warnings"] == [
        "The field appears empty: move to an area of the smear with cells and take it again."
    ]
    SmearImage.objects.update(quality=None)
    assert [image["quality"] for image in clients.submitter.get(address).json()] == [None, None]


def test_without_the_process_that_reads_photographs_an_upload_is_told_to_try_again(
    clients: Clients,
    draft_case: Case,
    is_problem: IsProblem,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("confined.client.RESTART_SECONDS", 0.0)
    settings.CONFINED_SOCKETS = tmp_path
    address = f"/api/v1/cases/{draft_case.pk}/images/"
    problem = is_problem(
        clients.submitter.post(address, {"file": photograph(9)}, format="multipart"), 503, "pictures_away"
    )
    assert "Try again in a minute" in problem["detail"]
    assert draft_case.images.count() == 1
