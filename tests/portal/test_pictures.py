"""Photographs that take too much, and a reader that is away or dies, in the user's words."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import File
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django.fixtures import Settings

from portal.cases import pictures
from portal.cases.photographs import read_photograph
from portal.errors import FileRefused
from smear.tensor import to_tensor
from tests.confined.servers import running
from tests.factories import photograph


def large(mode: str = "RGB", format: str = "PNG") -> SimpleUploadedFile:
    """36 megapixels in few bytes; one such picture takes 138 MB."""
    buffer = io.BytesIO()
    flat = Image.new(mode, (6000, 6000), (200, 120, 160, 255)[: len(mode)])
    flat.save(buffer, format, compress_level=1, quality=75)
    return SimpleUploadedFile("field", buffer.getvalue())


def test_a_photograph_beyond_the_memory_of_one_job_is_refused_in_words(
    settings: Settings, tmp_path: Path
) -> None:
    settings.CONFINED_SOCKETS = tmp_path
    with running("pictures", tmp_path, PICTURE_MEMORY_MB="64"):
        with pytest.raises(FileRefused, match="more memory than this installation allows") as caught:
            read_photograph(large())
        assert caught.value.code == "too_much_memory"
        assert read_photograph(photograph()).fields["width"] > 0


@pytest.mark.parametrize(
    ("mode", "format", "memory"), [("RGB", "PNG", "210"), ("RGB", "JPEG", "210"), ("RGBA", "PNG", "350")]
)
def test_no_more_copies_of_a_picture_are_made_than_it_takes(
    mode: str, format: str, memory: str, settings: Settings, tmp_path: Path
) -> None:
    settings.CONFINED_SOCKETS = tmp_path
    with running("pictures", tmp_path, PICTURE_MEMORY_MB=memory):
        fields = read_photograph(large(mode, format)).fields
        assert fields["width"] == 6000


def test_the_tensor_is_the_one_that_smear_makes() -> None:
    upload = photograph(size=(640, 480))
    with Image.open(upload) as opened:
        expected = to_tensor(opened.convert("RGB"))
    upload.seek(0)
    assert np.array_equal(pictures.tensor(File(upload.file)), expected)


def test_a_stored_photograph_that_is_none_is_unreadable() -> None:
    with pytest.raises(pictures.Unreadable):
        pictures.tensor(File(io.BytesIO(os.urandom(1000))))
