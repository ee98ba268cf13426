"""Large photographs in tiles: built once, whoever asks first, and gone with the photograph."""

import io
import threading
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.cases import tiles
from portal.cases.models import SmearImage
from portal.intake import services
from smear.pyramid import TILE_SIZE, levels, tiles_of
from tests.factories import draft, photograph
from tests.portal.kinds import OnCommit, People

#: Longer than the limit, as flat as a photograph may be, and so of few pixels.
LARGE = (4200, 840)


@pytest.fixture
def large(people: People, lab: Laboratory) -> SmearImage:
    """A large photograph of a draft; nothing of its pyramid is there yet."""
    case = draft(people.submitter, lab, images=0)
    return services.add_image(people.submitter, case, photograph(size=LARGE))


def pyramid(settings: Settings) -> set[str]:
    files = Path(settings.MEDIA_ROOT).rglob("*.tiles/**/*")
    return {"/".join(path.parts[-2:]) for path in files if path.is_file()}


def expected(size: tuple[int, int]) -> set[str]:
    return {
        f"{tile.level}/{tile.column}_{tile.row}.jpg"
        for level, of_level in levels(size)
        for tile in tiles_of(level, of_level)
    }


def tile_url(image: SmearImage, level: int, column: int, row: int) -> str:
    return reverse("cases:tiles", args=[image.pk]).removesuffix(".dzi") + f"_files/{level}/{column}_{row}.jpg"


@pytest.mark.parametrize("size", [(10_000, 10_000), (5_000, 64), (513, 1)])
def test_levels_halve_down_to_one_pixel_and_their_tiles_cover_them(size: tuple[int, int]) -> None:
    found = levels(size)
    assert found[0][1] == size
    assert found[-1] == (0, (1, 1))
    assert [level for level, _size in found] == list(range(len(found) - 1, -1, -1))
    for level, (width, height) in found:
        boxes = [tile.box for tile in tiles_of(level, (width, height))]
        assert max(box[2] for box in boxes) == width
        assert max(box[3] for box in boxes) == height
        assert all(box[2] - box[0] <= TILE_SIZE + 2 for box in boxes)


@pytest.mark.django_db
def test_a_viewer_gets_descriptor_and_tiles_of_a_large_photograph(
    client: Client, large: SmearImage, people: People, settings: Settings
) -> None:
    client.force_login(people.reviewer)
    answer = client.get(reverse("cases:tiles", args=[large.pk]))
    root = ElementTree.fromstring(answer.content)
    assert answer.headers["Content-Type"] == "application/xml"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (root.get("TileSize"), root.get("Overlap"), root.get("Format")) == ("512", "1", "jpg")
    (size,) = root
    assert (size.get("Width"), size.get("Height")) == ("4200", "840")
    assert len(pyramid(settings)) == len(expected(LARGE)) + 1

    response = client.get(tile_url(large, 13, 1, 0))
    assert response.headers["Content-Type"] == "image/jpeg"
    assert "private" in response.headers["Cache-Control"]
    # Brightness, since JPEG halves the resolution of colour; a pixel beside the right place differs by 9 or more.
    shown = np.asarray(Image.open(io.BytesIO(response.getvalue())).convert("L")).astype(float)
    with large.file.open("rb") as file:
        stored = np.asarray(Image.open(file).convert("L")).astype(float)[:513, 511:1025]
    assert shown.shape == stored.shape
    assert abs(shown - stored).mean() < 4


@pytest.mark.django_db
def test_a_tile_asked_for_first_is_built_with_all_others(
    client: Client, large: SmearImage, people: People, settings: Settings
) -> None:
    client.force_login(people.reviewer)
    assert client.get(tile_url(large, 0, 0, 0)).status_code == 200
    assert len(pyramid(settings)) == len(expected(LARGE)) + 1


@pytest.mark.django_db
def test_what_is_not_there_or_not_theirs_is_not_found(
    client: Client, large: SmearImage, people: People, lab: Laboratory, settings: Settings
) -> None:
    small = draft(people.submitter, lab).images.get()
    client.force_login(people.reviewer)
    assert client.get(reverse("cases:tiles", args=[small.pk])).status_code == 404
    assert client.get(tile_url(small, 0, 0, 0)).status_code == 404
    for place in ((13, 9, 0), (13, 0, 2), (14, 0, 0)):
        assert client.get(tile_url(large, *place)).status_code == 404
    client.force_login(people.stranger)
    assert client.get(reverse("cases:tiles", args=[large.pk])).status_code == 404
    assert client.get(tile_url(large, 0, 0, 0)).status_code == 404
    assert not pyramid(settings)


@pytest.mark.django_db
def test_the_worker_builds_them_when_a_large_photograph_is_stored(
    people: People,
    lab: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    from worker.tasks import build_tiles

    sent = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task", lambda name, args, **options: sent.append((name, args))
    )
    case = draft(people.submitter, lab, images=0)
    with django_capture_on_commit_callbacks(execute=True):
        services.add_image(people.submitter, case, photograph(1))
        image = services.add_image(people.submitter, case, photograph(size=LARGE))
    assert sent == [("worker.build_tiles", [str(image.pk)])]
    build_tiles(str(image.pk))
    assert len(pyramid(settings)) == len(expected(LARGE)) + 1
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_image(people.submitter, image)
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.tiles"))
    build_tiles(str(image.pk))  # the message came twice, the second time too late


@pytest.mark.django_db
def test_a_build_that_was_cut_off_is_done_again(large: SmearImage, settings: Settings) -> None:
    tiles.ensure_tiles(large.pk)
    for path in [*Path(settings.MEDIA_ROOT).rglob("*.dzi"), *Path(settings.MEDIA_ROOT).rglob("12/*.jpg")]:
        path.unlink()
    tiles.ensure_tiles(large.pk)
    assert {name for name in pyramid(settings) if name.endswith(".jpg")} == expected(LARGE)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_share_one_build(
    large: SmearImage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    build = tiles._build

    def note_and_build(image: SmearImage) -> None:
        built.append(image.pk)
        build(image)

    monkeypatch.setattr(tiles, "_build", note_and_build)
    together = threading.Barrier(2)

    def ask() -> None:
        together.wait(10)
        try:
            tiles.ensure_tiles(large.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert built == [large.pk]
    assert {name for name in pyramid(settings) if name.endswith(".jpg")} == expected(LARGE)
