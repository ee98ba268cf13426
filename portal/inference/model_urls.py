"""Addresses of the pages about the model."""

from django.urls import path

from portal.inference import model_views as views

app_name = "models"
urlpatterns = [
    path("", views.current, name="current"),
    path("<slug:name>/<int:number>/", views.version, name="version"),
]
