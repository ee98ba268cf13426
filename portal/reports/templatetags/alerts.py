"""The urgent finding of a report, for the report's page."""

from typing import Any

from django import template
from django.http import HttpRequest

from portal.reports.alerts.presenters import ShownAlert, of_report
from portal.reports.models import Diagnosis

register = template.Library()


@register.simple_tag(takes_context=True)
def alert_of(context: dict[str, Any], diagnosis: Diagnosis) -> ShownAlert | None:
    """The alert that the case's report has raised in one of its versions."""
    request: HttpRequest = context["request"]
    return of_report(request, diagnosis)
