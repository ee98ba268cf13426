"""What a signer enters."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.reading.choices import Confidence, ReadLabel
from portal.text_fields import LinesInput


class SignForm(forms.Form):
    """The words of the report, and the proof that the signer is the person signed in."""

    comment = LinesInput(label=_("Comment on the report"), required=False, max_length=4000)
    secret = forms.CharField(
        label=_("Password or authenticator code"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password, or your authenticator's code, to sign.")},
    )


class AmendForm(SignForm):
    """What the amended version says, and why."""

    label = forms.ChoiceField(label=_("Conclusion"), choices=ReadLabel.choices)
    confidence = forms.ChoiceField(label=_("Confidence"), choices=Confidence.choices)
    reason = LinesInput(
        label=_("Reason for the amendment"),
        max_length=2000,
        error_messages={"required": _("Say why the signed report is amended.")},
    )
    #: The version that the signer looked at.
    amends = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ("label", "confidence", "comment", "reason", "secret")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs["rows"] = 3
