"""Drawn smear fields: every picture in these tests is made here."""

import io

import pytest
from PIL import Image

from tests.smear.fields import FieldMaker, FileMaker, draw_field


@pytest.fixture(scope="session")
def smear_field() -> FieldMaker:
    """Return a function (width, height, seed) -> RGB picture of a drawn field."""
    return draw_field


@pytest.fixture(scope="session")
def as_file() -> FileMaker:
    """Return a function (image, format, **save options) -> bytes of that file."""

    def save(image: Image.Image, format: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        return buffer.getvalue()

    return save
