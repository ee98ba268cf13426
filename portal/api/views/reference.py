"""Who is asking, which models there are, and the answer for an address that leads nowhere."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.urls import resolve
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api import examples
from portal.api.model_versions import ModelVersionSerializer
from portal.api.problems import CONTENT_TYPE, problem
from portal.api.schema import problems, response_example
from portal.api.serializers import MeSerializer
from portal.api.views import SignedInRequest
from portal.inference.models import ModelVersion


class MeView(APIView):
    """The person behind the token."""

    @extend_schema(
        summary="Show whose token this is",
        description="The person, the laboratories and what may be done in each.",
        responses={200: MeSerializer, **problems()},
        examples=[response_example("A submitter", examples.ME)],
    )
    def get(self, request: SignedInRequest) -> Response:
        return Response(MeSerializer(request.user).data)


@extend_schema(
    summary="List the registered model versions",
    description="With their cards: what each was trained on, how it did, and what it is not for.",
    responses={200: ModelVersionSerializer, **problems(404)},
    examples=[response_example("A model version", examples.MODEL_VERSION)],
)
class ModelVersionsView(generics.ListAPIView[ModelVersion]):
    """Model versions, the newest first."""

    queryset = ModelVersion.objects.order_by("name", "-version")
    serializer_class = ModelVersionSerializer
    filter_backends = ()


@csrf_exempt
def unknown_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    """404 as a problem; an address that only lacks its last slash is redirected, method and body kept."""
    if rest and not rest.endswith("/") and resolve(f"{request.path_info}/").view_name != "api:unknown":
        return HttpResponsePermanentRedirect(
            request.get_full_path(force_append_slash=True), preserve_request=True
        )
    detail = _("The API has no such address. See /api/v1/schema/ for those it has.")
    return JsonResponse(problem(404, "no_such_address", detail), status=404, content_type=CONTENT_TYPE)
