"""Processes of one test run keep out of each other's way."""

import os

from django.conf import settings


def test_the_settings_name_this_process_own_databases() -> None:
    assert settings.CACHES["default"]["LOCATION"] == os.environ["CACHE_URL"]
    assert os.environ["BROKER_URL"] == settings.BROKER_URL
    assert str(settings.MEDIA_ROOT) == os.environ["MEDIA_ROOT"]
