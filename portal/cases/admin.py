"""Django's admin shows cases and changes none: changes go through services."""

from django.contrib import admin
from django.http import HttpRequest

from portal.cases.models import Case


@admin.register(Case)
class CaseAdmin(admin.ModelAdmin):
    list_display = ["accession", "laboratory", "state", "priority", "created_at"]
    list_filter = ["laboratory", "state", "priority"]
    search_fields = ["accession"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False
