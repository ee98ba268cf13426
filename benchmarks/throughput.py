"""What tritonserver alone can do, by batch size and number of requests under way.

``perf_analyzer``, Triton's own load generator, does not install on Debian 12.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.report import spread
from smear.contract import IMAGE
from worker.triton import TritonClient

#: Without a version Triton takes the newest it serves.
VERSION = ""
BATCHES = (1, 4, 8)
CONCURRENT = (1, 2, 4)


def measure(address: str, model: str, seconds: float) -> list[dict[str, Any]]:
    """A row for each batch size and concurrency of the served ``model``, each measured for ``seconds``.

    Latencies are of one request.
    """
    client = TritonClient(address, deadline=60)
    try:
        return [_row(client, model, batch, requests, seconds) for batch in BATCHES for requests in CONCURRENT]
    finally:
        client.close()


def _row(client: TritonClient, model: str, batch: int, requests: int, seconds: float) -> dict[str, Any]:
    images = np.random.default_rng(0).integers(0, 256, (batch, *IMAGE.shape), dtype=np.uint8)
    client.infer(model, VERSION, images)
    began = perf_counter()

    def keep_asking(_: int) -> list[float]:
        times = []
        while perf_counter() - began < seconds:
            asked = perf_counter()
            client.infer(model, VERSION, images)
            times.append(perf_counter() - asked)
        return times

    with ThreadPoolExecutor(requests) as pool:
        times = [time for found in pool.map(keep_asking, range(requests)) for time in found]
    per_second = len(times) * batch / (perf_counter() - began)
    row = spread("", times)
    return {
        "batch": batch,
        "requests at once": requests,
        "photographs/s": round(per_second, 2),
        "median s": row["median"],
        "p95 s": row["p95"],
    }
