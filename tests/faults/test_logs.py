"""No log file of a running system names a person, opens a door or repeats what somebody typed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import psycopg
import pytest
import requests

from tests.faults.bench import SUBMITTER, Bench, run_python
from tests.live import wait_for
from tests.portal_client import Browser

INVITED = "nora.logged@lab.example"
PSEUDONYM, NOTE = "P-LOGGED-0815", "Blasts in the feathered edge, zanthoryx."
WRONG = "wrong-pass-phrase-4711"
HASH = "argon2$argon2id$v=19$m=102400,t=2,p=8$bG9nZ2Vk$bG9nZ2VkLWhhc2g"
FORGED = "6.6.6.6"
#: A fault that makes the database refuse what is typed, with the whole row in what it says.
REFUSE = (
    "ALTER TABLE cases_case ADD CONSTRAINT staged CHECK (clinical_note NOT LIKE '%%zanthoryx%%') NOT VALID"
)
ALLOW = "ALTER TABLE cases_case DROP CONSTRAINT staged"
FAILING_TASK = """
import django; django.setup()
from portal.config.celery import app
app.send_task("worker.mail_notification", [%r], queue="default")
app.send_task("worker.quick_look", [%r], queue="quick")
"""


def links(mail: Path) -> list[str]:
    """The links in all mails that have been sent."""
    found: list[str] = []
    for file in mail.glob("*"):
        found += re.findall(r"https?://\S+", file.read_text().replace("=\n", "").replace("=3D", "="))
    return found


def secrets_in(links: list[str]) -> set[str]:
    """The parts of links that nobody could guess."""
    return {part for link in links for part in re.split(r"[/?]", link) if len(part) > 20}


def form(session: requests.Session, url: str, path: str, data: dict[str, str]) -> requests.Response:
    page = session.get(url + path)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    fields = {**data, "csrfmiddlewaretoken": token[1] if token else ""}
    return session.post(url + path, fields, headers={"Referer": url + path, "X-Forwarded-For": FORGED})


@pytest.fixture
def logs(bench: Bench) -> Callable[[], str]:
    """All that has been written to log files, as one text."""
    folder = bench.system.var.path / "log"

    def read() -> str:
        assert {"web", "worker", "postgres"} <= {file.stem for file in folder.iterdir()}
        return "\n".join(file.read_text(errors="replace") for file in folder.iterdir())

    return read


def sign_in_invite_and_reset(bench: Bench) -> set[str]:
    """Somebody is invited and somebody forgets a password; returns the secrets of both links."""
    url, mail = bench.system.base_url, bench.system.var.path / "mail"
    stranger = requests.Session()
    form(stranger, url, "/account/login/", {"login": SUBMITTER, "password": WRONG})
    admin = Browser(url, "labadmin@demo.example", bench.system.accounts["labadmin@demo.example"])
    token = admin._session.get(f"{url}/users/").text
    csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', token)
    assert csrf
    invite = {"email": INVITED, "role": "submitter", "csrfmiddlewaretoken": csrf[1]}
    admin._session.post(f"{url}/users/demo/invite/", invite, headers={"Referer": f"{url}/users/"})
    form(stranger, url, "/account/password/reset/", {"email": SUBMITTER})
    wait_for(lambda: len(secrets_in(links(mail))) >= 2, "both mails", 30)
    found = links(mail)
    for link in found:
        stranger.get(link, headers={"X-Forwarded-For": FORGED})
        stranger.get(link.rstrip("/") + "oops/")
        stranger.post(link, {"full_name": "Nora Logged", "password": WRONG})
        stranger.get(f"{url}/account/login/", params={"next": link, "email": INVITED})
    return secrets_in(found)


def test_no_log_names_a_person_a_secret_or_a_typed_text(bench: Bench, logs: Callable[[], str]) -> None:
    url = bench.system.base_url
    secrets = sign_in_invite_and_reset(bench)
    assert len(secrets) >= 2

    browser = bench.browser()
    browser._session.get(f"{url}/cases/", params={"q": PSEUDONYM})
    browser._session.get(f"{url}/cases/{PSEUDONYM}/{INVITED}/")
    bench.rows(REFUSE)
    try:
        with pytest.raises(requests.HTTPError, match="500"):
            browser._post(
                "/cases/new/",
                {
                    "patient_pseudonym": PSEUDONYM,
                    "specimen": "bone_marrow",
                    "clinical_note": NOTE,
                    **_new(browser, url),
                },
            )
    finally:
        bench.rows(ALLOW)
    insert = "INSERT INTO accounts_user SELECT (jsonb_populate_record(u, %s)).* FROM accounts_user u WHERE email = %s"
    with pytest.raises(psycopg.errors.UniqueViolation, match=SUBMITTER):
        bench.rows(insert, json.dumps({"id": -1, "password": HASH}), SUBMITTER)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        bench.rows(f"SELECT nothing FROM accounts_user WHERE password = '{HASH}'")
    failed = run_python(bench.system, "-c", FAILING_TASK % (INVITED, PSEUDONYM))
    assert failed.returncode == 0, failed.stderr
    wait_for(lambda: logs().count("raised unexpected") >= 2, "the tasks to fail", 30)

    text = logs()
    # The faults are told, each by its place and kind.
    for told in (
        "request_failed",
        "CheckViolation: 23514",
        "duplicate key value",
        "[accounts:",
        "does not exist",
    ):
        assert told in text, told
    people = {INVITED, "Nora Logged", *bench.system.accounts}
    typed = {PSEUDONYM, NOTE, "zanthoryx", WRONG, HASH, "bG9nZ2Vk", FORGED, *bench.system.accounts.values()}
    cookies = set(browser._session.cookies.values())
    found = {secret for secret in people | typed | secrets | cookies if unescape(secret) in text}
    assert not found, [line for line in text.splitlines() if any(secret in line for secret in found)][:20]


def _new(browser: Browser, url: str) -> dict[str, str]:
    """The hidden and chosen fields of the form of a new case."""
    page = browser._session.get(f"{url}/cases/new/").text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {"priority": "routine", **{name: value for name, value in hidden if name != "csrfmiddlewaretoken"}}
