"""What the operator's pages show. People come by invitation, and roles change on the page Users, so most only shows."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest

from portal import fonts
from portal.accounts.administration import site
from portal.accounts.models import Laboratory, Membership, User

__all__ = ["site"]


class Closed(admin.ModelAdmin):  # type: ignore[type-arg] # of any model
    """Neither adds, changes nor deletes, and is searched by nothing but what it lists."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Its page would list what depends on the row: cases and reports.
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """A parameter of the address must not ask about what hangs on the row (``?case__…=``)."""
        return lookup.split("__")[0] in {str(one) for one in self.list_filter}


class Named(Closed):
    """Says when a name that was changed cannot be printed on reports."""

    printed_field = ""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if words := fonts.warning([getattr(obj, self.printed_field)]):
            messages.warning(request, words)


@admin.register(Laboratory, site=site)
class LaboratoryAdmin(Named):
    printed_field = "name"
    list_display = ["name", "slug", "accession_prefix"]
    readonly_fields = ["slug"]
    fields = ["name", "slug", "accession_prefix"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(User, site=site)
class UserAdmin(Named):
    printed_field = "full_name"
    list_display = ["email", "full_name", "is_active", "is_staff", "is_superuser", "last_login"]
    search_fields = ["email", "full_name"]
    readonly_fields = ["email", "is_active", "last_login", "date_joined"]
    fields = ["email", "full_name", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Membership, site=site)
class MembershipAdmin(Closed):
    list_display = ["user", "laboratory", "role", "is_active"]
    list_filter = ["laboratory", "role", "is_active"]
