"""What cases, photographs, reads and model versions look like in JSON.

What may be entered is declared on the models and checked by the services; the serializers here are derived
from the models and only refuse what has no field at all.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory
from portal.accounts.selectors import laboratories_for
from portal.api.fields import MODEL_LABELS, NamedChoiceField, StrictFields, WordsField
from portal.api.image_quality import QualitySerializer
from portal.api.reading import ClaimSerializer, DiagnosisSerializer, ReadSerializer, ReturnSerializer
from portal.cases.choices import CaseState
from portal.cases.models import Case, SmearImage
from portal.desk.case_page import entered_print_warning
from portal.inference.choices import ReferReason
from portal.inference.models import Job, ModelVersion, Prediction
from portal.inference.selectors import (
    CasePreclassification,
    case_preclassification,
    latest_job,
    latest_prediction,
)
from portal.intake.services import CASE_FIELDS
from portal.reading.models import Read
from portal.reading.selectors import shown_reads
from portal.reports.selectors import newest_version
from smear.classes import CLASSES


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}], "description": "Slug or id."})
class LaboratoryField(serializers.Field[Laboratory, Any, str, Any]):
    """A laboratory by slug or id, among those in which the person may file cases."""

    def to_internal_value(self, data: Any) -> Laboratory:
        """The laboratory with this slug. Raises ValidationError."""
        mine = laboratories_for(self.context["request"].user, Action.SUBMIT_CASE)
        wanted = str(data)
        for laboratory in mine:
            if wanted in (laboratory.slug, str(laboratory.pk)):
                return laboratory
        known = ", ".join(laboratory.slug for laboratory in mine) or "none"
        raise serializers.ValidationError(
            f"You cannot file cases in a laboratory of this name. Yours: {known}."
        )

    def to_representation(self, value: Laboratory) -> str:
        """The laboratory's slug."""
        return value.slug


class CaseEntrySerializer(StrictFields, serializers.ModelSerializer[Case]):
    """What is entered about a case."""

    serializer_choice_field = NamedChoiceField

    class Meta:
        model = Case
        fields: tuple[str, ...] = CASE_FIELDS


class NewCaseSerializer(CaseEntrySerializer):
    """A case to be filed; without ``laboratory`` in the person's first one."""

    laboratory = LaboratoryField(required=False)

    class Meta(CaseEntrySerializer.Meta):
        fields = (*CASE_FIELDS, "laboratory")


class ModelReferenceSerializer(serializers.ModelSerializer[ModelVersion]):
    """Which model version gave an answer; ``sha256`` is that of its weights."""

    class Meta:
        model = ModelVersion
        fields = ("name", "version", "sha256")


PROBABILITIES_SCHEMA = {
    "type": "object",
    "properties": {label: {"type": "number", "minimum": 0, "maximum": 1} for label in CLASSES},
    "required": list(CLASSES),
    "additionalProperties": False,
}
COUNTS_SCHEMA = {
    "type": "object",
    "properties": {label: {"type": "integer", "minimum": 0} for label in CLASSES},
    "required": list(CLASSES),
    "additionalProperties": False,
}
POSITIONS_SCHEMA = {
    "type": "object",
    "properties": {
        reason.value: {"type": "array", "items": {"type": "integer", "minimum": 1}} for reason in ReferReason
    },
    "additionalProperties": False,
}


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """What the model said about one photograph.

    ``prediction_set``: the classes that cannot be ruled out at ``prediction_set_level``, which is null where the
    model version promises no sets. The label may be missing in it, since each class has a bar of its own; such an
    answer is *refer*. ``refer``: do not rely on the answer; ``refer_reasons`` says why, most serious first.
    """

    prediction_set = serializers.ListField(child=serializers.ChoiceField(MODEL_LABELS))
    prediction_set_level = serializers.SerializerMethodField()
    refer_reasons = serializers.ListField(
        child=serializers.ChoiceField(ReferReason.choices), source="reasons"
    )
    label = serializers.ChoiceField(MODEL_LABELS)  # type: ignore[assignment]
    probabilities = serializers.SerializerMethodField()
    model = ModelReferenceSerializer(source="model_version")

    class Meta:
        model = Prediction
        fields = (
            "label",
            "probabilities",
            "prediction_set",
            "prediction_set_level",
            "outlier_score",
            "refer",
            "refer_reasons",
            "model",
            "seconds",
            "created_at",
        )

    @extend_schema_field(PROBABILITIES_SCHEMA)
    def get_probabilities(self, prediction: Prediction) -> dict[str, float]:
        """The probability of each class, from 0 to 1."""
        return prediction.probability_of()

    def get_prediction_set_level(self, prediction: Prediction) -> float | None:
        """The share of photographs whose prediction set holds the true class; null where the model makes none."""
        return prediction.model_version.rule().level or None


