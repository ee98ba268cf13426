"""Addresses of the quick look."""

from django.urls import path

from portal.quick_look import views

app_name = "inference"
urlpatterns = [
    path("", views.quick_look, name="quick_look"),
    path("<uuid:pk>/", views.quick_look_result, name="quick_look_result"),
    path("<uuid:pk>/live/", views.live, name="quick_look_live"),
    path("<uuid:pk>/photograph/", views.photograph, name="quick_look_photograph"),
    path("<uuid:pk>/heat/<str:label>.png", views.heat_map, name="quick_look_heat_map"),
    path("<uuid:pk>/discard/", views.discard, name="quick_look_discard"),
    path("<uuid:pk>/make-case/", views.make_case, name="quick_look_make_case"),
]
