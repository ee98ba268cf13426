"""Addresses of urgent findings."""

from django.urls import path

from portal.reports.alerts import views as alert_views

app_name = "alerts"
urlpatterns = [
    path("", alert_views.alerts, name="list"),
    path("<int:pk>/acknowledge/", alert_views.acknowledge, name="acknowledge"),
    path("<int:pk>/mail-again/", alert_views.mail_again, name="mail_again"),
    path("<int:pk>/hand-over/", alert_views.hand_over, name="hand_over"),
]