class JobSerializer(serializers.ModelSerializer[Job]):
    """The order behind a prediction: its state, how often it was tried, and its last error."""

    attempts = serializers.IntegerField(source="attempt_count")
    error = WordsField()

    class Meta:
        model = Job
        fields = ("state", "attempts", "error", "queued_at", "started_at", "finished_at")


class ImageSerializer(serializers.ModelSerializer[SmearImage]):
    """One photograph of a case.

    ``prediction`` is null until ``job.state`` is ``done``, and where the case is ``blinded``; ``quality`` where the
    photograph was stored before quality was measured.
    """

    notices = serializers.ListField(child=serializers.CharField(), source="notice_words")
    quality = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField()
    prediction = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()

    class Meta:
        model = SmearImage
        fields = (
            "id",
            "position",
            "notices",
            "quality",
            "width",
            "height",
            "size",
            "content_type",
            "pixel_sha256",
            "created_at",
            "file",
            "thumbnail",
            "job",
            "prediction",
        )

    @extend_schema_field(QualitySerializer(allow_null=True))
    def get_quality(self, image: SmearImage) -> Any:
        """What was measured of the photograph; null until it is."""
        return QualitySerializer(image).data if image.quality else None

    @extend_schema_field(JobSerializer(allow_null=True))
    def get_job(self, image: SmearImage) -> Any:
        """The newest job of the photograph; null before submission."""
        newest = latest_job(image)
        return JobSerializer(newest).data if newest else None

    @extend_schema_field(PredictionSerializer(allow_null=True))
    def get_prediction(self, image: SmearImage) -> Any:
        """The model's newest answer; null while it is hidden from the reader or missing."""
        if not self.context["visibility"].model:
            return None
        newest = latest_prediction(image)
        return PredictionSerializer(newest).data if newest else None

    def _address(self, image: SmearImage, name: str) -> str:
        arguments = {"case_id": image.case_id, "image_id": image.pk}
        return reverse(f"api:{name}", kwargs=arguments, request=self.context.get("request"))

    def get_file(self, image: SmearImage) -> str:
        """Address of the photograph as it is stored."""
        return self._address(image, "image-file")

    def get_thumbnail(self, image: SmearImage) -> str:
        """Address of a small version of the photograph."""
        return self._address(image, "image-thumbnail")


class PreclassificationSerializer(serializers.Serializer[CasePreclassification]):
    """The model's answer for a case. ``spread``: lowest and highest probability of ``label`` among the images.

    ``refer`` is true when an image is *refer* (``refer_reasons``: the positions of the images by reason) or
    ``mixed`` is. Prediction sets are promised of single photographs only.
    """

    label = serializers.ChoiceField(MODEL_LABELS)  # type: ignore[assignment]
    probabilities = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    spread = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
    images = serializers.IntegerField()
    refer = serializers.BooleanField()
    refer_reasons = serializers.SerializerMethodField()
    mixed = serializers.BooleanField(help_text="Some photographs are answered benign, others malignant.")
    model = ModelReferenceSerializer(source="version")

    @extend_schema_field(PROBABILITIES_SCHEMA)
    def get_probabilities(self, answer: CasePreclassification) -> dict[str, float]:
        """The mean probability of each class over the photographs, from 0 to 1."""
        return answer.probabilities

    @extend_schema_field(COUNTS_SCHEMA)
    def get_counts(self, answer: CasePreclassification) -> dict[str, int]:
        """How many photographs have each class."""
        return answer.counts

    @extend_schema_field(POSITIONS_SCHEMA)
    def get_refer_reasons(self, answer: CasePreclassification) -> dict[str, list[int]]:
        """Why an expert should look, with the positions of the photographs concerned."""
        return {reason.value: positions for reason, positions in answer.referred.items()}


