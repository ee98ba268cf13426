"""Reads, claims, signed reports, alerts and the reading policy in JSON."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.accounts.models import User
from portal.api.fields import LinesField, NamedChoiceField, StrictFields
from portal.cases.models import Case, SmearImage
from portal.reading import blind
from portal.reading.choices import ReadLabel
from portal.reading.models import Claim, Conclusion, Read, ReadingPolicy, Return
from portal.reports.models import Alert, Diagnosis

LONGEST_SECONDS = 7 * 24 * 3600.0
SECRET_LENGTH = 1024

IMAGE_ANSWERS_SCHEMA = {
    "type": "object",
    "additionalProperties": {"type": "string", "enum": ReadLabel.values},
    "description": "The answer to each photograph, by its id.",
}


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a person may see of a case: the model's answer, other people's answers."""

    model: bool
    reads: bool

    @classmethod
    def of(cls, user: User, case: Case, images: QuerySet[SmearImage] | None = None) -> "Visibility":
        """Asked once when a case, or ``images`` of it, go out; serializers get it as ``context["visibility"]``."""
        return cls(model=blind.show_model(user, case, images), reads=blind.sees_reads(user, case))


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    """Who has a case in hand, and until when without a further sign of work."""

    reader = serializers.CharField(source="reader.full_name")

    class Meta:
        model = Claim
        fields = ("reader", "claimed_at", "expires_at")


class ReturnSerializer(serializers.ModelSerializer[Return]):
    """What the submitter has to correct."""

    returned_by = serializers.CharField(source="returned_by.full_name")

    class Meta:
        model = Return
        fields = ("missing", "returned_by", "created_at")


class NewReturnSerializer(StrictFields, serializers.ModelSerializer[Return]):
    """What is missing, in words for the submitter."""

    class Meta:
        model = Return
        fields = ("missing",)


class SecondsField(serializers.FloatField):
    """Seconds that the answer took, where the client measured them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LONGEST_SECONDS, required=False, **kwargs)


class NewReadSerializer(StrictFields, serializers.ModelSerializer[Read]):
    """A reviewer's own answer. ``images`` has the photographs that differ from the case; the others get its answer."""

    serializer_choice_field = NamedChoiceField
    images = serializers.DictField(child=NamedChoiceField(ReadLabel.choices), required=False)
    seconds = SecondsField()

    class Meta:
        model = Read
        fields = ("label", "confidence", "comment", "images", "seconds")

    def validate_images(self, answers: dict[str, str]) -> dict[Any, str]:
        """The answers by the photographs' ids as UUIDs."""
        to_id = serializers.UUIDField(error_messages={"invalid": "Name each photograph by its id."})
        return {to_id.run_validation(name): label for name, label in answers.items()}


class NewConclusionSerializer(StrictFields, serializers.ModelSerializer[Conclusion]):
    """The reader's own answer, kept or changed with a reason after the model's was shown."""

    serializer_choice_field = NamedChoiceField
    seconds = SecondsField()

    class Meta:
        model = Conclusion
        fields = ("label", "confidence", "reason", "seconds")


class NewAdjudicationSerializer(NewConclusionSerializer):
    """The decision between two answers; the reason is needed."""

    class Meta(NewConclusionSerializer.Meta):
        extra_kwargs = {"reason": {"required": True, "allow_blank": False}}


class ConclusionSerializer(serializers.ModelSerializer[Conclusion]):
    """What the reader said in the end.

    ``is_by_clock``: the reader never came back to it, and ``reason`` says so.
    """

    reason = serializers.CharField(source="reason_words", read_only=True)

    class Meta:
        model = Conclusion
        fields = ("label", "confidence", "reason", "is_by_clock", "seconds", "created_at")


