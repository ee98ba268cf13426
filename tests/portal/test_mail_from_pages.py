"""Mails that pages send themselves: invitation, password, address. The server is away, silent, refuses or is missing.

Each time nothing breaks, the page says what happened, and the mail leaves when the same is asked for again.
"""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.utils.html import escape

from portal.accounts.choices import Delivery
from portal.accounts.models import Invitation
from portal.mail import Failure
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "nora@lab.example"
WORDS = {"away": Failure.REFUSED_CONNECTION, "silent": Failure.TIMED_OUT, "refuses": Failure.RECIPIENT}


@pytest.fixture(autouse=True)
def _no_failure_noted():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(params=WORDS)
def fault(request, settings, smtp, people):
    """One way in which mail does not leave; ``mend()`` brings the server back and returns it."""
    settings.EMAIL_TIMEOUT = 0.3
    server = None
    if request.param != "away":
        server = request.getfixturevalue("mail_server")
    if request.param == "silent":
        server.stalls.set()
    if request.param == "refuses":
        server.refused |= {NEW, people.reviewer.email}

    def mend():
        back = request.getfixturevalue("mail_server")
        back.stalls.clear()
        back.refused.clear()
        return back

    mend.words = str(WORDS[request.param].label)
    return mend


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.django_db(transaction=True)  # the mail leaves when the offer is stored
def test_an_invitation_that_has_not_left_says_so_and_is_sent_again(client, people, lab, fault):
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


def test_a_link_for_a_password_that_has_not_left_is_not_promised(people, fault):
    asked = {"email": people.reviewer.email}
    refused = Client().post("/account/password/reset/", asked)
    assert refused.status_code == 503
    assert escape(fault.words) in text(refused)
    assert people.reviewer.email not in text(refused)
    server = fault()
    assert Client().post("/account/password/reset/", asked).status_code == 302
    assert server.taken == [people.reviewer.email]


def test_a_new_address_whose_mail_has_not_left_can_have_it_again(client, people, fault):
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


def test_where_no_mail_is_set_up_no_page_promises_any(client, people, settings):
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
