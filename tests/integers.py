"""Sums of int8 products that are exact, or overflow, whatever the processor: in place of the integer kernels.

A test may depend on what the arithmetic gives, never on the machine it runs on.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from training.model import quantized

#: What a sum of 16 bits can hold.
LEAST, MOST = -32768, 32767


def let_sums_be_exact(patch: pytest.MonkeyPatch) -> None:
    """Let int8 networks be right on a processor whose kernels overflow, and scriptable as ever."""
    if quantized.sums_overflow():
        patch.setattr(quantized.Convolution, "forward", _exact)


def let_sums_overflow(patch: pytest.MonkeyPatch) -> None:
    """Hold every sum of products to 16 bits, as oneDNN does its pairs on a processor without VNNI."""
    patch.setattr(quantized.Convolution, "forward", _overflowing)


def _exact(self: quantized.Convolution, maps: Tensor) -> Tensor:
    weight, bias = torch.ops.quantized.conv2d_unpack(self.packed)
    maps = functional.conv2d(maps.dequantize(), weight.dequantize(), bias, padding=1).relu()
    return torch.quantize_per_tensor(maps, self.scale, 0, torch.quint8)


def _overflowing(self: quantized.Convolution, maps: Tensor) -> Tensor:
    weight, bias = torch.ops.quantized.conv2d_unpack(self.packed)
    levels = maps.int_repr().float() - maps.q_zero_point()
    sums = functional.conv2d(levels, weight.int_repr().float(), padding=1).clamp(LEAST, MOST)
    scales = maps.q_scale() * weight.q_per_channel_scales().float()
    maps = (sums * scales.reshape(-1, 1, 1) + bias.reshape(-1, 1, 1)).relu()
    return torch.quantize_per_tensor(maps, self.scale, 0, torch.quint8)
