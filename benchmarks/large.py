"""Photographs of 100 megapixels: how long one takes and six at once, and the most memory they cost.

And what it costs an ordinary photograph that it is read in a process of its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.latency import wait_predicted
from benchmarks.peaks import Peak, Peaks
from benchmarks.portal_client import Api, Browser, draw_photograph, wait_until
from benchmarks.report import spread
from confined.client import scratch, server_in
from smear.decode import decode
from smear.quality import assess

SIDE = 10_000
#: How many are sent at once: from the pages and by the API alike.
AT_ONCE = 6
FORMATS = ("PNG", "JPEG")
THUMBNAIL_EDGE = 320
#: Megabytes; what Hemalens wants each web process and the worker to stay below. Those that read pictures have bounds.
BARS: dict[str, int | str] = {"web": 400, "worker": 600, "pictures": ""}
ROUNDS = 3
#: What the portal asks for when a photograph is uploaded.
ARGUMENTS = {"filename": "field.jpg", "max_bytes": 50 * 2**20, "thumbnail_edge": THUMBNAIL_EDGE}

Rows = list[dict[str, Any]]
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


def measure(api: Api, browser: Browser, processes: dict[str, int], sockets: Path) -> tuple[Rows, Rows]:
    """Rows of seconds, and of megabytes at most by process; ``sockets`` is where the picture server listens."""
    drawn = [draw_large(number, format) for number in range(AT_ONCE // len(FORMATS)) for format in FORMATS]
    times = []
    with Peaks({name: processes[name] for name in ("web", "worker", "pictures")}) as peaks:
        for format, file in zip(FORMATS, drawn, strict=False):
            alone = [
                seconds for _ in range(ROUNDS) for seconds in send(api.new_case(), [(api.upload, *file)])
            ]
            times.append(spread(f"{format} of 100 megapixels: upload alone", alone))
        case_id = api.new_case()
        doors = [api.upload, browser.upload] * (AT_ONCE // 2)
        together = send(case_id, [(door, *file) for door, file in zip(doors, drawn, strict=True)])
        times.append(spread("three PNG and three JPEG at once: each upload", together))
        began = perf_counter()
        api.submit(case_id)
        wait_predicted(api, case_id)
        times.append(spread("the same six: from submission to the last prediction", [perf_counter() - began]))
        pictures = server_in(sockets, "pictures")
        wait_until(lambda: not any(pictures.ping().values()), "the tiles to be built", 300)
    return times, [_memory(name, peaks.found[name], bar) for name, bar in BARS.items()]


def send(case_id: str, files: list[tuple[Upload, str, bytes]]) -> list[float]:
    """Upload files into a case at once, each through its door; the seconds of each."""

    def one(file: tuple[Upload, str, bytes]) -> float:
        upload, name, content = file
        began = perf_counter()
        upload(case_id, name, content)
        return perf_counter() - began

    with ThreadPoolExecutor(len(files)) as pool:
        return list(pool.map(one, files))


def ordinary(sockets: Path, repeat: int) -> Rows:
    """Rows for an ordinary photograph that is read in this process, and in one of its own, by turns."""
    pictures = server_in(sockets, "pictures")
    here, apart = [], []
    for number in range(repeat + 1):
        content = draw_photograph(5000 + number)
        began = perf_counter()
        decoded = decode(io.BytesIO(content), filename="field.jpg")
        decoded.thumbnail(THUMBNAIL_EDGE)
        assess(decoded.image)
        with scratch() as stored:
            decoded.encode(stored)
        here.append(perf_counter() - began)
        began = perf_counter()
        with scratch() as stored, scratch() as thumbnail:
            pictures.run("photograph", ARGUMENTS, io.BytesIO(content), [stored, thumbnail])
        apart.append(perf_counter() - began)
    # The first of each imports and warms up.
    return [
        spread("an ordinary photograph, read in the process that asks", here[1:]),
        spread("the same, read in a process of its own", apart[1:]),
    ]


def _memory(name: str, peak: Peak, bar: int | str) -> dict[str, Any]:
    return {
        "process": name,
        "largest": round(peak.largest),
        "bar": bar,
        "all together": round(peak.together),
        "children at once": peak.children,
    }
