"""Addresses of the worklist, of filing a case and of the case page."""

from django.urls import path

from portal.desk import filing_views, tile_views, views, worklist_views

app_name = "cases"
urlpatterns = [
    path("", worklist_views.worklist, name="worklist"),
    path("filters/", worklist_views.save_filter, name="save_filter"),
    path("filters/<int:pk>/remove/", worklist_views.forget_filter, name="forget_filter"),
    path("assign/", worklist_views.assign, name="assign"),
    path("new/", filing_views.new, name="new"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/edit/", filing_views.edit, name="edit"),
    path("<uuid:pk>/live/", views.live, name="live"),
    path("<uuid:pk>/cancel/", filing_views.cancel, name="cancel"),
    path("<uuid:pk>/images/", filing_views.add_image, name="add_image"),
    path("images/<uuid:pk>/", views.photograph, name="photograph"),
    path("images/<uuid:pk>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("images/<uuid:pk>/tiles.dzi", tile_views.tile_descriptor, name="tiles"),
    path("images/<uuid:pk>/tiles_files/<int:level>/<int:column>_<int:row>.jpg", tile_views.tile, name="tile"),
    path("images/<uuid:pk>/heat/<str:label>.png", views.heat_map, name="heat_map"),
    path("images/<uuid:pk>/remove/", filing_views.remove_image, name="remove_image"),
]
