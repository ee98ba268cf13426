"""Forms that change only what was changed in them, so that an older page takes nothing back.

A page of a form may be older than what is stored: another tab or another person saved since, or a save ended while the
page was being loaded again. Every field goes out with the value it was shown with (``shown-<name>``); the form then
knows what was changed here, and what was changed elsewhere in the meantime (docs/decisions/0033-older-pages.md).
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm  # generic to the type checker only

PREFIX = "shown-"


class ShownValuesForm(ModelForm):
    """A form of something stored. Its template includes ``partials/shown_values.html``."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self._overtaken:
            self.add_error(name, self._words_for(name))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """The cleaned values that were changed on the page; of a field sent without its shown value, any."""
        entered = [name for name in self._names if name in self.cleaned_data]
        return {name: self.cleaned_data[name] for name in entered if not self._is_as_shown(name)}

    def shown_values(self) -> dict[str, str]:
        """For the page: the value of each field to compare with next time, by the name of its hidden input."""
        sent = {} if not self.is_bound else self.data
        return {
            PREFIX + name: stored if name in self._overtaken else sent.get(PREFIX + name, stored)
            for name, stored in self.stored_values().items()
        }

    def stored_values(self) -> dict[str, str]:
        """What is stored, by the name of the field, as an input takes it."""
        values = {name: self[name].field.prepare_value(self.initial.get(name)) for name in self._names}
        return {name: "" if value is None else str(value) for name, value in values.items()}

    @property
    def _names(self) -> list[str]:
        return [name for name in self._meta.fields or () if name in self.fields]

    @cached_property
    def _overtaken(self) -> list[str]:
        """Fields changed here that were stored with another value since the page was made."""
        if not self.is_bound:
            return []
        return [
            name
            for name, stored in self.stored_values().items()
            if PREFIX + name in self.data
            and not self._is_as_shown(name)
            and self._differ(name, stored, self.data[PREFIX + name])
            and self._differ(name, stored, self.data.get(name))
        ]

    def _is_as_shown(self, name: str) -> bool:
        shown = self.data.get(PREFIX + name)
        return shown is not None and not self._differ(name, shown, self.data.get(name))

    def _differ(self, name: str, one: str | None, other: str | None) -> bool:
        # A browser sends every end of a line as CR and LF.
        first, second = ("\n".join((value or "").splitlines()).strip() for value in (one, other))
        if first == second:
            return False
        field = self.fields[name]
        try:
            return bool(field.has_changed(field.to_python(first), second))
        except ValidationError:
            return True

    def _words_for(self, name: str) -> str:
        value = self.stored_values()[name]
        if not value:
            return _("Emptied in another window in the meantime. Save again to keep what is here.")
        labels = {str(key): str(label) for key, label in getattr(self.fields[name], "choices", ())}
        return _(
            "Changed in another window in the meantime, to “%(value)s”. Save again to replace it with what is here."
        ) % {"value": labels.get(value, value)}
