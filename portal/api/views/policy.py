"""How a laboratory reads."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory
from portal.accounts.permissions import require
from portal.accounts.selectors import laboratories_for
from portal.api import examples
from portal.api.reading import ReadingPolicySerializer
from portal.api.schema import problems, request_example, response_example
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.reading.policy.services import policy_for, set_policy


class ReadingPolicyView(StrictQuery, APIView):
    """The reading policy of one laboratory."""

    def _laboratory(self, request: SignedInRequest, slug: str) -> Laboratory:
        return get_object_or_404(laboratories_for(request.user), slug=slug)

    @extend_schema(
        summary="Show how a laboratory reads",
        description="For its members: whether reviewers read blind, and when a case is read twice.",
        responses={200: ReadingPolicySerializer, **problems(404)},
        examples=[response_example("A policy", examples.POLICY)],
    )
    def get(self, request: SignedInRequest, slug: str) -> Response:
        """The laboratory's policy."""
        policy = policy_for(self._laboratory(request, slug))
        return Response(ReadingPolicySerializer(policy).data)

    @extend_schema(
        summary="Change how a laboratory reads",
        description="For its administrators. Answers that are stored stay as they are.",
        request=ReadingPolicySerializer,
        responses={200: ReadingPolicySerializer, **problems(400, 403, 404, 413, 415)},
        examples=[
            request_example("Every case twice", {**examples.POLICY, "second_read": "always"}),
            response_example("The policy", {**examples.POLICY, "second_read": "always"}),
        ],
    )
    def put(self, request: SignedInRequest, slug: str) -> Response:
        """Change it."""
        laboratory = self._laboratory(request, slug)
        require(request.user, Action.SET_POLICY, laboratory)
        serializer = ReadingPolicySerializer(data=request.data, context={"laboratory": laboratory})
        serializer.is_valid(raise_exception=True)
        policy = set_policy(request.user, laboratory, **serializer.validated_data)
        return Response(ReadingPolicySerializer(policy).data)
