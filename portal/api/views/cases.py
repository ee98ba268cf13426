"""Cases: filing, finding, submitting."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status, viewsets
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portal.accounts.choices import Action
from portal.accounts.selectors import laboratories_for
from portal.api import examples
from portal.api.filters import CaseListFilter
from portal.api.framework import StableOrdering
from portal.api.reading import Visibility
from portal.api.schema import problems, request_example, response_example
from portal.api.serializers import (
    CaseEntrySerializer,
    CaseSerializer,
    CaseSummarySerializer,
    NewCaseSerializer,
)
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.cases.found import visible_case
from portal.cases.models import Case
from portal.desk import selectors
from portal.errors import NotAllowed
from portal.intake import services
from portal.reading.claims import with_open_claim


def full_case(request: SignedInRequest, case_id: UUID) -> dict[str, Any]:
    """The case as the API shows it to this person: images, predictions, reads, diagnosis. Raises Http404."""
    case = get_object_or_404(selectors.case_detail(request.user), pk=case_id)
    prefetch_related_objects([case], with_open_claim())
    context = {"request": request, "visibility": Visibility.of(request.user, case)}
    return dict(CaseSerializer(case, context=context).data)


@extend_schema_view(
    list=extend_schema(
        summary="Find cases",
        description="The cases of your laboratories, newest first. Filters can be combined.",
        responses={200: CaseSummarySerializer, **problems(400, 404)},
        examples=[response_example("A page of cases", examples.SUMMARY)],
    )
)
class CaseViewSet(StrictQuery, viewsets.GenericViewSet[Case]):
    """Cases of the person's laboratories."""

    request: SignedInRequest
    queryset = Case.objects.none()
    serializer_class = CaseSummarySerializer
    filter_backends = (DjangoFilterBackend, StableOrdering)
    filterset_class = CaseListFilter
    ordering_fields = ("created_at", "submitted_at", "state_changed_at", "accession")
    ordering = ("-created_at",)
    lookup_url_kwarg = "case_id"

    def get_queryset(self) -> QuerySet[Case]:
        """The cases the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return selectors.worklist(self.request.user)

    def list(self, request: SignedInRequest) -> Response:
        """A page of them."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="File a case",
        description="Makes a draft under the laboratory's next accession number. Add photographs, then submit it.",
        request=NewCaseSerializer,
        responses={201: CaseSerializer, **problems(400, 403, 413, 415)},
        examples=[
            request_example("A case", examples.NEW_CASE),
            response_example("A draft", examples.DRAFT, 201),
        ],
    )
    def create(self, request: SignedInRequest) -> Response:
        """File a draft."""
        serializer = NewCaseSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        fields = serializer.validated_data
        laboratory = (
            fields.pop("laboratory", None) or laboratories_for(request.user, Action.SUBMIT_CASE).first()
        )
        if laboratory is None:
            raise NotAllowed(_("You are not a member of a laboratory in which you could file cases."))
        case = services.create_case(request.user, laboratory=laboratory, **fields)
        location = {"Location": reverse("api:case", kwargs={"case_id": case.pk}, request=request)}
        return Response(full_case(request, case.pk), status=status.HTTP_201_CREATED, headers=location)

    @extend_schema(
        summary="Show a case",
        description="Its state, each photograph with its prediction or the state of its job, the "
        "pre-classification of the case, the reads, and the diagnosis once it is signed. To a reviewer of a "
        "laboratory that reads *blind first* the model's and other people's answers are hidden (`blinded`) until the "
        "own one is stored.",
        responses={200: CaseSerializer, **problems(404)},
        examples=[response_example("A case that awaits its read", examples.CASE)],
    )
    def retrieve(self, request: SignedInRequest, case_id: UUID) -> Response:
        """One case in full."""
        return Response(full_case(request, case_id))

    @extend_schema(
        summary="Change a draft or a returned case",
        description="Send only the fields that change.",
        request=CaseEntrySerializer,
        responses={200: CaseSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("A higher priority", {"priority": "stat"}),
            response_example("The draft", {**examples.DRAFT, "priority": "stat"}),
        ],
    )
    def partial_update(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Change a draft or a returned case."""
        case = visible_case(request.user, case_id)
        serializer = CaseEntrySerializer(case, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        services.update_case(request.user, case, **serializer.validated_data)
        return Response(full_case(request, case_id))

    @extend_schema(
        summary="Submit a case",
        description="Hands a draft with at least one photograph, or a returned case, over: the model is asked, then "
        "the case awaits its read. Poll the case until its `state` is `awaiting_read`.",
        request=None,
        responses={200: CaseSerializer, **problems(400, 403, 404, 409)},
        examples=[response_example("The submitted case", {**examples.CASE, "state": "submitted"})],
    )
    def submit(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Submit it for analysis."""
        services.submit(request.user, visible_case(request.user, case_id))
        return Response(full_case(request, case_id))
