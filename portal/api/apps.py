"""The Django app of the API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the API's schema extensions."""

    name = "portal.api"
