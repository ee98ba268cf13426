"""Signed reports: signing, amending, their versions, and the alerts they raise."""

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status, viewsets
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from portal.api import examples
from portal.api.filters import AlertFilter
from portal.api.framework import SignThrottle, entered
from portal.api.reading import (
    AcknowledgementSerializer,
    AlertSerializer,
    AmendmentSerializer,
    DiagnosisSerializer,
    SignatureSerializer,
)
from portal.api.schema import problems, request_example, response_example
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.cases.found import readable_case, visible_case
from portal.reports import selectors, services
from portal.reports.alerts import selectors as alert_selectors
from portal.reports.alerts import services as alerts
from portal.reports.models import Alert, Diagnosis


class ReportViewSet(StrictQuery, viewsets.GenericViewSet[Diagnosis]):
    """The report of a case, in versions that never change."""

    request: SignedInRequest
    queryset = Diagnosis.objects.none()
    serializer_class = DiagnosisSerializer
    pagination_class = None
    filter_backends = ()

    def get_throttles(self) -> list[BaseThrottle]:
        """Signing has a limit of its own."""
        more: list[BaseThrottle] = [SignThrottle()] if self.action in ("sign", "amend") else []
        return [*super().get_throttles(), *more]

    @extend_schema(
        summary="List the signed versions of a case's report",
        description="The newest first; none until the report is signed. `sha256` is over the canonical JSON of the "
        "version's content.",
        responses={200: DiagnosisSerializer(many=True), **problems(404)},
        examples=[response_example("A version", examples.REPORT)],
    )
    def list(self, request: SignedInRequest, case_id: UUID) -> Response:
        """The signed versions, the newest first."""
        case = visible_case(request.user, case_id)
        return Response(
            DiagnosisSerializer(selectors.visible_to(request.user).filter(case=case), many=True).data
        )

    @extend_schema(
        summary="Sign a case's report",
        description="As one of its readers, with your password or your authenticator's code. After several wrong ones "
        "signing is closed to you for some minutes (429, `too_many_attempts`, with `Retry-After`).",
        request=SignatureSerializer,
        responses={201: DiagnosisSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("A signature", examples.SIGNATURE),
            response_example("The first version", examples.REPORT, 201),
        ],
    )
    def sign(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Sign the first version."""
        case = readable_case(request.user, case_id)
        diagnosis = services.sign(request.user, case, **entered(SignatureSerializer, request))
        return Response(DiagnosisSerializer(diagnosis).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Amend a signed report",
        description="Signs a further version with the reason; the versions before it stay as they are.",
        request=AmendmentSerializer,
        responses={201: DiagnosisSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("An amendment", examples.AMENDMENT),
            response_example("The second version", examples.AMENDED_REPORT, 201),
        ],
    )
    def amend(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Sign a further version."""
        case = readable_case(request.user, case_id)
        diagnosis = services.amend(request.user, case, **entered(AmendmentSerializer, request))
        return Response(DiagnosisSerializer(diagnosis).data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    list=extend_schema(
        summary="List urgent findings",
        description="Signed malignant conclusions of your laboratories, the newest first.",
        responses={200: AlertSerializer, **problems(400, 404)},
        examples=[response_example("An alert", examples.ALERT)],
    )
)
class AlertViewSet(StrictQuery, viewsets.GenericViewSet[Alert]):
    """Urgent findings of the person's laboratories."""

    request: SignedInRequest
    queryset = Alert.objects.none()
    serializer_class = AlertSerializer
    filterset_class = AlertFilter

    def get_queryset(self) -> QuerySet[Alert]:
        """The findings of the person's laboratories."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return alert_selectors.visible_to(self.request.user)

    def list(self, request: SignedInRequest) -> Response:
        """A page of them."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Acknowledge an urgent finding",
        description="By the person it names, once the news has arrived.",
        request=AcknowledgementSerializer,
        responses={200: AlertSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("An acknowledgement", examples.ACKNOWLEDGEMENT),
            response_example("The acknowledged alert", examples.ACKNOWLEDGED),
        ],
    )
    def acknowledge(self, request: SignedInRequest, alert_id: int) -> Response:
        """Acknowledge one."""
        alert = get_object_or_404(self.get_queryset(), pk=alert_id)
        alerts.acknowledge(request.user, alert, **entered(AcknowledgementSerializer, request))
        return Response(AlertSerializer(self.get_queryset().get(pk=alert_id)).data)
