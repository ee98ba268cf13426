"""Django's administration: closed by default, behind the portal's own sign-in, and empty of everything clinical."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from portal.accounts.admin import site
from portal.accounts.models import Laboratory, Membership, User
from portal.inference.models import ModelVersion
from tests.factories import PASSWORD, UserFactory, analysed, signed
from tests.portal.kinds import PageResponse, People, present

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ADMIN = "/django-admin/"
TURNED_ON = pytest.mark.urls("tests.portal.urls_with_administration")
#: Whatever is added to the administration is thought about here first.
ALLOWED = {Laboratory, User, Membership}


@pytest.fixture
def chief(db: None) -> User:
    return UserFactory.create(is_staff=True, is_superuser=True)


@pytest.fixture
def inside(client: Client, chief: User) -> Client:
    """A browser of the operator, signed in with both factors through the portal's pages."""
    TOTP.activate(chief, SECRET)
    sign_in(client, chief.email)
    assert client.get(ADMIN).status_code == 302
    answered = client.post("/account/2fa/authenticate/", {"code": code()})
    assert answered["Location"] == ADMIN
    return client


def code() -> str:
    return str(format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time())))))


def sign_in(client: Client, email: str, password: str = PASSWORD) -> PageResponse:
    entered = {"login": email, "password": password, "next": ADMIN}
    return client.post("/account/login/", entered)


def test_it_is_off_unless_a_setting_turns_it_on(client: Client, chief: User) -> None:
    client.force_login(chief)
    assert client.get(ADMIN).status_code == 404
    assert client.get(f"{ADMIN}login/").status_code == 404


def test_what_is_in_it_is_allowed() -> None:
    assert set(site._registry) == ALLOWED
    for model, shown in site._registry.items():
        assert not shown.inlines, model
        assert not shown.autocomplete_fields, model


@TURNED_ON
def test_its_sign_in_is_the_portals(client: Client, chief: User) -> None:
    """Forty wrong passwords, then the right one: neither at its own address nor at the portal's."""
    for number in range(40):
        entered = {"username": chief.email, "password": f"wrong {number}"}
        answered = client.post(f"{ADMIN}login/", entered)
        assert answered["Location"].startswith("/account/login/")
        sign_in(client, chief.email, f"wrong {number}")
    right = client.post(f"{ADMIN}login/", {"username": chief.email, "password": PASSWORD})
    assert right["Location"].startswith("/account/login/")
    assert sign_in(client, chief.email).status_code == 429
    assert "_auth_user_id" not in client.session
    assert client.get(ADMIN)["Location"] == f"/account/login/?next={ADMIN}"


@TURNED_ON
def test_staff_without_a_second_factor_are_sent_to_set_one_up(client: Client, chief: User) -> None:
    assert sign_in(client, chief.email)["Location"] == ADMIN
    page = client.get(ADMIN, follow=True)
    assert page.redirect_chain[-1][0] == "/account/2fa/"
    assert "second factor" in page.content.decode()
    # One that this session has not used is not enough either.
    TOTP.activate(chief, SECRET)
    page = client.get(f"{ADMIN}accounts/user/", follow=True)
    assert "/account/2fa/reauthenticate/" in page.redirect_chain[-1][0]
    answered = client.post(page.redirect_chain[-1][0], {"code": code()})
    assert answered["Location"] == f"{ADMIN}accounts/user/"
    assert client.get(answered["Location"]).status_code == 200
    # Nor one that is gone.
    Authenticator.objects.filter(user=chief).delete()
    assert client.get(ADMIN).status_code == 302


@TURNED_ON
def test_nobody_else_comes_in(client: Client, people: People) -> None:
    TOTP.activate(people.lab_admin, SECRET)
    sign_in(client, people.lab_admin.email)
    client.post("/account/2fa/authenticate/", {"code": code()})
    assert client.get(ADMIN, follow=True).status_code == 403
    assert client.get(f"{ADMIN}accounts/user/", follow=True).status_code == 403


@TURNED_ON
def test_nothing_clinical_is_found_in_it(
    inside: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = signed(people.reviewer, analysed(people.submitter, lab, patient_pseudonym="Zanthoryx"))
    pages = [ADMIN, f"{ADMIN}accounts/user/?q=person"]
    for model_class, row in (
        (Laboratory, lab),
        (User, people.reviewer),
        (Membership, Membership.objects.first()),
    ):
        name = model_class._meta.model_name
        pages += [
            f"{ADMIN}accounts/{name}/",
            *(f"{ADMIN}accounts/{name}/{present(row).pk}/{page}/" for page in ("change", "history")),
        ]
    for path in pages:
        page = inside.get(path)
        assert page.status_code == 200, path
        text = page.content.decode()
        for secret in ("Zanthoryx", case.accession, str(case.pk)):
            assert secret not in text, path
    for closed in ("cases/case", "inference/prediction", "reading/read", "mfa/authenticator"):
        assert inside.get(f"{ADMIN}{closed}/").status_code == 404
    related = {"app_label": "cases", "model_name": "case", "field_name": "laboratory", "term": "Z"}
    assert inside.get(f"{ADMIN}autocomplete/", related).status_code in (403, 404)
    lookups = (
        "case__patient_pseudonym__startswith=Z",
        "laboratory__case__state=reported",
        "password__startswith=a",
    )
    for lookup in lookups:
        for name in ("laboratory", "user", "membership"):
            assert inside.get(f"{ADMIN}accounts/{name}/?{lookup}").status_code in (302, 400), lookup


@TURNED_ON
@pytest.mark.parametrize(
    "page", ["accounts/laboratory/{lab}/delete/", "accounts/membership/add/", "accounts/user/add/"]
)
def test_rows_are_neither_made_nor_deleted(inside: Client, lab: Laboratory, page: str) -> None:
    assert inside.get(ADMIN + page.format(lab=lab.pk)).status_code == 403
    assert inside.post(ADMIN + page.format(lab=lab.pk), {"post": "yes"}).status_code == 403


@TURNED_ON
def test_the_operator_names_another(inside: Client, people: People) -> None:
    path = f"{ADMIN}accounts/user/{people.reviewer.pk}/change/"
    entered = {"full_name": "Rosa Reviewer", "is_staff": "on", "is_superuser": "on", "email": "x@y.example"}
    assert inside.post(path, entered).status_code == 302
    stored = User.objects.get(pk=people.reviewer.pk)
    assert (stored.full_name, stored.is_staff, stored.email) == ("Rosa Reviewer", True, people.reviewer.email)


@TURNED_ON
@pytest.mark.parametrize(
    "query", ["q=%00", "q=%FF", "p=-1", "p=9999999999999999999", "is_active__exact=%00", "o=x", "e=1"]
)
def test_no_input_breaks_it(inside: Client, query: str) -> None:
    for name in ("laboratory", "user", "membership"):
        assert inside.get(f"{ADMIN}accounts/{name}/?{query}").status_code < 500
