"""Reads about markers. A reader's markers are part of the reader's answer, so they are as blind as that."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.accounts.selectors import laboratories_for
from portal.annotations.models import Marker
from portal.cases.models import Case, SmearImage
from portal.reading.blind import sees_reads


def markers_for(user: User, image: SmearImage) -> QuerySet[Marker]:
    """The markers of a visible photograph that the person may see, the oldest first.

    Their own, those of people who do not read, and readers' once the person may see their answers.
    """
    markers = image.markers.filter(removed_at=None).select_related("author")
    if sees_reads(user, image.case):
        return markers
    return markers.filter(Q(author=user) | Q(by_reader=False))


def marker_for(user: User, marker_id: UUID) -> Marker:
    """One marker that the person may see. Raises Marker.DoesNotExist."""
    marker = Marker.objects.select_related("image__case__laboratory", "author").get(
        pk=marker_id, image__case__laboratory__in=laboratories_for(user)
    )
    if marker.author_id != user.pk and marker.by_reader and not sees_reads(user, marker.image.case):
        raise Marker.DoesNotExist
    return marker


def marker_record(case: Case) -> list[dict[str, Any]]:
    """Every marker of a case for its signed record, by photograph and time.

    Each is ``{"position", "x", "y", "note", "author", "at"}``: the photograph's number, shares of its width and
    height, and an ISO time.
    """
    markers = Marker.objects.filter(image__case=case, removed_at=None).select_related("image", "author")
    return [
        {
            "position": marker.image.position,
            "x": marker.x,
            "y": marker.y,
            "note": marker.note,
            "author": marker.author.full_name,
            "at": marker.created_at.isoformat(),
        }
        for marker in markers.order_by("image__position", "created_at")
    ]
