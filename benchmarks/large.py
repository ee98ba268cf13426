"""Photographs of 100 megapixels: how long one takes and six at once, and the most memory they cost.

And what it costs an ordinary photograph that it is read in a process of its own.
"""

from __future__ import annotations

import io
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.latency import wait_predicted
from benchmarks.report import spread
from confined.client import scratch, server_in
from smear.decode import decode
from smear.quality import assess
from tests.large_pictures import AT_ONCE, BARS, FORMATS, draw_large, send
from tests.live import wait_for
from tests.peaks import Peak, Peaks
from tests.portal_client import Api, Browser, draw_photograph

THUMBNAIL_EDGE = 320
ROUNDS = 3
#: What the portal asks for when a photograph is uploaded.
ARGUMENTS = {"filename": "field.jpg", "max_bytes": 50 * 2**20, "thumbnail_edge": THUMBNAIL_EDGE}

Rows = list[dict[str, Any]]


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
        wait_for(lambda: not any(pictures.ping().values()), "the tiles to be built", 300)
    return times, [_memory(name, peaks.found[name], bar) for name, bar in (BARS | {"pictures": ""}).items()]


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
