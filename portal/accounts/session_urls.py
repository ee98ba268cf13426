"""Addresses of the session itself: who is signed in, and where a sign-in in a window of its own ends."""

from django.urls import path

from portal.accounts import session_views

app_name = "session"
urlpatterns = [
    path("", session_views.session, name="current"),
    path("resumed/", session_views.resumed, name="resumed"),
]
