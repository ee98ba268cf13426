"""The form on an urgent finding."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.text_fields import LineInput


class AcknowledgeForm(forms.Form):
    """What the named person adds when the news has arrived."""

    note = LineInput(
        label=_("Note, for example who was informed and how"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, alert_pk: int) -> None:
        # Several of these may be on one page; their fields need different ids.
        super().__init__(data, auto_id=f"id_alert_{alert_pk}_%s")