class ReadSerializer(serializers.ModelSerializer[Read]):
    """A read as it was given, before anything was revealed; ``conclusion`` is what the reader said after that.

    ``model_seen``: whether the reader had been shown an answer of the model about a photograph of the case before
    giving their own, here or elsewhere: in an earlier round, another case, a quick look.
    """

    reader = serializers.CharField(source="reader.full_name")
    images = serializers.SerializerMethodField()
    conclusion = serializers.SerializerMethodField()

    class Meta:
        model = Read
        fields: tuple[str, ...] = (
            "id",
            "kind",
            "round",
            "label",
            "confidence",
            "comment",
            "images",
            "reader",
            "model_label",
            "model_seen",
            "seconds",
            "created_at",
            "conclusion",
        )

    @extend_schema_field(IMAGE_ANSWERS_SCHEMA)
    def get_images(self, read: Read) -> dict[str, str]:
        """The answer to each photograph, by its position."""
        return {str(answer.image_id): answer.label for answer in read.image_reads.all()}

    @extend_schema_field(ConclusionSerializer(allow_null=True))
    def get_conclusion(self, read: Read) -> Any:
        """The reader's last word; null until the read is concluded."""
        conclusion = getattr(read, "conclusion", None)
        return ConclusionSerializer(conclusion).data if conclusion else None


class DiagnosisSerializer(serializers.ModelSerializer[Diagnosis]):
    """A signed version of a case's report.

    ``sha256`` is over the canonical JSON of its content; ``reason`` says why it amends the version before it.
    """

    signed_by = serializers.CharField(source="signed_by.full_name")

    class Meta:
        model = Diagnosis
        fields = (
            "version",
            "label",
            "confidence",
            "comment",
            "signed_by",
            "signed_at",
            "meaning",
            "method",
            "reason",
            "sha256",
        )


class SecretField(serializers.CharField):
    """The signer's password, or the code of the authenticator."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=SECRET_LENGTH, trim_whitespace=False, write_only=True, **kwargs)


class SignatureSerializer(StrictFields, serializers.Serializer[Any]):
    """Proof of the signer, and the report's comment."""

    secret = SecretField(help_text="Your password, or your authenticator's code.")
    comment = LinesField(max_length=4000, required=False, allow_blank=True)


class AmendmentSerializer(StrictFields, serializers.ModelSerializer[Diagnosis]):
    """A further version of a signed report, whole, with the reason for it and proof of the signer."""

    serializer_choice_field = NamedChoiceField
    secret = SecretField(help_text="Your password, or your authenticator's code.")

    class Meta:
        model = Diagnosis
        fields = ("label", "confidence", "comment", "reason", "secret")
        extra_kwargs = {
            "comment": {"required": True, "max_length": 4000},
            "reason": {"required": True, "allow_blank": False},
        }


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """An urgent finding: a malignant conclusion that was signed, and the person who has to acknowledge it."""

    case = serializers.UUIDField(source="diagnosis.case_id")
    accession = serializers.CharField(source="diagnosis.case.accession")
    version = serializers.IntegerField(source="diagnosis.version")
    label = serializers.ChoiceField(ReadLabel.choices, source="diagnosis.label")  # type: ignore[assignment]
    person = serializers.CharField(source="person.full_name")

    class Meta:
        model = Alert
        fields = (
            "id",
            "case",
            "accession",
            "version",
            "label",
            "person",
            "raised_at",
            "acknowledged_at",
            "note",
        )


class AcknowledgementSerializer(StrictFields, serializers.ModelSerializer[Alert]):
    """What was done about the finding, in words, where there is something to say."""

    class Meta:
        model = Alert
        fields = ("note",)


class MemberField(serializers.SlugRelatedField[User]):
    """An active member of the laboratory (``context["laboratory"]``), by e-mail address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="email", **kwargs)
        self.error_messages["does_not_exist"] = "Name an active member of this laboratory by e-mail address."

    def get_queryset(self) -> Any:
        """The members of the alert's laboratory."""
        return User.objects.filter(
            memberships__laboratory=self.context["laboratory"], memberships__is_active=True
        )


class ReadingPolicySerializer(StrictFields, serializers.ModelSerializer[ReadingPolicy]):
    """How a laboratory reads. ``alert_contact``: address of the person notified of urgent findings; null: who filed."""

    serializer_choice_field = NamedChoiceField
    alert_contact = MemberField(queryset=User.objects.none(), allow_null=True)

    class Meta:
        model = ReadingPolicy
        fields = ("blindness", "second_read", "second_read_share", "claim_minutes", "alert_contact")
        extra_kwargs = {name: {"required": True} for name in fields if name != "alert_contact"}
