"""Whatever is sent to any address, in query, path, header, cookie or body: never a 500, and below /api/ a problem."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.accounts.tokens import issue_token
from portal.annotations.models import Marker
from portal.annotations.services import add_marker
from portal.cases.models import Case, SmearImage
from portal.desk.filters import CaseFilter
from portal.inference.models import ModelVersion
from portal.insights.conditions import Conditions
from tests.documents import Document
from tests.factories import analysed, draft, member
from tests.portal.kinds import present

# A walk over every address asks no line in particular, and counting lines costs a quarter of its time.
pytestmark = pytest.mark.no_cover

HUGE = "9" * 30
#: Values for a parameter, a part of a path, a field: percent-encoded as they go over the wire.
HOSTILE = [
    "%E2%80%AE%C2%85",
    "-1",
    HUGE,
    "-" + "1" * 5000,
    "1e999",
    "0001-01-01",
    "9999-12-31",
    "%D9%A3",
    "%27%22%5C%3B--",
    "x" * 3000,
]
#: What stands for a part of a path; most converters turn most of it away.
PARTS = [
    "%00",
    "%FF%FE",
    "%0A%E2%80%AE",
    "-1",
    "0",
    HUGE,
    "1" * 5000,
    "x" * 3000,
    "00000000-0000-4000-8000-000000000000",
]
#: Every name that some page, form or endpoint reads.
NAMES = (
    *"q stage state priority specimen stain filed_from filed_to mine assigned claimed_by laboratory sort".split(),  # noqa: SIM905 - a list of words
    *"page page_size per_page ordering format lang version label open hash next from to model change".split(),  # noqa: SIM905 - a list of words
    *"reader pair week least step first second diagnosis refer submitted v o p id__exact email key role".split(),  # noqa: SIM905 - a list of words
    *"person upto case name query x y note comment reason missing secret seconds confidence".split(),  # noqa: SIM905 - a list of words
    *"patient_pseudonym clinical_note microns_per_pixel accession full_name password password1 login code".split(),  # noqa: SIM905 - a list of words
    *"language mail keys csrfmiddlewaretoken then images file".split(),  # noqa: SIM905 - a list of words
)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
SURROGATE = '"\\ud800"'
#: Bodies with the type that is said of them.
BODIES: list[tuple[str, bytes]] = [
    (FORM, "&".join(f"{name}=a%00b" for name in NAMES).encode()),
    (FORM, "&".join(f"{name}=%FF%E2%80%AE" for name in NAMES).encode()),
    (FORM, "&".join(f"{name}={HUGE}" for name in NAMES).encode()),
    (FORM, "&".join(f"{name}=-1&{name}=NaN" for name in NAMES).encode()),
    (FORM, b"&".join(b"a%d=1" % number for number in range(1100))),
    (f"{FORM}; charset=utf-16", "name=x".encode("utf-16")),
    (f"{FORM}; charset=rot13", b"name=x"),
    (f"{FORM}; charset=unicode_escape", b"name=\\ud800"),
    ("multipart/form-data", b"no boundary"),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nbroken off',
    ),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00\xff\xe2\x80\xae/..\\b"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--b\r\n"
        b'Content-Disposition: form-data; name="name"\r\n\r\n\x00\xff\r\n--b--\r\n',
    ),
    (
        "multipart/form-data; boundary=b; charset=rot13",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n',
    ),
    ("multipart/form-data; boundary=\xff", b"--b"),
    (JSON, b"{"),
    (JSON, b"[]"),
    (JSON, b"null"),
    (JSON, b"\xef\xbb\xbf{}"),
    (JSON, "{}".encode("utf-16")),
    (JSON, b"[" * 100_000),
    (JSON, b'{"label": ' + b"[" * 200 + b"]" * 200 + b"}"),
    (JSON, b'{"label": "Pre", "label": "Pro"}'),
    (JSON, b'{"\xff": 1}'),
    *(
        (JSON, ("{" + ", ".join(f'"{name}": {value}' for name in NAMES) + "}").encode())
        for value in (
            SURROGATE,
            '"a\\u0000b"',
            "9" * 400,
            "1e999",
            "NaN",
            "-Infinity",
            "[]",
            '{"\\ud800": 1}',
            "true",
        )
    ),
    (JSON, ('{"images": {' + SURROGATE + ': "Pre"}, "label": "Pre", "confidence": "high"}').encode()),
    (f"{JSON}; charset=rot13", b"{}"),
    (f"{JSON}; charset=utf-16", "{}".encode("utf-16")),
    ("text/plain", b"\x00"),
    ("\x00/\xff", b"x"),
]
HEADERS: list[Document] = [
    {"HTTP_ACCEPT_LANGUAGE": "\x00,\xff;q=1e999," + "x" * 600},
    {"HTTP_COOKIE": 'sessionid="\\000\\777"; csrftoken="\\000"; django_language="\\000"; messages="\\000"'},
    {"HTTP_COOKIE": "sessionid=\xff\xfe; django_language=../../x; messages=xx:yy"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://[", "HTTP_HX_TARGET": "\x00"},
    {
        "HTTP_HX_REQUEST": "true",
        "HTTP_HX_CURRENT_URL": "%FF%00",
        "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": "true",
    },
    {"HTTP_IF_NONE_MATCH": "\x00", "HTTP_IF_MODIFIED_SINCE": "Fri, 31 Dec 99999 99:99:99 GMT"},
    {"HTTP_RANGE": "bytes=-1-", "HTTP_ACCEPT": "\x00/*;q=x"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\x00"},
    {"HTTP_AUTHORIZATION": "Bearer " + "a" * 5000},
    {"HTTP_HOST": "\x00evil"},
    {"HTTP_ORIGIN": "http://[", "HTTP_REFERER": "http://["},
    {"HTTP_X_FORWARDED_FOR": "\x00, 999.999.1.1"},
]
COMBINED = ("%00", "-1", HUGE, "9999-12-31", "x" * 3000)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE")


@dataclass
class World:
    """What is there at the addresses, and who asks: an administrator, a reviewer, one who may do everything."""

    people: list[User]
    case: Case
    image: SmearImage
    draft: Case
    marker: Marker


@pytest.fixture
def world(db: None, lab: Laboratory, model: ModelVersion) -> World:
    admin = member(lab, Role.LAB_ADMIN)
    reviewer = member(lab, Role.REVIEWER)
    chief = member(lab, Role.LAB_ADMIN)
    chief.is_staff = chief.is_superuser = True
    chief.save()
    case = analysed(reviewer, lab)
    image = present(case.images.first())
    return World(
        people=[admin, reviewer, chief],
        case=case,
        image=image,
        draft=draft(reviewer, lab),
        marker=add_marker(reviewer, image, x=0.5, y=0.5),
    )


def _routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    """Every route of the project."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern).removeprefix("^").removesuffix("$")
        if isinstance(entry, URLResolver):
            yield from _routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def _paths(world: World, *, real: bool) -> list[str]:
    """An address for each route: with what is there for each converter, or one for each hostile value."""
    found: list[str] = []
    place = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>[^)]*\)(?:\[[^]]*\])?\)*[*+]?")
    for route in _routes():
        places = list(place.finditer(route))
        if real or not places:
            found.append("/" + place.sub(partial(_real, world, route), route).replace("\\", ""))
            continue
        for value in PARTS:
            found.append("/" + place.sub(lambda _one: value, route).replace("\\", ""))  # noqa: B023 - used at once
    return [path.replace("(?:", "").replace("?", "") for path in dict.fromkeys(found)]


