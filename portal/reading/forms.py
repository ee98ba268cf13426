"""What a reviewer enters: their own answer, the conclusion, the adjudication, what is missing."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.reading.choices import Confidence, ReadLabel
from portal.text_fields import LinesInput

#: How the answer to a photograph is named in a posted form: this and the photograph's id.
IMAGE_FIELD = "image-"
LONGEST_SECONDS = 7 * 24 * 3600


class AnswerForm(forms.Form):
    """An answer and how sure the reader is; the page's script measures the seconds."""

    label = forms.ChoiceField(
        label=_("Answer"), choices=ReadLabel.choices, error_messages={"required": _("Choose an answer.")}
    )
    confidence = forms.ChoiceField(
        label=_("Confidence"),
        choices=Confidence.choices,
        error_messages={"required": _("State your confidence: low, medium or high.")},
    )
    seconds = forms.FloatField(
        required=False, min_value=0, max_value=LONGEST_SECONDS, widget=forms.HiddenInput
    )


class ReadForm(AnswerForm):
    """The reader's own answer to the case and to its photographs."""

    comment = LinesInput(label=_("Comment"), required=False, max_length=4000)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["images"] = {
            UUID(name.removeprefix(IMAGE_FIELD)): value
            for name, value in self.image_answers().items()
            if value
        }
        return cleaned

    def image_answers(self) -> dict[str, str]:
        """What was entered for each photograph, by the field's name; names that are no photograph's are left out."""
        return {name: self.data[name] for name in self.data if _names_image(name)}


def _names_image(name: str) -> bool:
    if not name.startswith(IMAGE_FIELD):
        return False
    try:
        UUID(name.removeprefix(IMAGE_FIELD))
    except ValueError:
        return False
    return True


class ConclusionForm(AnswerForm):
    """The reader's own answer, kept or changed now that the model's is shown."""

    reason = LinesInput(label=_("Reason"), required=False, max_length=4000)


class AdjudicationForm(AnswerForm):
    """The decision between two answers."""

    reason = LinesInput(
        label=_("Reason"),
        max_length=4000,
        error_messages={"required": _("Give a reason: the two readers will want to know.")},
    )


class ReturnForm(forms.Form):
    """What the submitter has to correct."""

    missing = LinesInput(
        label=_("What is missing"),
        max_length=2000,
        error_messages={"required": _("State what is missing, so that the submitter can correct it.")},
    )
