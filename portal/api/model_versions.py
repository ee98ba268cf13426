"""What a registered model version looks like in JSON."""

from rest_framework import serializers

from portal.inference.models import ModelVersion


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A registered model version with its card: training data, figures and limits.

    ``refer_rule``: the level its prediction sets hold, the probability from which a class is in the set, the least
    probability of the leading class; empty where the version knows only outliers. ``gate``: the bars it had to reach
    and whether it did, empty where it was not measured; ``despite_gate``: why it is used even so.
    """

    refer_rule = serializers.DictField()
    gate = serializers.DictField()
    labels = serializers.ListField(child=serializers.CharField())
    card = serializers.DictField()

    class Meta:
        model = ModelVersion
        fields = (
            "name",
            "version",
            "sha256",
            "labels",
            "outlier_threshold",
            "refer_rule",
            "gate",
            "despite_gate",
            "is_active",
            "registered_at",
            "card",
        )
