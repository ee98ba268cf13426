"""Addresses of reading."""

from django.urls import path

from portal.reading import views

app_name = "reading"
urlpatterns = [path("<uuid:pk>/read/", views.read, name="read")]
