"""Signed reports in other forms, the list of cases as CSV, and the verification of a hash."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api import examples
from portal.api.filters import CaseListFilter
from portal.api.reading import DiagnosisSerializer
from portal.api.schema import problems, response_example
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.cases.models import Case
from portal.desk import selectors
from portal.reports.exports import views as exports_views
from portal.reports.fhir import CONTENT_TYPE as FHIR_JSON
from portal.reports.models import Diagnosis
from portal.reports.verify import Verified, verify
from portal.reports.versions import SignedVersion

VERSION = OpenApiParameter("version", int, description="The signed version; by default the newest.")


class VerificationSerializer(serializers.Serializer[Verified]):
    """The signed version with a hash. ``intact``: its stored content, hashed again just now, still has it."""

    sha256 = serializers.CharField(source="diagnosis.sha256")
    intact = serializers.BooleanField()
    case = serializers.UUIDField(source="diagnosis.case_id")
    accession = serializers.CharField(source="diagnosis.case.accession")
    newest_version = serializers.IntegerField(source="newest.version")
    report = DiagnosisSerializer(source="diagnosis")


class ReportFormsViewSet(StrictQuery, viewsets.GenericViewSet[Diagnosis]):
    """A signed version of a case's report, as people and other systems take it."""

    request: SignedInRequest
    queryset = Diagnosis.objects.none()
    pagination_class = None
    filter_backends = ()
    query_parameters = dict.fromkeys(("pdf", "fhir", "content"), ("version",))

    def _version(self, case_id: UUID) -> SignedVersion:
        wanted = self.request.query_params.get("version")
        if wanted and not exports_views.NUMBER.fullmatch(wanted):
            raise ValidationError({"version": [_("Enter the number of a signed version, such as 1.")]})
        return exports_views.version_or_404(self.request.user, case_id, wanted)

    @extend_schema(
        summary="Download a report as PDF",
        description="Tagged (PDF/UA-1), with thumbnails and a QR code that leads to the verification of its hash.",
        parameters=[VERSION],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY, **problems(404, 409, 503)},
    )
    def pdf(self, request: SignedInRequest, case_id: UUID) -> HttpResponse:
        """The report as PDF."""
        return exports_views.pdf_response(self._version(case_id))

    @extend_schema(
        summary="Download a report as FHIR bundle",
        description="FHIR R4, a collection: DiagnosticReport, an Observation of each reader and of the model, "
        "Specimen, Device, Practitioners, Organization, Patient (the pseudonym alone) and Provenance. "
        "The same version always gives the same bundle.",
        parameters=[VERSION],
        responses={(200, FHIR_JSON): OpenApiTypes.OBJECT, **problems(404, 409)},
        examples=[
            OpenApiExample(
                "A bundle",
                examples.BUNDLE,
                response_only=True,
                status_codes=["200"],
                media_type=FHIR_JSON,
            )
        ],
    )
    def fhir(self, request: SignedInRequest, case_id: UUID) -> HttpResponse:
        """The report as FHIR R4 bundle."""
        return exports_views.fhir_response(self._version(case_id))

    @extend_schema(
        summary="Download the signed content of a report",
        description="The very bytes that `sha256` is over: JSON with sorted keys, no blanks, UTF-8.",
        parameters=[VERSION],
        responses={200: OpenApiTypes.OBJECT, **problems(404, 409)},
        examples=[response_example("A content, shortened", examples.REPORT_CONTENT)],
    )
    def content(self, request: SignedInRequest, case_id: UUID) -> HttpResponse:
        """The bytes that the hash is over."""
        return exports_views.content_response(self._version(case_id))


class VerifyView(StrictQuery, APIView):
    """Which signed version has a hash."""

    request: SignedInRequest

    @extend_schema(
        summary="Verify the hash of a report",
        description="404 where no report of your laboratories has this hash.",
        parameters=[
            OpenApiParameter("sha256", str, OpenApiParameter.PATH, description="64 hexadecimal digits.")
        ],
        responses={200: VerificationSerializer, **problems(404)},
        examples=[response_example("A genuine report", examples.VERIFICATION)],
    )
    def get(self, request: SignedInRequest, sha256: str) -> Response:
        """The signed version with a hash."""
        found = verify(request.user, sha256.lower())
        if found is None:
            raise Http404
        return Response(VerificationSerializer(found).data)


class CasesCsvView(StrictQuery, viewsets.GenericViewSet[Case]):
    """The list of cases, for a spreadsheet."""

    request: SignedInRequest
    queryset = Case.objects.none()
    filter_backends = (DjangoFilterBackend,)
    filterset_class = CaseListFilter
    pagination_class = None

    def get_queryset(self) -> QuerySet[Case]:
        """The cases the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return selectors.worklist(self.request.user)

    @extend_schema(
        summary="Download the list of cases as CSV",
        description="A line for each case that the filters leave, the newest first, all of them at once. Columns from "
        "`conclusion` on are empty until the report is signed. Text that a spreadsheet would take for a formula begins "
        "with an apostrophe.",
        filters=True,
        responses={(200, "text/csv"): OpenApiTypes.STR, **problems(400)},
    )
    def list(self, request: SignedInRequest) -> StreamingHttpResponse:
        """The cases that the filters leave, as CSV."""
        return exports_views.csv_response(request.user, self.filter_queryset(self.get_queryset()), mark=False)
