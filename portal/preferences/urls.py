"""The address of a person's preferences."""

from django.urls import path

from portal.preferences import views as preference_views

app_name = "preferences"
urlpatterns = [path("", preference_views.edit, name="edit")]