def _real(world: World, route: str, one: re.Match[str]) -> str:
    kind, name = one[1], one[2] or one[3]
    if kind == "uuid":
        if "marker" in route:
            return str(world.marker.pk)
        is_image = name == "image_id" or any(
            word in route for word in ("photograph", "thumbnail", "tile", "heat")
        )
        return str(world.image.pk if is_image else world.case.pk)
    return {"slug": world.case.laboratory.slug, "label": "Pre", "sha256": "0" * 64, "int": "1"}.get(name, "1")


#: A browser of a person, and the token of theirs, as it stands in the environment of a request.
Asker = tuple[Client, Document]


class Walk:
    """Sends requests and notes what broke."""

    def __init__(self, world: World) -> None:
        self.broke: list[str] = []
        self.count = 0
        self.clients: list[Asker] = []
        for person in world.people:
            client = Client(raise_request_exception=False)
            client.force_login(person)
            self.clients.append((client, {"HTTP_AUTHORIZATION": f"Bearer {issue_token(person)[1]}"}))
        self.reviewer, self.chief = self.clients[1], self.clients[2]

    def takes(self, method: str, path: str) -> bool:
        client, token = self.reviewer
        with transaction.atomic():
            response = client.generic(method, path, b"{}", content_type=JSON, **token)
            transaction.set_rollback(True)
        return response.status_code not in (404, 405)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "",
        *,
        by: Asker | None = None,
        **headers: str,
    ) -> None:
        client, token = by or self.reviewer
        api = path.startswith("/api/")
        route, _mark, query = path.partition("?")
        extra: Document = {"QUERY_STRING": query, **(token if api else {}), **headers}
        self.count += 1
        with transaction.atomic():
            response = client.generic(method, route, body, content_type=kind, **extra)
            transaction.set_rollback(True)
        shown = f"{method} {path[:120]} {kind} {body[:60]!r} {headers or ''}"
        if response.status_code >= 500:
            self.broke.append(f"{response.status_code} {shown}")
        elif api and response.status_code >= 400 and response["Content-Type"] != "application/problem+json":
            self.broke.append(f"{response.status_code} {response['Content-Type']} {shown}")


