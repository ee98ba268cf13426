"""Addresses of markers."""

from django.urls import path

from portal.annotations import views

app_name = "annotations"
urlpatterns = [
    path("images/<uuid:pk>/markers/", views.markers, name="markers"),
    path("markers/<uuid:pk>/", views.marker, name="marker"),
]
