"""Addresses of the operator's pages; ``administration`` says what is in them."""

from django.urls import path

from portal.accounts import admin

urlpatterns = [path("", admin.site.urls)]
