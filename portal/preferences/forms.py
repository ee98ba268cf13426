"""What a person enters about their preferences."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.choices import Language, MailChoice
from portal.accounts.models import Preferences
from portal.preferences.shortcuts import GROUPS, SHORTCUTS


class PreferencesForm(forms.Form):
    """Language, mail, and one field for the key of each action, named like the action."""

    language = forms.ChoiceField(
        label=_("Language of the pages"),
        required=False,
        choices=[("", _("Same as the browser")), *Language.choices],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    mail = forms.ChoiceField(
        label=_("E-mails about cases"), choices=MailChoice.choices, widget=forms.RadioSelect
    )
    single_keys_on = forms.BooleanField(
        label=_("Letters, digits and signs work as shortcuts"),
        required=False,
        help_text=_(
            "Turn this off if you dictate to your computer or press keys by accident. Keys with Ctrl keep "
            "working."
        ),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, preferred: Preferences, data: Any = None) -> None:
        initial = {action: preferred.keys.get(action, known.default) for action, known in SHORTCUTS.items()}
        for name in ("language", "mail", "single_keys_on"):
            initial[name] = getattr(preferred, name)
        super().__init__(data, initial=initial)
        for action, known in SHORTCUTS.items():
            attributes = {
                "class": "form-control form-control-sm key-input",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "data-key-input": known.default,
                "aria-describedby": f"keys-hint id_{action}_error",
            }
            self.fields[action] = forms.CharField(
                label=known.label,
                required=False,
                max_length=20,
                strip=True,
                widget=forms.TextInput(attrs=attributes),
            )

    @property
    def groups(self) -> list[tuple[Any, list[tuple[Any, forms.BoundField]]]]:
        """Heading and (shortcut, field) rows of each group of keys."""
        return [
            (group.label, [(shortcut, self[shortcut.action]) for shortcut in group.shortcuts])
            for group in GROUPS
        ]

    def preferences(self) -> dict[str, Any]:
        """What ``services.save_preferences`` takes."""
        entered = self.cleaned_data
        return {
            "language": entered["language"],
            "mail": entered["mail"],
            "single_keys_on": entered["single_keys_on"],
            "keys": {action: entered[action] for action in SHORTCUTS},
        }
