"""Markers on a photograph: who puts, changes and sees them, and when no longer."""

import json
from datetime import datetime

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.annotations import services
from portal.annotations.models import Marker
from portal.annotations.selectors import marker_record, markers_for
from portal.cases.models import Case, SmearImage
from portal.errors import Gone, Invalid, NotAllowed, WrongState
from portal.inference.models import ModelVersion
from portal.intake import services as cases
from tests.documents import Document
from tests.factories import analysed, claimed, draft, member, read, signed
from tests.portal.kinds import PageResponse, People

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    """A case that awaits its read, with one photograph and a scale."""
    return analysed(people.submitter, lab, microns_per_pixel=0.065)


@pytest.fixture
def image(case: Case) -> SmearImage:
    return case.images.get()


def notes(user: User, image: SmearImage) -> list[str]:
    # Asked as a request does: nothing remembered from before.
    fresh = type(image).objects.get(pk=image.pk)
    return [marker.note for marker in markers_for(type(user).objects.get(pk=user.pk), fresh)]


def put(user: User, image: SmearImage, note: str = "look here") -> Marker:
    return services.add_marker(user, image, x=0.25, y=0.5, note=note)


def test_only_its_author_changes_or_removes_a_marker(people: People, image: SmearImage) -> None:
    marker = put(people.submitter, image)
    moved = services.change_marker(people.submitter, marker, x=1)
    assert (moved.x, moved.y, moved.note) == (1, 0.5, "look here")
    for change in (
        lambda: services.change_marker(people.reviewer, marker, note="mine now"),
        lambda: services.remove_marker(people.lab_admin, marker),
        lambda: put(people.stranger, image),
    ):
        with pytest.raises(NotAllowed):
            change()
    services.remove_marker(people.submitter, marker)
    assert notes(people.submitter, image) == []
    with pytest.raises(Gone):
        services.change_marker(people.submitter, marker, note="back")
    told = apps.get_model("annotations", "MarkerEvent")._default_manager.filter(pgh_obj=marker.pk)
    assert [event.removed_at is None for event in told.order_by("pgh_id")] == [True, True, False]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"x": -0.01, "y": 0}, "x"),
        ({"x": 0, "y": 1.01}, "y"),
        ({"x": float("nan"), "y": 0}, "x"),
        ({"x": 0, "y": 0, "note": "x" * 501}, "note"),
    ],
)
def test_what_cannot_be_a_marker_is_refused_by_field(
    people: People, image: SmearImage, place: Document, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        services.add_marker(people.submitter, image, **place)
    assert refused.value.field == field
    assert not Marker.objects.exists()


def test_a_readers_markers_are_as_blind_as_the_readers_answer(
    people: People, lab: Laboratory, case: Case, image: SmearImage
) -> None:
    other = member(lab, Role.REVIEWER)
    put(people.submitter, image, "by the submitter")
    put(people.reviewer, image, "by the reader")
    assert notes(people.reviewer, image) == ["by the submitter", "by the reader"]
    for blind in (other, people.submitter, people.lab_admin):
        assert notes(blind, image) == ["by the submitter"]
    # Who no longer reads has been a reader when the marker was put.
    people.reviewer.memberships.update(role=Role.SUBMITTER)
    assert notes(other, image) == ["by the submitter"]
    people.reviewer.memberships.update(role=Role.REVIEWER)
    read(other, case)
    assert notes(other, image) == ["by the submitter", "by the reader"]
    assert notes(people.lab_admin, image) == ["by the submitter"]


def test_after_signing_everybody_sees_them_and_nobody_changes_them(
    people: People, lab: Laboratory, case: Case, image: SmearImage
) -> None:
    other = member(lab, Role.REVIEWER)
    claimed(people.reviewer, case)
    marker = put(people.reviewer, image, "blast")
    signed(people.reviewer, case)
    assert notes(other, image) == notes(people.submitter, image) == ["blast"]
    for change in (
        lambda: put(people.reviewer, image),
        lambda: services.change_marker(people.reviewer, marker, note="other"),
        lambda: services.remove_marker(people.reviewer, marker),
    ):
        with pytest.raises(WrongState, match="can no longer be changed"):
            change()
    (row,) = marker_record(case)
    assert row == {
        "position": 1,
        "x": 0.25,
        "y": 0.5,
        "note": "blast",
        "author": people.reviewer.full_name,
        "at": marker.created_at.isoformat(),
    }


def test_a_cancelled_case_takes_none(people: People, case: Case, image: SmearImage) -> None:
    cases.cancel(people.submitter, case)
    with pytest.raises(WrongState):
        put(people.submitter, image)


def test_markers_go_with_the_photograph_of_a_draft(people: People, lab: Laboratory) -> None:
    image = draft(people.submitter, lab).images.get()
    put(people.submitter, image)
    cases.remove_image(people.submitter, image)
    assert not Marker.objects.exists()


def test_one_person_cannot_cover_a_photograph(
    people: People, image: SmearImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_MARKERS", 2)
    put(people.submitter, image)
    services.remove_marker(people.submitter, put(people.submitter, image))
    put(people.submitter, image)
    with pytest.raises(Invalid, match="at most 2"):
        put(people.submitter, image)
    put(people.reviewer, image)


# --- Addresses


def ask(client: Client, method: str, url: str, body: object = None) -> PageResponse:
    return client.generic(
        method, url, json.dumps(body), content_type="application/json", headers={"Accept": "application/json"}
    )


def test_the_viewer_puts_changes_lists_and_removes(client: Client, people: People, image: SmearImage) -> None:
    client.force_login(people.reviewer)
    url = reverse("annotations:markers", args=[image.pk])
    added = ask(client, "POST", url, {"x": 0.5, "y": 1, "note": " blast? "})
    assert added.status_code == 201
    marker = added.json()
    assert marker == {
        "id": marker["id"],
        "x": 0.5,
        "y": 1.0,
        "note": "blast?",
        "author": people.reviewer.full_name,
        "mine": True,
        "created_at": marker["created_at"],
        "created_in_words": date_format(
            localtime(datetime.fromisoformat(marker["created_at"])), "DATETIME_FORMAT"
        ),
    }
    one = reverse("annotations:marker", args=[marker["id"]])
    changed = ask(client, "PATCH", one, {"note": "blast"})
    assert (changed.status_code, changed.json()) == (200, marker | {"note": "blast"})
    assert ask(client, "GET", url).json() == {
        "markers": [marker | {"note": "blast"}],
        "microns_per_pixel": 0.065,
    }
    assert ask(client, "DELETE", one).status_code == 204
    assert ask(client, "GET", url).json()["markers"] == []


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"x": 0.5}, {"x": "0.5", "y": 0}, {"x": True, "y": 0}, {"x": 0, "y": 0, "author": 1}],
)
def test_what_is_no_marker_is_refused_in_words(
    client: Client, people: People, image: SmearImage, body: object
) -> None:
    client.force_login(people.reviewer)
    answer = ask(client, "POST", reverse("annotations:markers", args=[image.pk]), body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_what_one_may_not_see_is_not_there(
    client: Client, people: People, lab: Laboratory, image: SmearImage
) -> None:
    hidden = reverse("annotations:marker", args=[put(people.reviewer, image).pk])
    open_to_all = reverse("annotations:marker", args=[put(people.submitter, image).pk])
    client.force_login(member(lab, Role.REVIEWER))
    assert ask(client, "PATCH", hidden, {"note": "x"}).status_code == 404
    refused = ask(client, "DELETE", open_to_all)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    client.force_login(people.stranger)
    assert ask(client, "GET", reverse("annotations:markers", args=[image.pk])).status_code == 404
    assert ask(client, "DELETE", open_to_all).status_code == 404
    client.logout()
    assert ask(client, "DELETE", open_to_all).status_code == 401


def test_the_film_strip_tells_the_viewer_where_to_ask(
    client: Client, people: People, case: Case, image: SmearImage
) -> None:
    client.force_login(people.submitter)
    shown = client.get(reverse("cases:detail", args=[case.pk])).content.decode()
    assert f'data-markers-url="{reverse("annotations:markers", args=[image.pk])}"' in shown
    assert 'data-microns-per-pixel="0.065"' in shown
    assert 'data-tiles-url=""' in shown
    type(image).objects.update(width=5000)
    shown = client.get(reverse("cases:detail", args=[case.pk])).content.decode()
    assert f'data-tiles-url="{reverse("cases:tiles", args=[image.pk])}"' in shown
