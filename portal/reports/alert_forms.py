"""The form on an urgent finding."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class AcknowledgeForm(forms.Form):
    """What the named person adds when the news has arrived."""

    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        help_text=_("For example who was told, and how."),
    )

    def __init__(self, *args: Any, alert_pk: int, **kwargs: Any) -> None:
        # Several of these may stand on one page; their fields need different ids.
        super().__init__(*args, auto_id=f"id_alert_{alert_pk}_%s", **kwargs)
