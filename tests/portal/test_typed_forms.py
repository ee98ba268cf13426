"""Every form in which somebody types holds its text until it is sent: the template says so, or is named here."""

import re
from pathlib import Path

import portal

TEMPLATES = Path(portal.__file__).parent / "templates"
FORM = re.compile(r"<form\b(?P<tag>(?:{%.*?%}|{{.*?}}|[^>{])*)>(?P<body>.*?)</form>", re.DOTALL)
TYPED = re.compile(
    r"<textarea|<input(?![^>]*type=\"(?:hidden|radio|checkbox|file|submit)\")"
    r"|partials/field.html|\|crispy|{{ form\.\w+ }}|{% slot"
)
#: Why a form does without.
WITHOUT = {
    "account/login.html": "nobody is signed in yet",
    "account/reauthenticate.html": "a password alone",
    "accounts/accept_invitation.html": "nobody is signed in yet",
    "allauth/elements/form.html": "addresses, passwords and codes, on pages that can be opened again",
    "partials/viewer_markers.html": "sent by a script, which asks to sign in again itself",
}


def test_every_form_with_text_stays_until_it_can_be_sent() -> None:
    found, without = 0, set()
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = path.relative_to(TEMPLATES).as_posix()
        for form in FORM.finditer(path.read_text()):
            is_sent = not re.search(r'method="(get|dialog)"', form["tag"])
            if not (is_sent and TYPED.search(form["body"])):
                continue
            found += 1
            if not re.search(r"\bdata-keep(?![\w-])", form["tag"]):
                without.add(name)
    assert without <= set(WITHOUT), sorted(without - set(WITHOUT))
    assert set(WITHOUT) <= without, sorted(set(WITHOUT) - without)
    assert found - len(without) >= 13
