"""``python -m benchmarks.int8``: what the int8 network takes of the FP32 network's time, in one interleaved run.

Four programs answer the same drawn photographs in turn, so that whatever else the machine does falls on all of them
alike: the FP32 network as Python runs it (the reference), its TorchScript, the int8 TorchScript, and FP32 by
``torch.export``. Nothing has to run; weights come from the model repository. The exit status is 1 when int8 takes
more than its share of the reference's time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import machine, table
from training.deliver import parity
from training.deliver.export import to_exported_program, to_torchscript
from training.model import quantize, weights
from training.model.network import LeukemiaVGG16
from training.model.repository import INT8_MODEL, MODEL

#: The int8 TorchScript's time has to be at most this share of the eager FP32 network's.
BAR = 0.4

BATCHES = (1, 8)

#: Calls of each program that are not counted: the first ones at a batch size compile and choose kernels.
WARM_UP = 3

REFERENCE, INT8 = "FP32, eager", "int8, TorchScript"

Program = Callable[[Tensor], Any]


def main() -> int:
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    path = arguments.weights or _newest(MODEL)
    fp32 = weights.load(path)
    if arguments.int8:
        int8 = weights.load(arguments.int8)
    elif (variant := INT8_MODEL / path.parent.name / path.name).exists():
        int8 = weights.load(variant)
    else:
        int8 = _provisional(fp32)
    programs: dict[str, Program] = {
        REFERENCE: fp32,
        "FP32, TorchScript": to_torchscript(fp32),
        "FP32, torch.export": to_exported_program(fp32).module(),
        INT8: to_torchscript(int8),
    }
    results: dict[str, Any] = {"machine": machine(), "threads": arguments.threads, "weights": str(path)}
    print(f"\n{results['machine']}, {arguments.threads} threads, {path}\n")
    shares = []
    for batch in BATCHES:
        times = measure(programs, parity.pictures(batch), arguments.repeat)
        rows = [_row(name, taken, times[REFERENCE]) for name, taken in times.items()]
        print(table(f"Batch of {batch}, seconds", rows))
        results[f"batch {batch}"] = rows
        shares.append(_share(times[INT8], times[REFERENCE]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    kept = max(shares) <= BAR
    print(f"int8 takes at most {max(shares):.0%} of the eager network's time; the bar is {BAR:.0%}.")
    return 0 if kept else 1


def measure(programs: dict[str, Program], pixels: Tensor, repeat: int) -> dict[str, list[float]]:
    """Seconds of ``repeat`` calls of each program, one of each in turn."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    with torch.inference_mode():
        for number in range(WARM_UP + repeat):
            for name, program in programs.items():
                began = perf_counter()
                program(pixels)
                if number >= WARM_UP:
                    times[name].append(perf_counter() - began)
    return times


def _row(name: str, taken: list[float], reference: list[float]) -> dict[str, Any]:
    return {
        "program": name,
        "n": len(taken),
        "median": round(statistics.median(taken), 4),
        "least": round(min(taken), 4),
        "share of FP32, eager": f"{_share(taken, reference):.1%}",
    }


def _share(taken: list[float], reference: list[float]) -> float:
    return statistics.median(taken) / statistics.median(reference)


def _newest(model: Path) -> Path:
    return max(model.glob("*/weights.safetensors"), key=lambda path: int(path.parent.name))


def _provisional(fp32: LeukemiaVGG16) -> LeukemiaVGG16:
    """An int8 network for its speed alone, where none has been delivered: scales from drawn photographs."""
    print("No int8 weights beside these: quantized for this run, on drawn photographs.")
    with quantize.observed(fp32) as seen, torch.inference_mode():
        fp32(parity.pictures(8))
    return quantize.quantize(fp32, seen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.int8", description=__doc__)
    parser.add_argument("--weights", type=Path, help="of the FP32 network (default: the newest version)")
    parser.add_argument("--int8", type=Path, help="of the int8 network (default: the same version's)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=20, help="counted calls of each program (default: 20)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
