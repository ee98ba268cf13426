"""Addresses of the API, below /api/v1/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from portal.api.framework import AnonymousThrottle
from portal.api.views.cases import CaseViewSet
from portal.api.views.images import ImageViewSet
from portal.api.views.reference import MeView, ModelVersionsView, unknown_address

CASE = "cases/<uuid:case_id>/"
IMAGE = f"{CASE}images/<uuid:image_id>/"

app_name = "api"
urlpatterns = [
    path(
        "schema/",
        SpectacularAPIView.as_view(authentication_classes=(), throttle_classes=(AnonymousThrottle,)),
        name="schema",
    ),
    path("me/", MeView.as_view(), name="me"),
    path("models/", ModelVersionsView.as_view(), name="models"),
    path("cases/", CaseViewSet.as_view({"get": "list", "post": "create"}), name="cases"),
    path(CASE, CaseViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="case"),
    path(f"{CASE}submit/", CaseViewSet.as_view({"post": "submit"}), name="case-submit"),
    path(f"{CASE}reads/", CaseViewSet.as_view({"post": "read"}), name="case-reads"),
    path(f"{CASE}images/", ImageViewSet.as_view({"get": "list", "post": "create"}), name="images"),
    path(IMAGE, ImageViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="image"),
    path(f"{IMAGE}file/", ImageViewSet.as_view({"get": "file"}), name="image-file"),
    path(f"{IMAGE}thumbnail/", ImageViewSet.as_view({"get": "thumbnail"}), name="image-thumbnail"),
    path(
        f"{IMAGE}activation-map/",
        ImageViewSet.as_view({"get": "activation_map"}),
        name="image-activation-map",
    ),
    re_path(r"^(?P<rest>[\s\S]*)$", unknown_address, name="unknown"),
]
