"""Worklists kept by name: what of an address is kept, and how it is saved and forgotten."""

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.cases.models import SavedFilter
from portal.desk.filters import CaseFilter
from portal.errors import Invalid
from portal.text import clean_line

#: So many fit above the list and can still be distinguished.
MOST = 24


def kept_query(entered: QueryDict) -> str:
    """The filters and the sorting of an address in one order, so that the same list has the same text."""
    names = sorted([*CaseFilter.base_filters, "sort"])
    kept = QueryDict(mutable=True)
    for name in names:
        values = [value for value in entered.getlist(name) if value and "\x00" not in value]
        if values:
            kept.setlist(name, values)
    return kept.urlencode()


@transaction.atomic
def save_filter(by: User, *, name: str, query: str) -> SavedFilter:
    """Keep a list under a name. A name that is taken gets the new list; a list that is kept gets the new name.

    Raises Invalid.
    """
    name, query = clean_line(" ".join(name.split()), field="name"), kept_query(QueryDict(query))
    if not name or len(name) > SavedFilter.NAME_LENGTH:
        raise Invalid(_("Enter a name of up to 60 characters for the filter."), field="name")
    if not query or len(query) > SavedFilter.QUERY_LENGTH:
        raise Invalid(_("Choose some filters first, then save them."), field="query")
    User.objects.select_for_update().get(pk=by.pk)
    named = by.saved_filters.filter(name__iexact=name).first()
    same = by.saved_filters.filter(query=query).first()
    if named is not None and same is not None and named != same:
        same.delete()
        same = None
    saved = named or same
    if saved is None:
        if by.saved_filters.count() >= MOST:
            raise Invalid(
                _("You have saved %(count)d filters. Remove one that you no longer use.") % {"count": MOST}
            )
        saved = SavedFilter(user=by)
    saved.name, saved.query = name, query
    saved.save()
    return saved


def forget_filter(by: User, pk: int) -> None:
    """Remove one of the person's saved filters, if it is there."""
    by.saved_filters.filter(pk=pk).delete()