class CaseSummarySerializer(serializers.ModelSerializer[Case]):
    """A case as a list shows it. ``round``: how often it was submitted; ``claim``: who has it in hand now."""

    laboratory: "serializers.SlugRelatedField[Laboratory]" = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )
    assigned_to = serializers.SerializerMethodField()
    claim = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by.full_name")
    image_count = serializers.IntegerField()

    class Meta:
        model = Case
        fields: tuple[str, ...] = (
            "id",
            "accession",
            "laboratory",
            "state",
            *CASE_FIELDS,
            "round",
            "assigned_to",
            "claim",
            "created_by",
            "created_at",
            "submitted_at",
            "state_changed_at",
            "image_count",
        )

    def get_assigned_to(self, case: Case) -> str | None:
        """The reviewer the case is assigned to; null where it is for everybody."""
        return case.assigned_to.full_name if case.assigned_to else None

    @extend_schema_field(ClaimSerializer(allow_null=True))
    def get_claim(self, case: Case) -> Any:
        """Who has the case in hand and until when; null where nobody has."""
        held: list[Any] = case.open_claim  # type: ignore[attr-defined]
        return ClaimSerializer(held[0]).data if held else None


class CaseSerializer(CaseSummarySerializer):
    """A case with its photographs, what the model said, the reads and the diagnosis.

    ``blinded``: what the model and other people say is hidden from you until your own answer is stored; a null
    elsewhere means that it is not there. ``returned``: what is missing, while the case is with its submitter.
    ``print_warning``: which characters of pseudonym and note the printed report will show as codes, in words.
    """

    image_count = serializers.SerializerMethodField()  # type: ignore[assignment]
    blinded = serializers.SerializerMethodField()
    returned = serializers.SerializerMethodField()
    print_warning = serializers.SerializerMethodField()
    images = ImageSerializer(many=True)
    no_preclassification_reason = WordsField()
    preclassification = serializers.SerializerMethodField()
    reads = serializers.SerializerMethodField()
    diagnosis = serializers.SerializerMethodField()

    class Meta(CaseSummarySerializer.Meta):
        fields = (
            *CaseSummarySerializer.Meta.fields,
            "returned",
            "print_warning",
            "blinded",
            "no_preclassification_reason",
            "preclassification",
            "images",
            "reads",
            "diagnosis",
        )

    def get_image_count(self, case: Case) -> int:
        """How many photographs the case has."""
        return len(case.images.all())

    def get_blinded(self, case: Case) -> bool:
        """Whether the model's answer is hidden until your own is stored."""
        return not self.context["visibility"].model

    @extend_schema_field(ReturnSerializer(allow_null=True))
    def get_returned(self, case: Case) -> Any:
        """What is missing, while the case is with its submitter; null otherwise."""
        if case.state != CaseState.RETURNED:
            return None
        newest = case.returns.select_related("returned_by").first()
        return ReturnSerializer(newest).data if newest else None

    def get_print_warning(self, case: Case) -> str:
        """Which characters the printed report will show as codes; empty where there are none."""
        return entered_print_warning(case)

    @extend_schema_field(PreclassificationSerializer(allow_null=True))
    def get_preclassification(self, case: Case) -> Any:
        """The model's answer for the case; null while it is hidden or missing."""
        answer = case_preclassification(case) if self.context["visibility"].model else None
        return PreclassificationSerializer(answer).data if answer else None

    @extend_schema_field(ReadSerializer(many=True))
    def get_reads(self, case: Case) -> Any:
        """The reads that you may see."""
        user, sees_all = self.context["request"].user, self.context["visibility"].reads
        return ReadSerializer(shown_reads(user, case, sees_all=sees_all), many=True).data

    @extend_schema_field(DiagnosisSerializer(allow_null=True))
    def get_diagnosis(self, case: Case) -> Any:
        """The newest signed version of the report; null until the case is signed."""
        newest = newest_version(case)
        return DiagnosisSerializer(newest).data if newest else None


class StoredReadSerializer(ReadSerializer):
    """The read just stored. ``reveal`` is the model's answer where the read is still to be concluded."""

    reveal = serializers.SerializerMethodField()

    class Meta(ReadSerializer.Meta):
        fields = (*ReadSerializer.Meta.fields, "reveal")

    @extend_schema_field(PreclassificationSerializer(allow_null=True))
    def get_reveal(self, read: Read) -> Any:
        """The model's answer, to keep or change yours; null where the read is concluded already."""
        answer = None if read.is_concluded else case_preclassification(read.case)
        return PreclassificationSerializer(answer).data if answer else None
