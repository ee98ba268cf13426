"""What a signer enters."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.fonts import unprintable, warning
from portal.reading.choices import Confidence, ReadLabel
from portal.text_fields import LinesInput


class SignForm(forms.Form):
    """The words of the report, and the proof that the signer is the person signed in.

    Words that the server's fonts cannot print are accepted once the signer has confirmed how they will look.
    """

    #: What is printed as entered.
    words: tuple[str, ...] = ("comment",)

    comment = LinesInput(label=_("Comment on the report"), required=False, max_length=4000)
    as_codes = forms.BooleanField(required=False, label=_("Print the codes instead of these characters"))
    secret = forms.CharField(
        label=_("Password or authenticator code"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password or your authenticator code to sign.")},
    )

    @property
    def asks_for_codes(self) -> bool:
        """Whether the words hold characters that are printed as codes, so that the signer has to say yes to it."""
        return self.is_bound and bool(unprintable(self.data.get(name, "") for name in self.words))

    def clean(self) -> dict[str, Any]:
        """The words and the secret alone."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        agreed = cleaned.pop("as_codes", False)
        for name in self.words:
            if not agreed and (words := warning([cleaned.get(name) or ""])):
                self.add_error(name, words)
        return cleaned


class AmendForm(SignForm):
    """What the amended version says, and why."""

    words = ("comment", "reason")

    label = forms.ChoiceField(label=_("Conclusion"), choices=ReadLabel.choices)
    confidence = forms.ChoiceField(label=_("Confidence"), choices=Confidence.choices)
    reason = LinesInput(
        label=_("Reason for the amendment"),
        max_length=2000,
        error_messages={"required": _("State why the signed report is amended.")},
    )
    #: The version that the signer looked at.
    amends = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ("label", "confidence", "comment", "reason", "as_codes", "secret")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.CheckboxInput):
                continue
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_select else "form-control"
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs["rows"] = 3
