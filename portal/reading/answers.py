"""What a person may answer, in a read and in a report."""

from django.utils.translation import gettext as _

from portal.errors import Invalid
from portal.reading.choices import Confidence, ReadLabel


def check_answer(label: str, confidence: str) -> None:
    """Raises Invalid, with the field, for a label or a confidence that is none."""
    if label not in ReadLabel.values:
        raise Invalid(
            _("Choose one of the answers: %(labels)s.") % {"labels": ", ".join(ReadLabel.values)},
            field="label",
        )
    if confidence not in Confidence.values:
        raise Invalid(_("State your confidence: low, medium or high."), field="confidence")
