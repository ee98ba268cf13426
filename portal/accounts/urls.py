"""Addresses of the user administration and of invitations."""

from django.urls import path

from portal.accounts import invitation_views, views

app_name = "accounts"
urlpatterns = [
    path("", views.users, name="users"),
    path("<slug:slug>/invite/", views.invite, name="invite"),
    path("invitations/<int:pk>/send/", views.send_invitation_again, name="send_invitation_again"),
    path("invitations/<int:pk>/revoke/", views.revoke_invitation, name="revoke_invitation"),
    path("invitation/", invitation_views.invitation, name="invitation"),
    path("invitation/<str:token>/", invitation_views.open_link, name="accept_invitation"),
    path("members/<int:pk>/role/", views.set_role, name="set_role"),
    path("members/<int:pk>/deactivate/", views.deactivate, name="deactivate"),
    path("members/<int:pk>/reactivate/", views.reactivate, name="reactivate"),
]
