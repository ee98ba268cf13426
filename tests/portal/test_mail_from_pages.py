"""Mails that pages send themselves: invitation, password, address. The server is away, silent, refuses or is missing.

Each time nothing breaks, the page says what happened, and the mail leaves when the same is asked for again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.utils.html import escape
from pytest_django.fixtures import Settings

from portal.accounts.choices import Delivery
from portal.accounts.models import Invitation, Laboratory
from portal.mail import Failure
from tests.factories import PASSWORD
from tests.mail_server import MailServer
from tests.portal.kinds import PageResponse, People

pytestmark = pytest.mark.django_db
NEW = "nora@lab.example"
WORDS = {"away": Failure.REFUSED_CONNECTION, "silent": Failure.TIMED_OUT, "refuses": Failure.RECIPIENT}


@pytest.fixture(autouse=True)
def _no_failure_noted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@dataclass
class Fault:
    """One way in which mail does not leave, with its words; to call it brings the server back and returns it."""

    words: str
    request: pytest.FixtureRequest

    def __call__(self) -> MailServer:
        back = _mail_server(self.request)
        back.stalls.clear()
        back.refused.clear()
        return back


def _mail_server(request: pytest.FixtureRequest) -> MailServer:
    """The fixture, started when it is asked for first."""
    server = request.getfixturevalue("mail_server")
    assert isinstance(server, MailServer)
    return server


@pytest.fixture(params=WORDS)
def fault(request: pytest.FixtureRequest, settings: Settings, smtp: int, people: People) -> Fault:
    settings.EMAIL_TIMEOUT = 0.3
    if request.param == "silent":
        _mail_server(request).stalls.set()
    if request.param == "refuses":
        _mail_server(request).refused.update({NEW, people.reviewer.email})
    return Fault(str(WORDS[request.param].label), request)


def text(answer: PageResponse) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.django_db(transaction=True)  # the mail leaves when the offer is stored
def test_an_invitation_that_has_not_left_says_so_and_is_sent_again(
    client: Client, people: People, lab: Laboratory, fault: Fault
) -> None:
    client.force_login(people.lab_admin)
    invited = client.post(f"/users/{lab.slug}/invite/", {"email": NEW, "role": "reviewer"}, follow=True)
    assert invited.status_code == 200
    assert f"The e-mail to {NEW} could not be sent" in text(invited)
    offer = Invitation.objects.get()
    assert (offer.delivery, offer.state) == (Delivery.FAILED, "open")
    server = fault()
    again = client.post(f"/users/invitations/{offer.pk}/send/", follow=True)
    assert "has been sent by e-mail" in text(again)
    assert server.taken == [NEW]
    offer.refresh_from_db()
    assert offer.delivery == Delivery.MAILED


def test_a_link_for_a_password_that_has_not_left_is_not_promised(people: People, fault: Fault) -> None:
    asked = {"email": people.reviewer.email}
    refused = Client().post("/account/password/reset/", asked)
    assert refused.status_code == 503
    assert escape(fault.words) in text(refused)
    assert people.reviewer.email not in text(refused)
    server = fault()
    assert Client().post("/account/password/reset/", asked).status_code == 302
    assert server.taken == [people.reviewer.email]


def test_a_new_address_whose_mail_has_not_left_can_have_it_again(
    client: Client, people: People, fault: Fault
) -> None:
    client.force_login(people.reviewer)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    refused = client.post("/account/email/", {"action_add": "", "email": NEW})
    assert refused.status_code == 503
    assert escape(fault.words) in text(refused)
    assert "have the e-mail sent again" in text(refused)
    assert not EmailAddress.objects.get(email=NEW).verified
    people.reviewer.refresh_from_db()
    assert people.reviewer.email != NEW
    assert 'name="action_send"' in text(client.get("/account/email/"))
    server = fault()
    assert client.post("/account/email/", {"action_send": "", "email": NEW}).status_code == 302
    assert server.taken == [NEW]


def test_where_no_mail_is_set_up_no_page_promises_any(
    client: Client, people: People, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "portal.mail.NoMail"
    client.force_login(people.reviewer)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    for answer in (
        Client().post("/account/password/reset/", {"email": people.reviewer.email}),
        Client().post("/account/password/reset/", {"email": "nobody@lab.example"}),
        client.post("/account/email/", {"action_add": "", "email": NEW}),
    ):
        assert answer.status_code == 503
        assert "This installation does not send e-mail" in text(answer)
    assert EmailAddress.objects.get_verified(people.reviewer).email == people.reviewer.email
