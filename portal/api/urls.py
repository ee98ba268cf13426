"""Addresses of the API, below /api/v1/."""

from django.urls import path, re_path

from portal.api.views.cases import CaseViewSet
from portal.api.views.images import ImageViewSet
from portal.api.views.policy import ReadingPolicyView
from portal.api.views.reading import ReadingViewSet
from portal.api.views.reference import MeView, ModelVersionsView, SchemaView, unknown_address
from portal.api.views.reports import CasesCsvView, ReportFormsViewSet, VerifyView
from portal.api.views.signing import AlertViewSet, ReportViewSet

CASE = "cases/<uuid:case_id>/"
IMAGE = f"{CASE}images/<uuid:image_id>/"

app_name = "api"
urlpatterns = [
    path("schema/", SchemaView.as_view(), name="schema"),
    path("me/", MeView.as_view(), name="me"),
    path("models/", ModelVersionsView.as_view(), name="models"),
    path("laboratories/<slug:slug>/reading-policy/", ReadingPolicyView.as_view(), name="reading-policy"),
    path("cases/", CaseViewSet.as_view({"get": "list", "post": "create"}), name="cases"),
    path("cases/csv/", CasesCsvView.as_view({"get": "list"}), name="cases-csv"),
    path(CASE, CaseViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="case"),
    path(f"{CASE}submit/", CaseViewSet.as_view({"post": "submit"}), name="case-submit"),
    path("cases/next/", ReadingViewSet.as_view({"post": "take_next"}), name="case-next"),
    path(f"{CASE}claim/", ReadingViewSet.as_view({"post": "claim"}), name="case-claim"),
    path(f"{CASE}release/", ReadingViewSet.as_view({"post": "release"}), name="case-release"),
    path(f"{CASE}take-over/", ReadingViewSet.as_view({"post": "take_over"}), name="case-take-over"),
    path(f"{CASE}reads/", ReadingViewSet.as_view({"post": "read"}), name="case-reads"),
    path(f"{CASE}conclusion/", ReadingViewSet.as_view({"post": "conclude"}), name="case-conclusion"),
    path(f"{CASE}adjudication/", ReadingViewSet.as_view({"post": "adjudicate"}), name="case-adjudication"),
    path(f"{CASE}return/", ReadingViewSet.as_view({"post": "return_case"}), name="case-return"),
    path(f"{CASE}sign/", ReportViewSet.as_view({"post": "sign"}), name="case-sign"),
    path(f"{CASE}amend/", ReportViewSet.as_view({"post": "amend"}), name="case-amend"),
    path(f"{CASE}reports/", ReportViewSet.as_view({"get": "list"}), name="case-reports"),
    path(f"{CASE}report/pdf/", ReportFormsViewSet.as_view({"get": "pdf"}), name="report-pdf"),
    path(f"{CASE}report/fhir/", ReportFormsViewSet.as_view({"get": "fhir"}), name="report-fhir"),
    path(f"{CASE}report/content/", ReportFormsViewSet.as_view({"get": "content"}), name="report-content"),
    path("reports/verify/<str:sha256>/", VerifyView.as_view(), name="report-verify"),
    path(f"{CASE}images/", ImageViewSet.as_view({"get": "list", "post": "create"}), name="images"),
    path(IMAGE, ImageViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="image"),
    path(f"{IMAGE}file/", ImageViewSet.as_view({"get": "file"}), name="image-file"),
    path(f"{IMAGE}thumbnail/", ImageViewSet.as_view({"get": "thumbnail"}), name="image-thumbnail"),
    path(
        f"{IMAGE}activation-map/",
        ImageViewSet.as_view({"get": "activation_map"}),
        name="image-activation-map",
    ),
    path("alerts/", AlertViewSet.as_view({"get": "list"}), name="alerts"),
    path(
        "alerts/<int:alert_id>/acknowledge/",
        AlertViewSet.as_view({"post": "acknowledge"}),
        name="alert-acknowledge",
    ),
    re_path(r"^(?P<rest>[\s\S]*)$", unknown_address, name="unknown"),
]
