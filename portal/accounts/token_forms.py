"""What a person enters about a token."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.accounts.tokens import LONGEST_DAYS
from portal.text_fields import LineInput


def _default_days() -> int:
    days: int = settings.API_TOKEN_DAYS
    return days


class TokenForm(forms.Form):
    """The name of a new token and how long it holds."""

    name = LineInput(
        label=_("Name"),
        max_length=80,
        help_text=_("The script or instrument that will use the token."),
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    days = forms.IntegerField(
        label=_("Valid for (days)"),
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=_default_days,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
