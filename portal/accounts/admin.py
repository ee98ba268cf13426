"""Django's admin, for the system administrator; changes of state go through services, so most of it only shows."""

from django.contrib import admin
from django.http import HttpRequest

from portal.accounts.models import Laboratory, Membership, User


@admin.register(Laboratory)
class LaboratoryAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "accession_prefix"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ["email", "full_name", "is_active", "is_superuser", "last_login"]
    search_fields = ["email", "full_name"]
    readonly_fields = ["email", "password", "last_login", "date_joined", "is_active"]
    fields = ["email", "full_name", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ["user", "laboratory", "role", "is_active"]
    list_filter = ["laboratory", "role", "is_active"]

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return False