@pytest.fixture(scope="module")
def document() -> Document:
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", stdout=out)
    document: Document = json.loads(out.getvalue())
    return document


@pytest.fixture
def walk(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    for throttle in ("PersonThrottle", "AnonymousThrottle"):
        monkeypatch.setattr(f"portal.api.framework.{throttle}.rate", None, raising=False)
    walker = Walk(world)
    yield walker
    assert not walker.broke, "\n".join([f"{len(walker.broke)} of {walker.count}", *walker.broke[:60]])


def test_the_walk_knows_every_route(world: World) -> None:
    assert len(_paths(world, real=True)) > 90


def test_queries(walk: Walk, world: World) -> None:
    for path in _paths(world, real=True):
        api = path.startswith("/api/")
        for value in ("%00", "%FF%FE", "%ED%A0%80") if api else COMBINED:
            # One value for every name at once: on most pages that finds what each by itself would.
            walk.send("GET", f"{path}?" + "&".join(f"{name}={value}" for name in NAMES))
        walk.send("GET", f"{path}?" + "&".join(f"a{number}=1" for number in range(1100)))


def test_each_parameter_by_itself(walk: Walk, document: Document) -> None:
    """Where lists are narrowed one value that is refused hides the next."""
    pages = {
        "/cases/": [*CaseFilter.base_filters, "sort", "page", "per_page"],
        "/cases/csv/": [*CaseFilter.base_filters],
        "/insights/": ["laboratory", "from", "to", "version"],
        "/insights/cases/": [
            "laboratory",
            "from",
            "to",
            "version",
            "page",
            *(one.name for one in fields(Conditions)),
        ],
        "/users/": ["laboratory"],
        "/laboratory/reading/": ["laboratory"],
        "/notifications/": ["page"],
        "/alerts/": ["page"],
        "/reports/verify/": ["hash"],
    }
    for path, methods in document["paths"].items():
        named = [one["name"] for one in methods.get("get", {}).get("parameters", []) if one["in"] == "query"]
        if named and "{" not in path:
            pages[path] = named
    assert len(pages) >= 12
    for path, names in pages.items():
        for name in names:
            for value in HOSTILE:
                walk.send("GET", f"{path}?{name}={value}")


def test_paths(walk: Walk, world: World) -> None:
    for path in _paths(world, real=False):
        walk.send("GET", path, by=walk.chief)


def test_bodies(walk: Walk, world: World) -> None:
    for path in _paths(world, real=True):
        for method in ("POST", "PUT", "PATCH"):
            if not walk.takes(method, path):
                continue
            reads_json = path.startswith("/api/") or "marker" in path
            for kind, body in BODIES:
                if reads_json or not kind.startswith(JSON):
                    walk.send(method, path, body, kind)


def test_headers_and_methods(walk: Walk, world: World) -> None:
    paths = _paths(world, real=True)
    for path in (
        "/cases/",
        "/insights/",
        "/api/v1/cases/",
        "/account/login/",
        "/health/live",
        f"/cases/{world.case.pk}/",
    ):
        for headers in HEADERS:
            walk.send("GET", path, **headers)
    for path in paths:
        for method in METHODS:
            walk.send(method, path)
