"""Addresses of notifications."""

from django.urls import path

from portal.desk import notification_views as views

app_name = "notifications"
urlpatterns = [
    path("", views.notifications, name="list"),
    path("bell/", views.bell, name="bell"),
    path("read/", views.read_all, name="read_all"),
    path("<int:pk>/", views.open_notification, name="open"),
]
