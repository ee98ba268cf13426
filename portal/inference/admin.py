"""Django's admin: model versions and jobs, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portal.inference.models import Job, ModelVersion


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ["name", "version", "sha256", "is_active", "registered_at"]


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["pk", "case", "state", "attempt_count", "queued_at", "started_at", "finished_at", "error"]
    list_filter = ["state", "model_version"]
