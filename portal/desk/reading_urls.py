"""Addresses of reading, below /cases/."""

from django.urls import path

from portal.desk import reading_views as views

app_name = "reading"
urlpatterns = [
    path("next/", views.take_next, name="next"),
    path("<uuid:pk>/claim/", views.take, name="claim"),
    path("<uuid:pk>/take-over/", views.take_over, name="take_over"),
    path("<uuid:pk>/keep/", views.keep, name="keep"),
    path("<uuid:pk>/release/", views.release, name="release"),
    path("<uuid:pk>/read/", views.read, name="read"),
    path("<uuid:pk>/conclude/", views.conclude, name="conclude"),
    path("<uuid:pk>/adjudicate/", views.adjudicate, name="adjudicate"),
    path("<uuid:pk>/return/", views.send_back, name="return"),
]
