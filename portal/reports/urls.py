"""Addresses of diagnoses."""

from django.urls import path

from portal.reports import views

app_name = "reports"
urlpatterns = [
    path("<uuid:pk>/diagnosis/", views.diagnosis, name="diagnosis"),
    path("<uuid:pk>/sign/", views.sign, name="sign"),
    path("<uuid:pk>/amend/", views.amend, name="amend"),
]
