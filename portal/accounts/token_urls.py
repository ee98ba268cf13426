"""Addresses of a person's API tokens."""

from django.urls import path

from portal.accounts import token_views

app_name = "tokens"
urlpatterns = [
    path("", token_views.tokens, name="list"),
    path("revoke/", token_views.revoke_all, name="revoke_all"),
    path("<uuid:public_id>/revoke/", token_views.revoke, name="revoke"),
]
