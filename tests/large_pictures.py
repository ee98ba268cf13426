"""Photographs of 100 megapixels in small files, sent several at once; what a system may take for them."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from PIL import Image, ImageDraw

SIDE = 10_000
#: How many are sent at once: from the pages and by the API alike.
AT_ONCE = 6
FORMATS = ("PNG", "JPEG")
#: Megabytes; what Hemalens wants each web process and the worker to stay below. Those that read pictures have bounds.
BARS = {"web": 400, "worker": 600}
#: Sends a file into a case: the case's id, the file's name and content.
Upload = Callable[[str, str, bytes], object]


def draw_large(seed: int, format: str) -> tuple[str, bytes]:
    """Name and content of a file of 100 megapixels in few bytes: a pale ground with drawn cells."""
    image = Image.new("RGB", (SIDE, SIDE), (228, 205, 215))
    draw = ImageDraw.Draw(image)
    for number in range(40):
        x, y = (7919 * (number + 1) + 211 * seed) % SIDE, (104_729 * (number + 1)) % SIDE
        draw.ellipse((x - 250, y - 250, x + 250, y + 250), fill=(120, 70 + seed, 150))
    buffer = io.BytesIO()
    image.save(buffer, format, quality=90, compress_level=1)
    return f"field-{seed}.{format.lower()}", buffer.getvalue()


def send(case_id: str, files: list[tuple[Upload, str, bytes]]) -> list[float]:
    """Upload files into a case at once, each through its door; the seconds of each."""

    def one(file: tuple[Upload, str, bytes]) -> float:
        upload, name, content = file
        began = perf_counter()
        upload(case_id, name, content)
        return perf_counter() - began

    with ThreadPoolExecutor(len(files)) as pool:
        return list(pool.map(one, files))
