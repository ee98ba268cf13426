"""Where arithmetic may be shortened: bfloat16 in training where the processor has units for it.

Convolutions in bfloat16 are four to five times as fast as in single precision on processors with AMX tiles and on
GPUs, and many times slower elsewhere on CPUs. Only what trains is computed so; whatever is published, calibrated or
exported is computed in single precision.
"""

import contextlib
from collections.abc import Iterator

import torch

from training.data.manifest import DataError

PRECISIONS = ("auto", "bfloat16", "float32")


def device() -> torch.device:
    """The GPU where there is one (with ``torchrun`` the process's own), else the CPU."""
    return (
        torch.device("cuda", torch.cuda.current_device())
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


def has_fast_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())


@contextlib.contextmanager
def shortened(precision: str) -> Iterator[None]:
    """Run convolutions and products in bfloat16 when ``precision`` says so, or says auto and it pays.

    :raises DataError: when ``precision`` is none of :data:`PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise DataError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    use = precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16())
    with torch.autocast(device().type, dtype=torch.bfloat16, enabled=use):
        yield
