"""How a laboratory reads, as its administrator chooses it."""

from typing import Any, cast

from django import forms
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.reading.choices import Blindness, SecondRead
from portal.reading.models import ReadingPolicy
from portal.reading.policy.services import POLICY_FIELDS
from portal.web.shown_values import ShownValuesForm

#: What each choice means for the people who read, in a sentence.
EXPLANATIONS: dict[str, str | Promise] = {
    Blindness.BLIND: _(
        "Readers give their own answer first and then decide whether the model's answer changes it."
    ),
    Blindness.CONCURRENT: _(
        "Readers are quicker, and tend towards the model's answer even when it is wrong."
    ),
    SecondRead.NEVER: _("One reader concludes; the case can be signed at once."),
    SecondRead.SHARE: _("A sample shows how well the laboratory's readers agree."),
    SecondRead.DOUBT: _(
        "Cases whose read differs from the model or has low confidence are read by a second reviewer."
    ),
    SecondRead.ALWAYS: _("Every case has two independent reads; it takes twice the reading time."),
}


class PolicyForm(ShownValuesForm):
    """The fields of ``policies.POLICY_FIELDS``; ``members`` are those who may be notified of urgent findings."""

    class Meta:
        model = ReadingPolicy
        fields = POLICY_FIELDS
        widgets = {
            "blindness": forms.RadioSelect,
            "second_read": forms.RadioSelect,
            "second_read_share": forms.NumberInput(attrs={"min": 1, "max": 100}),
            "claim_minutes": forms.NumberInput(attrs={"min": 5, "max": 480}),
        }

    def __init__(self, *args: Any, members: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contact = cast("forms.ModelChoiceField[User]", self.fields["alert_contact"])
        contact.queryset = User.objects.filter(pk__in=members)
        contact.empty_label = _("The person who filed the case")
        contact.help_text = _("Asked to acknowledge every signed report with a malignant class.")
        for field in self.fields.values():
            if not isinstance(field.widget, forms.RadioSelect):
                is_select = isinstance(field.widget, forms.Select)
                field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        # Where the share does not apply it is not shown, so it cannot be wrong; it stays what it was.
        if cleaned.get("second_read") != SecondRead.SHARE:
            self.errors.pop("second_read_share", None)
            cleaned["second_read_share"] = self.initial["second_read_share"]
        return cleaned

    @property
    def blindness_options(self) -> list[dict[str, Any]]:
        """The choices with their explanations, for radio buttons."""
        return self._options("blindness", Blindness)

    @property
    def second_read_options(self) -> list[dict[str, Any]]:
        return self._options("second_read", SecondRead)

    def _options(self, name: str, choices: type[TextChoices]) -> list[dict[str, Any]]:
        chosen = str(self[name].value())
        return [
            {"value": value, "label": label, "explanation": EXPLANATIONS[value], "is_chosen": value == chosen}
            for value, label in choices.choices
        ]
