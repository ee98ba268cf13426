"""What a person enters about a case."""

import uuid
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory, User
from portal.accounts.selectors import laboratories_for
from portal.cases.models import Case
from portal.intake.services import CASE_FIELDS
from portal.web.shown_values import ShownValuesForm


class ScaleField(forms.FloatField):
    """Takes a decimal comma as well as a point, whatever the page's language."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


class CaseForm(ShownValuesForm):
    """The fields of a case; the photographs go up on their own."""

    class Meta:
        model = Case
        fields: tuple[str, ...] = CASE_FIELDS
        field_classes = {"microns_per_pixel": ScaleField}
        widgets = {
            "patient_pseudonym": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "microns_per_pixel": forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            "clinical_note": forms.Textarea(attrs={"rows": 4}),
            "priority": forms.RadioSelect,
        }
        help_texts = {"clinical_note": _("What the reader should know. No name, no date of birth.")}
        error_messages = {
            "patient_pseudonym": {"required": _("Enter the laboratory's code for the patient.")},
            "specimen": {"required": _("Choose the specimen.")},
            "microns_per_pixel": {
                "invalid": _("State the micrometres per pixel as a number, such as 0.065.")
            },
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.TypedChoiceField) and not isinstance(field.widget, forms.RadioSelect):
                blank = _("Choose one") if field.required else _("Not stated")
                choices = list(cast("list[tuple[str, str]]", field.choices))
                field.choices = [("", blank), *(choice for choice in choices if choice[0])]
            if not isinstance(field.widget, forms.RadioSelect):
                is_select = isinstance(field.widget, forms.Select)
                field.widget.attrs["class"] = "form-select" if is_select else "form-control"

    def case_fields(self) -> dict[str, Any]:
        """What ``intake.services`` takes for a new case; for one that is there, ``changes``."""
        return {
            name: self.cleaned_data[name] for name in self._meta.fields or () if name in self.cleaned_data
        }


class NewCaseForm(CaseForm):
    """The same, with the laboratory that the case belongs to."""

    laboratory = forms.ModelChoiceField(Laboratory.objects.none(), label=_("Laboratory"), empty_label=None)
    #: The id that the case will have: the same form sent twice makes one case.
    case_id = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        laboratories = laboratories_for(user, Action.SUBMIT_CASE)
        field = self.fields["laboratory"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for mypy: declared above
        field.queryset = laboratories
        if len(laboratories) == 1:
            field.required = False
            field.initial = laboratories[0]
        field.widget.attrs["class"] = "form-select"

    def clean_laboratory(self) -> Laboratory:
        chosen: Laboratory | None = self.cleaned_data["laboratory"] or self.fields["laboratory"].initial
        if chosen is None:
            raise forms.ValidationError(_("Choose the laboratory."))
        return chosen


class QuickCaseForm(CaseForm):
    """The fields without which no case can be made; the rest follows on the draft's page."""

    class Meta(CaseForm.Meta):
        fields = ("patient_pseudonym", "specimen", "priority")
        widgets = {**CaseForm.Meta.widgets, "priority": forms.Select}
