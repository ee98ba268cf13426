"""Addresses of the reading pages."""

from django.urls import URLPattern

app_name = "reading"
urlpatterns: list[URLPattern] = []
