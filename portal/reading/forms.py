"""What a reviewer answers."""

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.reading.choices import Confidence, ReadLabel


class ReadForm(forms.Form):
    """An answer, how sure the reader is, and why where it differs from the model's."""

    label = forms.ChoiceField(
        label=_("Answer"), choices=ReadLabel.choices, error_messages={"required": _("Choose an answer.")}
    )
    confidence = forms.ChoiceField(
        label=_("Confidence"),
        choices=Confidence.choices,
        error_messages={"required": _("Say how sure you are: low, medium or high.")},
    )
    comment = forms.CharField(label=_("Comment"), required=False, max_length=4000, widget=forms.Textarea)
    #: From opening the page to the answer, as the page's script measured it.
    seconds = forms.FloatField(required=False, min_value=0, max_value=7 * 24 * 3600, widget=forms.HiddenInput)
