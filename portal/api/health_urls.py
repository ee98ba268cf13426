"""Addresses of the health checks."""

from django.urls import URLPattern

app_name = "health"
urlpatterns: list[URLPattern] = []
