"""Every address of the project with something to fetch there. A new address that is not named here fails a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from smear.classes import CLASSES
from tests.documents import Document

CASE, IMAGE, LOOK = [{"pk": "case"}], [{"pk": "image"}], [{"pk": "unknown"}]
API_CASE, API_IMAGE = [{"case_id": "case"}], [{"case_id": "case", "image_id": "image"}]


def _each(prefix: str, names: str, arguments: list[Document]) -> dict[str, list[Document]]:
    return {f"{prefix}{name}": arguments for name in names.split()}


#: The arguments of each address that takes some: names of attributes of ``World``, or values as they are.
ARGUMENTS: dict[str, list[Document]] = {
    **_each("cases:", "detail edit live cancel add_image", CASE),
    **_each("cases:", "photograph thumbnail tiles remove_image", IMAGE),
    "cases:tile": [{"pk": "image", "level": 8, "column": 0, "row": 0}],
    "cases:heat_map": [
        {"pk": image, "label": label} for image in ("image", "image_two") for label in CLASSES
    ],
    "cases:forget_filter": [{"pk": 1}],
    **_each("inference:quick_look_", "result live photograph discard make_case", LOOK),
    "inference:quick_look_heat_map": [{"pk": "unknown", "label": "Pre"}],
    **_each("reading:", "claim take_over keep release read conclude adjudicate return", CASE),
    **_each("reports:", "diagnosis sign amend pdf fhir content", CASE),
    "tokens:revoke": [{"public_id": "unknown"}],
    "verify:hash": [{"sha256": "0" * 64}],
    "annotations:markers": IMAGE,
    "annotations:marker": [{"pk": "marker"}],
    **_each("alerts:", "acknowledge hand_over mail_again", [{"pk": 1}]),
    "notifications:open": [{"pk": "notification"}],
    "models:version": [{"name": "leukemia_vgg16", "number": 1}],
    "accounts:invite": [{"slug": "lab"}],
    **_each(
        "accounts:", "revoke_invitation send_invitation_again set_role deactivate reactivate", [{"pk": 1}]
    ),
    "accounts:accept_invitation": [{"token": "unknown"}],
    "api:reading-policy": [{"slug": "lab"}],
    "api:case": API_CASE,
    **_each("api:case-", "submit claim release take-over reads conclusion adjudication return", API_CASE),
    **_each("api:case-", "sign amend reports", API_CASE),
    "api:images": API_CASE,
    **_each("api:report-", "pdf fhir content", API_CASE),
    "api:report-verify": [{"sha256": "0" * 64}],
    **_each("api:image", " -file -thumbnail", API_IMAGE),
    "api:image": API_IMAGE,
    "api:image-activation-map": API_IMAGE,
    "api:alert-acknowledge": [{"alert_id": 1}],
    "api:unknown": [{"rest": "cases/nothing/"}],
}

#: What else can be asked at an address; words that are searched for come back in the answer.
QUERIES: dict[str, list[str]] = {
    "cases:worklist": [
        *("q=zanthoryx", "q=quibblefex", "q=Pre", "q=Benign", "q=refer", "q=P-0815"),
        *("stage=reading", "stage=adjudication", "stage=mine", "mine=true"),
        *("sort=label", "sort=-prediction", "sort=state", "sort=-created_at"),
    ],
    "insights:cases": [
        "model=Pre",
        "refer=yes",
        "change=differed",
        "submitted=yes",
        "submitted=yes&model=Pre",
    ],
    "reports:csv": ["q=zanthoryx", "q=Benign", "stage=reading"],
    "cases:live": ["v=x-y"],
    "api:cases": ["q=zanthoryx", "q=quibblefex", "q=Benign", "ordering=reads", "state=in_reading"],
    "api:cases-csv": ["q=quibblefex", "state=in_reading"],
    "api:image-activation-map": [f"label={label}" for label in CLASSES],
}

#: What shows no case of itself: walked at one stage, at which news waits for the reader.
WITHOUT_A_CASE = (
    *("account_", "mfa_", "accounts:", "preferences:", "tokens:", "models:", "verify:", "health:"),
    *(
        "api:schema",
        "api:me",
        "api:models",
        "api:reading-policy",
        "api:report-verify",
        "api:unknown",
        "api:alert",
        "alerts:",
    ),
)
#: Taking an adjudication in hand shows both answers: that is what it is taken for.
TAKING = ("api:case-claim", "api:case-take-over")

#: Addresses that are not walked, and why. A reader is no member of the staff: see the test of the administration.
EXEMPT = {
    "admin": "for the staff only",
    "account_confirm_email": "takes a key from a mail, shows nothing of a case",
    "account_reset_password_from_key": "takes a key from a mail, shows nothing of a case",
    "account_logout": "would end the walk",
    "health:ready": "says how the parts are and how long each took to answer; knows no case",
}


@dataclass(frozen=True)
class Address:
    """One thing to fetch. ``echoes``: what was asked for comes back in the answer."""

    name: str
    path: str
    echoes: bool = False

    @property
    def is_api(self) -> bool:
        return self.name.startswith("api:")

    @property
    def is_without_a_case(self) -> bool:
        return self.name.startswith(WITHOUT_A_CASE)


def patterns(
    resolver: URLResolver | None = None, namespaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern with its qualified name."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, (*namespaces, *([entry.namespace] if entry.namespace else [])))
        elif isinstance(entry, URLPattern):
            yield ":".join((*namespaces, entry.name or f"unnamed {entry.pattern}")), entry


def takes_arguments(entry: URLPattern) -> bool:
    return bool(entry.pattern.converters or entry.pattern.regex.groupindex)


def is_exempt(name: str) -> bool:
    return name in EXEMPT or name.split(":")[0] in EXEMPT


def addresses(world: object) -> list[Address]:
    """Every address, with the things of a world for its arguments."""
    found = []
    for name, pattern in patterns():
        if is_exempt(name):
            continue
        for arguments in ARGUMENTS.get(name, []) if takes_arguments(pattern) else [{}]:
            path = reverse(name, kwargs={key: _value(world, value) for key, value in arguments.items()})
            found.append(Address(name, path))
            found += [Address(name, f"{path}?{query}", "q=" in query) for query in QUERIES.get(name, [])]
    return found


def _value(world: object, value: object) -> object:
    thing = getattr(world, value, value) if isinstance(value, str) else value
    return getattr(thing, "pk", thing)
