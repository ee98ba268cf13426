"""Fields for what a person enters as text: in models and in forms (for the API see ``portal.api.fields``).

The model's fields are columns like any other: migrations know nothing of what may be entered. They refuse where a
row is validated (``clean_fields``) and, so that no path forgets it, where a row is made. A row that is there already
is saved as it is: what was stored before this rule must not stop a case on its way.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from portal import text


def validate_line(value: str) -> None:
    """Refuse what nobody would see, and line ends."""
    _validate(value, lines=False)


def validate_lines(value: str) -> None:
    """Refuse what nobody would see; line ends and tabs may be there."""
    _validate(value, lines=True)


def _validate(value: str, *, lines: bool) -> None:
    if message := text.refusal(text.normalised(value, lines=lines), lines=lines):
        raise ValidationError(message, code="unseen_character")


class _Entered:
    """What the two kinds of columns share."""

    lines = False
    plain_path = ""

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        return name, self.plain_path, args, kwargs

    def clean(self, value: Any, model_instance: Any) -> Any:
        """Validate and return the value, in the one writing."""
        if isinstance(value, str):
            value = text.normalised(value, lines=self.lines)
        return super().clean(value, model_instance)  # type: ignore[misc]

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        value = super().pre_save(model_instance, add)  # type: ignore[misc]
        if not (add and isinstance(value, str)):
            return value
        name: str = self.attname  # type: ignore[attr-defined]
        value = text.clean_lines(value, field=name) if self.lines else text.clean_line(value, field=name)
        setattr(model_instance, name, value)
        return value


class LineField(_Entered, models.CharField):  # type: ignore[type-arg] # Django's takes none at run time
    """A column with one line of text that a person entered."""

    default_validators = [validate_line]
    plain_path = "django.db.models.CharField"

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": LineInput, **kwargs} if not self.choices else kwargs)


class LinesField(_Entered, models.TextField):  # type: ignore[type-arg] # as above
    """A column with text of several lines that a person entered."""

    default_validators = [validate_lines]
    lines = True
    plain_path = "django.db.models.TextField"

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": LinesInput, **kwargs})


class AddressField(_Entered, models.EmailField):  # type: ignore[type-arg] # as above
    """A column with an e-mail address: the part after the @ may hold letters of any script, and what hides there."""

    default_validators = [*models.EmailField.default_validators, validate_line]
    plain_path = "django.db.models.EmailField"


class LineInput(forms.CharField):
    """One line of text in a form."""

    default_validators = [validate_line]

    def to_python(self, value: Any) -> str:
        return text.normalised(super().to_python(value) or "")


class LinesInput(forms.CharField):
    """Text of several lines in a form."""

    widget = forms.Textarea
    default_validators = [validate_lines]

    def to_python(self, value: Any) -> str:
        return text.normalised(super().to_python(value) or "", lines=True)
