"""Addresses at which a hash is verified; the QR codes on paper hold them, so they stay."""

from django.urls import path, register_converter

from portal.reports.exports import views


class Sha256Converter:
    """64 hexadecimal digits, small letters."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Sha256Converter, "sha256")

app_name = "verify"
urlpatterns = [
    path("", views.verify_form, name="form"),
    path("<sha256:sha256>/", views.verify_hash, name="hash"),
]
