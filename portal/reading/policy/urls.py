"""Address of the page on which a laboratory decides how it reads."""

from django.urls import path

from portal.reading.policy import views as policy_views

app_name = "reading_policy"
urlpatterns = [path("reading/", policy_views.edit, name="edit")]
