"""Addresses of the health checks, below /health/. With and without a last slash: probes follow no redirects."""

from django.urls import re_path

from portal.api.health import live, ready

app_name = "health"
urlpatterns = [
    re_path(r"^live/?$", live, name="live"),
    re_path(r"^ready/?$", ready, name="ready"),
]
