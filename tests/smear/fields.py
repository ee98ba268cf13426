"""Drawn smear fields, and the files that are stored for them."""

import io
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from smear.decode import DecodedImage, Encoded

#: What Pillow is told when it saves a file of some format.
Options = dict[str, object]


class FieldMaker(Protocol):
    """Makes an RGB picture of a drawn field."""

    def __call__(self, width: int = 160, height: int = 120, seed: int = 1) -> Image.Image: ...


class FileMaker(Protocol):
    """Makes the bytes of a file that Pillow saves."""

    def __call__(self, image: Image.Image, format: str, **options: object) -> bytes: ...


def draw_field(width: int = 160, height: int = 120, seed: int = 1) -> Image.Image:
    """Return an RGB picture like a stained field: pale ground, a few purple cells, sensor noise."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (232, 208, 214))
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        radius = int(random.integers(6, 18))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(112, 58, 146))
    smooth = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), dtype=np.int16)
    noisy = smooth + random.normal(0, 3, smooth.shape).astype(np.int16)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def stored_file(decoded: DecodedImage) -> tuple[bytes, Encoded]:
    """The file that is stored for a decoded photograph, and what it says of it."""
    buffer = io.BytesIO()
    told = decoded.encode(buffer)
    return buffer.getvalue(), told
