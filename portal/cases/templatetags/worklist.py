"""What the worklist's templates need."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def age(since: datetime) -> str:
    """How long ago a time was, in its largest unit: 12 min, 3 h, 5 d."""
    passed = max(timezone.now() - since, timedelta())
    if passed < timedelta(hours=1):
        return _("%(number)d min") % {"number": passed // timedelta(minutes=1)}
    if passed < timedelta(days=2):
        return _("%(number)d h") % {"number": passed // timedelta(hours=1)}
    return _("%(number)d d") % {"number": passed.days}
