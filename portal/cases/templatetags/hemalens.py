"""What the templates of every page share: icons, chips, figures and bars."""

import json
from collections.abc import Mapping
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal import words
from portal.cases.choices import STATE_ICONS, STATE_TONES
from portal.cases.models import Case
from portal.numbers import percent
from smear.classes import SMEAR_CLASSES
from smear.contract import Message

register = template.Library()
register.filter("percent", percent)

ALERT_TONES = {"error": "tone-danger", "warning": "tone-attention", "success": "tone-done"}
ALERT_ICONS = {
    "error": "exclamation-circle-fill",
    "warning": "exclamation-triangle-fill",
    "success": "check-circle-fill",
}
PRIORITY_ICONS = {"urgent": "exclamation-triangle-fill", "stat": "lightning-charge-fill"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """One icon of the sprite, decorative only: the label is next to it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("dist/icons.svg"), name
    )


@register.inclusion_tag("partials/state_chip.html")
def state_chip(case: Case) -> dict[str, Any]:
    """The chip with the state of a case."""
    return {
        "tone": STATE_TONES[case.state],
        "icon_name": STATE_ICONS[case.state],
        "label": case.get_state_display(),
    }


@register.inclusion_tag("partials/priority.html")
def priority(case: Case) -> dict[str, Any]:
    """The priority of a case, louder the more pressing it is."""
    return {
        "value": case.priority,
        "label": case.get_priority_display(),
        "icon_name": PRIORITY_ICONS.get(case.priority),
    }


@register.inclusion_tag("partials/class_bars.html")
def class_bars(probabilities: Mapping[str, float], top: str = "") -> dict[str, Any]:
    """A model's four probabilities as bars, in the order of the labels."""
    return {
        "bars": [
            {
                "label": smear_class.label,
                "title": class_title(smear_class.label),
                "figure": percent(probabilities[smear_class.label]),
                # SVG wants a decimal point whatever the language.
                "width": f"{100 * probabilities[smear_class.label]:.1f}%",
                "is_top": smear_class.label == top,
            }
            for smear_class in SMEAR_CLASSES
        ]
    }


@register.filter
def class_title(label: str) -> str:
    """A class's name in full."""
    return str(words.CLASSES.get(label, label))


@register.filter
def in_words(message: Message | dict[str, Any] | None) -> str:
    """What is kept as a code, in the reader's language; empty where there is nothing."""
    return words.in_words(message) if message else ""


@register.filter
def class_css(label: str) -> str:
    """The CSS class that carries a class's colour."""
    return f"class-{label.lower()}" if label in words.CLASSES else ""


@register.filter
def alert_tone(level: str) -> str:
    """The tone of a message."""
    return ALERT_TONES.get(level, "tone-progress")


@register.filter
def alert_icon(level: str) -> str:
    """The icon of a message."""
    return ALERT_ICONS.get(level, "info-circle-fill")


@register.filter
def allauth_button(tags: list[str] | None) -> str:
    """Bootstrap's classes for a button of allauth's pages."""
    tags = tags or []
    if "link" in tags:
        return "btn-link"
    if "danger" in tags or "delete" in tags:
        return "btn-outline-danger"
    return "btn-quiet" if {"outline", "secondary", "cancel"} & set(tags) else "btn-primary"


@register.filter
def as_json(value: Any) -> str:
    """A value for a data attribute, where a page's script reads it."""
    return json.dumps(value)


@register.simple_tag
def upload_texts() -> dict[str, str]:
    """What the upload scripts say; %s and %d are filled in by them."""
    return {
        "waiting": _("Waiting"),
        "needsFields": _("Will be uploaded as soon as pseudonym and specimen are filled in"),
        "sending": _("Uploading"),
        "checking": _("Checking the photograph"),
        "tooLarge": _(
            "The file is larger than %s. Upload one field as JPEG, or crop the photograph to the field."
        ),
        "empty": _("The file is empty. Check that it was saved or copied completely, then choose it again."),
        "failed": _("The server could not accept this file. Retry, or remove it."),
        "offline": _("The server cannot be reached. Check the network, then retry; nothing entered is lost."),
        "saved": _("Saved"),
        "added": _("%d files added"),
        "count": _("%(done)d of %(all)d uploaded"),
    }
