"""Addresses of pages for mails and paper: with the site's own address."""

from typing import Any

from django.conf import settings
from django.urls import reverse


def absolute(view: str, *args: Any) -> str:
    """The whole address of a view, from the name and arguments that ``reverse`` takes."""
    return str(settings.SITE_URL).rstrip("/") + reverse(view, args=args)
