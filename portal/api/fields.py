"""What the serializers share: fields that refuse in words, and no field that does not exist."""

from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from portal import text
from portal.words import in_words
from smear.classes import CLASSES

MODEL_LABELS = [(label, label) for label in CLASSES]


class NamedChoiceField(serializers.ChoiceField):
    """A choice whose refusal names the choices."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        known = ", ".join(str(value) for value in self.choices if value != "")
        self.error_messages["invalid_choice"] = f'"{{input}}" is not known here. Choose one of: {known}.'


class WordsField(serializers.CharField):
    """What is kept as a code, in the language of the request; empty where there is nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def get_attribute(self, instance: Any) -> str:
        message: Any = super().get_attribute(instance)
        return in_words(message) if message else ""


class LineField(serializers.CharField):
    """One line of text, without what nobody would see (``portal.text``)."""

    lines = False

    def to_internal_value(self, data: Any) -> str:
        """One line of visible text. Raises ValidationError."""
        value = text.normalised(super().to_internal_value(data), lines=self.lines)
        if message := text.refusal(value, lines=self.lines):
            raise serializers.ValidationError(message, code="unseen_character")
        return value


class LinesField(LineField):
    """Text of several lines."""

    lines = True


class StrictFields:
    """Refuses fields that do not exist, so that nothing an instrument sends is silently lost; knows what texts hold."""

    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: LineField,
        models.TextField: LinesField,
    }

    def to_internal_value(self, data: Any) -> Any:
        """The fields of a body. Raises ValidationError for one that is not known."""
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()  # type: ignore[attr-defined]
        message = f"There is no such field. The fields are: {', '.join(self.fields)}."  # type: ignore[attr-defined]
        errors: dict[str, Any] = {str(name): [message] for name in sorted(unknown)}
        try:
            values = super().to_internal_value(data)  # type: ignore[misc]
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                error.detail |= errors
            raise
        if errors:
            raise serializers.ValidationError(errors)
        return values
