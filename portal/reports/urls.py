"""Addresses of diagnoses."""

from django.urls import path

from portal.reports import views

app_name = "reports"
urlpatterns = [path("<uuid:pk>/diagnosis/", views.diagnosis, name="diagnosis")]
