"""What was measured on a photograph, and what may be wrong with it, in JSON."""

from typing import Any

from rest_framework import serializers

from portal.cases.models import SmearImage
from smear.quality import Reason


class MeasuresSerializer(serializers.Serializer[dict[str, Any]]):
    """What was measured on a photograph: see docs/quality.md."""

    focus = serializers.FloatField()
    background = serializers.FloatField(min_value=0, max_value=255)
    clipped_bright = serializers.FloatField(min_value=0, max_value=1)
    clipped_dark = serializers.FloatField(min_value=0, max_value=1)
    stained = serializers.FloatField(min_value=0, max_value=1)
    nucleated_cells = serializers.IntegerField(min_value=0)
    # Not measured before these were thought of.
    aspect_ratio = serializers.FloatField(min_value=1, required=False)
    red_over_blue = serializers.FloatField(required=False)


class QualitySerializer(serializers.Serializer[SmearImage]):
    """Whether a photograph is fit to be read. ``warnings`` says each of the ``reasons`` in words; advice only."""

    measures = MeasuresSerializer(source="quality.measures")
    reasons = serializers.ListField(
        child=serializers.ChoiceField([reason.value for reason in Reason]), source="quality.reasons"
    )
    warnings = serializers.ListField(child=serializers.CharField(), source="quality_warnings")
