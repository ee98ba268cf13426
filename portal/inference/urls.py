"""Addresses of the inference pages."""

from django.urls import URLPattern

app_name = "inference"
urlpatterns: list[URLPattern] = []
