"""Photographs drawn for the browser tests, and files that are none."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload


def draw_field(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A stained field: pink background, pale red cells, a few violet ones."""
    rng = np.random.default_rng(seed)
    noise = rng.normal((228, 212, 222), 5, (size[1], size[0], 3))
    field = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(field)
    for count, radius, colour in ((60, 16, (205, 160, 180)), (9, 30, (112, 58, 150))):
        for x, y in rng.uniform((0, 0), size, (count, 2)):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return field


def save(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def upload(name: str, content: bytes, mime: str = "image/jpeg") -> FilePayload:
    """A file as Playwright's ``set_input_files`` takes it."""
    return {"name": name, "mimeType": mime, "buffer": content}


def photograph(seed: int, name: str = "") -> FilePayload:
    return upload(name or f"field-{seed}.jpg", save(draw_field(seed), "JPEG", quality=90))


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size; its pixels are never reached."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bad_files() -> dict[str, tuple[FilePayload, int, str]]:
    """Files that are refused: the file, the status, and a part of what is said beside it.

    Status 0 stands for a file that the page refuses before it sends anything.
    """
    field = draw_field(90)
    frames = [draw_field(91, (96, 96)), draw_field(92, (96, 96))]
    deep = Image.fromarray((np.asarray(field.convert("L")).astype(np.uint16)) * 256)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
    return {
        "text": (upload("notes.jpg", b"Dear colleague, " * 40), 415, "JPEG"),
        "svg": (upload("drawing.svg", svg, "image/svg+xml"), 415, "SVG"),
        "truncated": (upload("cut.jpg", save(field, "JPEG")[:9000]), 422, "incomplete or damaged"),
        "animated": (
            upload(
                "moving.webp", save(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "image/webp"
            ),
            422,
            "several pictures",
        ),
        "cmyk": (upload("print.jpg", save(field.convert("CMYK"), "JPEG")), 422, "CMYK"),
        "deep": (upload("deep.png", save(deep, "PNG"), "image/png"), 422, "8 bits"),
        "huge": (upload("slide.png", _png_header(30_000, 30_000), "image/png"), 422, "megapixels"),
        "empty": (upload("empty.jpg", b""), 0, "The file is empty"),
    }
