"""Reading a case: taking it, the reader's own answer, the conclusion, adjudication, returning it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.response import Response

from portal.api import examples
from portal.api.framework import entered
from portal.api.reading import (
    NewAdjudicationSerializer,
    NewConclusionSerializer,
    NewReadSerializer,
    NewReturnSerializer,
    ReadSerializer,
)
from portal.api.schema import problems, request_example, response_example
from portal.api.serializers import CaseSerializer, StoredReadSerializer
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.api.views.cases import full_case
from portal.cases.found import readable_case
from portal.cases.models import Case
from portal.reading import claims, exposure, services

_TAKEN: dict[Any, Any] = {200: CaseSerializer, **problems(403, 404, 409)}
_TAKEN_EXAMPLE = response_example("The case in your hands", examples.TAKEN)


class ReadingViewSet(StrictQuery, viewsets.GenericViewSet[Case]):
    """What reviewers do with the cases of their laboratories."""

    request: SignedInRequest
    queryset = Case.objects.none()
    pagination_class = None
    filter_backends = ()
    lookup_url_kwarg = "case_id"

    def _stored(self, serializer: ReadSerializer, case: Case) -> Response:
        """A read that was stored just now; it names the model's answer."""
        exposure.record_cases(self.request.user, Case.objects.filter(pk=case.pk))
        return Response(serializer.data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Take the next case",
        description="The most pressing case that waits for you: those assigned to you first, then by priority and age. "
        "Two people who ask at once get two cases. A reviewer who has a case and has not answered it gets that one. "
        "204 where nothing waits.",
        request=None,
        responses={200: CaseSerializer, 204: None, **problems()},
        examples=[_TAKEN_EXAMPLE],
    )
    def take_next(self, request: SignedInRequest) -> Response:
        """Take the most pressing case that waits."""
        claim = claims.claim_next(request.user)
        if claim is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(full_case(request, claim.case_id))

    @extend_schema(
        summary="Take a case in hand",
        description="To read or to adjudicate it. Again on a case in your hands: to keep it for longer. 409 with the "
        "code `claimed` while somebody else has it.",
        request=None,
        responses=_TAKEN,
        examples=[_TAKEN_EXAMPLE],
    )
    def claim(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Take a case in hand."""
        claims.claim(request.user, readable_case(request.user, case_id))
        return Response(full_case(request, case_id))

    @extend_schema(
        summary="Give a case back",
        description="Others can take it then.",
        request=None,
        responses={200: CaseSerializer, **problems(403, 404, 409)},
        examples=[response_example("The case, waiting again", {**examples.TAKEN, "claim": None})],
    )
    def release(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Give it back."""
        claims.release(request.user, readable_case(request.user, case_id))
        return Response(full_case(request, case_id))

    @extend_schema(
        summary="Take a case over",
        description="From another reviewer, who is notified. 409 once that reviewer has answered.",
        request=None,
        responses=_TAKEN,
        examples=[_TAKEN_EXAMPLE],
    )
    def take_over(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Take it over from another reviewer."""
        claims.take_over(request.user, readable_case(request.user, case_id))
        return Response(full_case(request, case_id))

    @extend_schema(
        summary="Store your own answer",
        description="To a case in your hands; `images` names the photographs that differ from the case. Under *blind "
        "first* the answer gives the model's in `reveal`: keep or change yours with `conclusion/`. Where `reveal` is "
        "null the read is concluded at once. Under *concurrent* an answer other than the model's needs a comment.",
        request=NewReadSerializer,
        responses={201: StoredReadSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("A read", examples.NEW_READ),
            response_example("The read, to be concluded", examples.STORED_READ, 201),
        ],
    )
    def read(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Store the reader's own answer."""
        case = readable_case(request.user, case_id)
        read = services.record_read(request.user, case, **entered(NewReadSerializer, request))
        return self._stored(StoredReadSerializer(read), case)

    @extend_schema(
        summary="Keep or change your answer",
        description="Once the model's answer is shown. A changed answer needs a reason, and so does "
        "one that differs from the model's where the read gave none.",
        request=NewConclusionSerializer,
        responses={201: ReadSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("An answer that was kept", examples.NEW_CONCLUSION),
            response_example("The concluded read", examples.READ, 201),
        ],
    )
    def conclude(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Keep or change that answer."""
        case = readable_case(request.user, case_id)
        conclusion = services.conclude(request.user, case, **entered(NewConclusionSerializer, request))
        return self._stored(ReadSerializer(conclusion.read), case)

    @extend_schema(
        summary="Decide between two answers",
        description="As a third reviewer with the case in hand; the two reads and the model's answer are shown then.",
        request=NewAdjudicationSerializer,
        responses={201: ReadSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("A decision", examples.NEW_ADJUDICATION),
            response_example("The decision", examples.ADJUDICATION, 201),
        ],
    )
    def adjudicate(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Decide between two answers."""
        case = readable_case(request.user, case_id)
        read = services.adjudicate(request.user, case, **entered(NewAdjudicationSerializer, request))
        return self._stored(ReadSerializer(read), case)

    @extend_schema(
        summary="Return a case to its submitter",
        description="With what is missing. Once it is corrected and submitted again, a new round of reading starts.",
        request=NewReturnSerializer,
        responses={200: CaseSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            request_example("What is missing", {"missing": "The feathered edge, at 100×."}),
            response_example("The returned case", examples.RETURNED),
        ],
    )
    def return_case(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Return the case to its submitter."""
        case = readable_case(request.user, case_id)
        services.return_to_submitter(request.user, case, **entered(NewReturnSerializer, request))
        return Response(full_case(request, case_id))
