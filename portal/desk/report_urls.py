"""Addresses of diagnoses."""

from django.urls import path

from portal.desk import report_views as views
from portal.desk import worklist_views
from portal.reports.exports import views as exports_views

app_name = "reports"
urlpatterns = [
    path("<uuid:pk>/diagnosis/", views.diagnosis, name="diagnosis"),
    path("<uuid:pk>/sign/", views.sign, name="sign"),
    path("<uuid:pk>/amend/", views.amend, name="amend"),
    path("<uuid:pk>/report.pdf", exports_views.report_pdf, name="pdf"),
    path("<uuid:pk>/report.fhir.json", exports_views.report_fhir, name="fhir"),
    path("<uuid:pk>/report.json", exports_views.report_content, name="content"),
    path("worklist.csv", worklist_views.cases_csv, name="csv"),
]
