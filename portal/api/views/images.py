"""Photographs of a case: adding, showing, taking out."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Prefetch, QuerySet
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from portal.accounts.models import User
from portal.api import examples
from portal.api.reading import Visibility
from portal.api.schema import problems, response_example
from portal.api.serializers import ImageSerializer
from portal.api.strict import StrictQuery
from portal.api.views import SignedInRequest
from portal.cases import selectors
from portal.cases.found import visible_case
from portal.cases.models import Case, SmearImage
from portal.inference import heatmap
from portal.inference.models import Job, Prediction
from portal.inference.selectors import latest_prediction
from portal.intake import services
from portal.intake.uploads import uploaded_files, wanted_position
from portal.reading import blind
from portal.web.pages import private_file
from smear.classes import CLASSES

_UPLOAD = {
    "multipart/form-data": {
        "type": "object",
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "description": "One field as 8-bit colour JPEG, PNG, TIFF, WebP or BMP, at most 50 MB.",
            },
            "position": {
                "type": "integer",
                "minimum": 1,
                "maximum": services.MOST_POSITION,
                "description": "The photograph's place among those of the case. Without it, and where the place is "
                "taken, the photograph comes last.",
            },
        },
        "required": ["file"],
    }
}


def images_of(user: User, case: Case) -> QuerySet[SmearImage]:
    """A visible case's photographs with their jobs and predictions."""
    return (
        selectors.images_visible_to(user)
        .filter(case=case)
        .prefetch_related(
            Prefetch("jobs", Job.objects.select_related("model_version")),
            Prefetch("predictions", Prediction.objects.select_related("model_version")),
        )
    )


def image_of_case(user: User, case_id: UUID, image_id: UUID) -> SmearImage:
    """A visible photograph of a visible case, else 404."""
    return get_object_or_404(images_of(user, visible_case(user, case_id)), pk=image_id)


def uploaded_file(request: SignedInRequest) -> "UploadedFile[bytes]":
    """The one file of the request, else 400."""
    files = uploaded_files(request)
    if len(files) != 1:
        raise ValidationError(
            {"file": [_("Send one photograph per request, as the multipart field `file`.")]}
        )
    return files[0]


def download(request: SignedInRequest, file: FieldFile, content_type: str, name: str) -> HttpResponseBase:
    """A stored file for this person alone, under a name that says which photograph it is."""
    response = private_file(request._request, file, content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


class ImageViewSet(StrictQuery, viewsets.GenericViewSet[SmearImage]):
    """Photographs of one case."""

    request: SignedInRequest
    queryset = SmearImage.objects.none()
    serializer_class = ImageSerializer
    parser_classes = (MultiPartParser,)
    pagination_class = None
    filter_backends = ()
    query_parameters = {"activation_map": ("label",)}

    @extend_schema(
        summary="List a case's photographs",
        description="With their predictions, in the order of their positions.",
        responses={200: ImageSerializer(many=True), **problems(404)},
        examples=[response_example("A photograph", examples.IMAGE)],
    )
    def list(self, request: SignedInRequest, case_id: UUID) -> Response:
        """The photographs of a case."""
        case = visible_case(request.user, case_id)
        return Response(self._shown(images_of(request.user, case), case, many=True))

    def _shown(self, images: Any, case: Case, **options: Any) -> Any:
        """What the person sees of photographs of a case."""
        shown = SmearImage.objects.filter(case=case)
        if not options.get("many"):
            shown = shown.filter(pk=images.pk)
        context = {
            **self.get_serializer_context(),
            "visibility": Visibility.of(self.request.user, case, shown),
        }
        return ImageSerializer(images, context=context, **options).data

    @extend_schema(
        summary="Add a photograph to a draft",
        description="The file is decoded, turned upright and stored without metadata; `notices` says what else is "
        "worth knowing, `quality` what may be wrong with the photograph; neither keeps it out. A file that is refused "
        "leaves the photographs added before it as they are. Photographs sent one after the other are in the order "
        "of the requests; state `position` for each where several are sent at once. Submitting the case numbers them "
        "again from 1, in their order, without gaps.",
        request=_UPLOAD,
        responses={201: ImageSerializer, **problems(400, 403, 404, 409, 413, 415, 422)},
        examples=[response_example("The stored photograph", examples.IMAGE, 201)],
    )
    def create(self, request: SignedInRequest, case_id: UUID) -> Response:
        """Add a photograph to a draft."""
        case = visible_case(request.user, case_id)
        upload = uploaded_file(request)
        position = wanted_position(request.POST.get("position", ""))
        image = services.add_image(request.user, case, upload, position=position)
        return Response(self._shown(image, case), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Show a photograph",
        responses={200: ImageSerializer, **problems(404)},
        examples=[
            response_example(
                "A classified photograph",
                {**examples.IMAGE, "job": examples.JOB, "prediction": examples.PREDICTION},
            )
        ],
    )
    def retrieve(self, request: SignedInRequest, case_id: UUID, image_id: UUID) -> Response:
        """One photograph with its job and answer."""
        image = image_of_case(request.user, case_id, image_id)
        return Response(self._shown(image, image.case))

    @extend_schema(
        summary="Take a photograph out of a draft", responses={204: None, **problems(403, 404, 409)}
    )
    def destroy(self, request: SignedInRequest, case_id: UUID, image_id: UUID) -> Response:
        """Remove a photograph from a draft."""
        services.remove_image(request.user, image_of_case(request.user, case_id, image_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Download a photograph",
        description="As it is stored: upright, without metadata.",
        responses={
            (200, "image/jpeg"): OpenApiTypes.BINARY,
            (200, "image/png"): OpenApiTypes.BINARY,
            **problems(404),
        },
    )
    def file(self, request: SignedInRequest, case_id: UUID, image_id: UUID) -> HttpResponseBase:
        """The photograph as it is stored."""
        image = image_of_case(request.user, case_id, image_id)
        name = f"{image.case.accession}-{image.position}.{image.extension}"
        return download(request, image.file, image.content_type, name)

    @extend_schema(
        summary="Download a photograph's thumbnail",
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY, **problems(404)},
    )
    def thumbnail(self, request: SignedInRequest, case_id: UUID, image_id: UUID) -> HttpResponseBase:
        """The photograph, small (JPEG)."""
        image = image_of_case(request.user, case_id, image_id)
        return download(
            request, image.thumbnail, "image/jpeg", f"{image.case.accession}-{image.position}-small.jpg"
        )

    @extend_schema(
        summary="Download a class activation map",
        description="What in the photograph speaks for a class, as a transparent PNG to be stretched over the whole "
        "field. 404 while there is no prediction, 403 with the code `blinded` until the reviewer's own answer is "
        "stored.",
        parameters=[
            OpenApiParameter("label", enum=CLASSES, description="The class; by default the prediction's own.")
        ],
        responses={(200, "image/png"): OpenApiTypes.BINARY, **problems(400, 403, 404)},
    )
    def activation_map(self, request: SignedInRequest, case_id: UUID, image_id: UUID) -> HttpResponseBase:
        """What spoke for a class, as a transparent picture (PNG)."""
        image = image_of_case(request.user, case_id, image_id)
        blind.require_model(request.user, image)
        prediction = latest_prediction(image)
        if prediction is None:
            raise Http404
        label = request.query_params.get("label", prediction.label)
        if label not in CLASSES:
            raise ValidationError(
                {"label": [_("Choose one of: %(labels)s.") % {"labels": ", ".join(CLASSES)}]}
            )
        return heatmap.picture(request._request, prediction, label)
