"""Who is asking, which models there are, and the answer for an address that leads nowhere."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.urls import resolve
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api import examples
from portal.api.framework import AnonymousThrottle
from portal.api.model_versions import ModelVersionSerializer
from portal.api.people import MeSerializer
from portal.api.schema import problems, response_example
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.inference.models import ModelVersion
from portal.web.problems import CONTENT_TYPE, problem


class MeView(StrictQuery, APIView):
    """The person behind the token."""

    @extend_schema(
        summary="Show whose token this is",
        description="The person, the laboratories and what may be done in each.",
        responses={200: MeSerializer, **problems()},
        examples=[response_example("A submitter", examples.ME)],
    )
    def get(self, request: SignedInRequest) -> Response:
        """The person, the laboratories and what may be done in each."""
        return Response(MeSerializer(request.user).data)


@extend_schema(
    summary="List the registered model versions",
    description="With their cards: what each was trained on, how it did, and what it is not for.",
    responses={200: ModelVersionSerializer, **problems(404)},
    examples=[response_example("A model version", examples.MODEL_VERSION)],
)
class ModelVersionsView(StrictQuery, generics.ListAPIView[ModelVersion]):
    """Model versions, the newest first."""

    queryset = ModelVersion.objects.order_by("name", "-version")
    serializer_class = ModelVersionSerializer
    filter_backends = ()
    list_action = "get"


class SchemaView(StrictQuery, SpectacularAPIView):
    """The OpenAPI document, for everybody: YAML or, with ``?format=json``, JSON; ``lang`` is that of its words."""

    authentication_classes = ()
    throttle_classes = (AnonymousThrottle,)
    query_parameters = {"get": ("format", "lang")}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the query, and answer in the language it names."""
        super().initial(request, *args, **kwargs)
        allowed = {"format": ["yaml", "json"], "lang": [code for code, _name in settings.LANGUAGES]}
        for name, values in allowed.items():
            if request.query_params.get(name, values[0]) not in values:
                message = _("Choose one of: %(known)s.") % {"known": ", ".join(values)}
                raise ValidationError({name: [message]})

    def handle_exception(self, exc: Exception) -> Response:
        """A problem is JSON, whatever form the document was asked for in."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(exc)


@login_not_required
@csrf_exempt
def unknown_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    """404 as a problem; an address that only lacks its last slash is redirected, method and body kept."""
    if rest and not rest.endswith("/") and resolve(f"{request.path_info}/").view_name != "api:unknown":
        return HttpResponsePermanentRedirect(
            request.get_full_path(force_append_slash=True), preserve_request=True
        )
    detail = _("The API has no such address. See /api/v1/schema/ for those it has.")
    return JsonResponse(problem(404, "no_such_address", detail), status=404, content_type=CONTENT_TYPE)
