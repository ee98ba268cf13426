"""Static quantization after training: from an FP32 network and training photographs to an int8 one.

Each convolution's result gets the scale with the least squared rounding error over the calibration photographs
(as TensorRT and torch's HistogramObserver choose it, by a search over the histogram); the figures behind that
choice are in ``docs/decisions/0011-int8.md``. Weights are scaled by the largest of each output channel. The
input needs no photographs: pixels minus their mean lie in a known range.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from training.data.manifest import DataError
from training.model import quantized
from training.model.network import LeukemiaVGG16
from training.model.quantized import ACTIVATION_LEVELS, WEIGHT_LEVELS

#: Bins of a histogram, an even number.
BINS = 4096

#: Largest values that are tried as the end of the integers' range, evenly spaced up to the largest seen.
CANDIDATES = 100


class Histogram:
    """Counts of non-negative values in bins of one width, which doubles when a larger value comes."""

    def __init__(self) -> None:
        self.counts = np.zeros(BINS)
        self.top = 0.0

    def add(self, values: Tensor) -> None:
        """Count ``values``, FP32 of any shape, none negative."""
        most = float(values.max())
        self.top = self.top or most
        if not self.top:
            return
        while most > self.top:
            folded = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([folded, np.zeros_like(folded)])
            self.top *= 2
        self.counts += torch.histc(values, BINS, min=0, max=self.top).double().numpy()

    def scale(self) -> float:
        """The step between integers 0 to 255 with the least squared error, in the values' unit.

        :raises DataError: when no value was above zero.
        """
        filled = np.flatnonzero(self.counts)
        if not filled.size:
            raise DataError("a layer answers nothing to the calibration photographs; give other ones")
        width = self.top / BINS
        centres = (np.arange(BINS) + 0.5) * width

        def loss(scale: float) -> float:
            rounded = np.round(centres / scale).clip(max=ACTIVATION_LEVELS) * scale
            return float(self.counts @ np.square(rounded - centres))

        ends = (filled[-1] + 1) * width * np.arange(1, CANDIDATES + 1) / CANDIDATES
        return float(min(ends / ACTIVATION_LEVELS, key=loss))


@contextmanager
def observed(network: LeukemiaVGG16) -> Iterator[dict[int, Histogram]]:
    """Count what each convolution of ``network`` answers after its ReLU, by its index in ``features``.

    Run the calibration photographs through the network inside; training photographs, no others.
    """
    seen = {
        index: Histogram() for index, layer in enumerate(network.features) if isinstance(layer, nn.Conv2d)
    }

    def counting(histogram: Histogram) -> Callable[[nn.Module, object, Tensor], None]:
        return lambda _module, _inputs, answer: histogram.add(answer)

    handles = [
        # The ReLU is the layer after its convolution.
        network.features[index + 1].register_forward_hook(counting(one))
        for index, one in seen.items()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def quantize(network: LeukemiaVGG16, seen: dict[int, Histogram]) -> LeukemiaVGG16:
    """The int8 network of an FP32 one and what :func:`observed` saw of it.

    Head and buffers are copied. Temperature and outlier statistics are among them and still the FP32 network's: fit
    them anew (``training.deliver.int8_model``).

    :raises DataError: when nothing was observed.
    """
    return quantized.build(_tensors(network, seen))


def _tensors(network: LeukemiaVGG16, seen: dict[int, Histogram]) -> dict[str, Tensor]:
    """The tensors of the weights file, see :func:`training.model.quantized.stored`."""
    kept = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("features.")}
    least, most = -float(network.pixel_mean.max()), 255 - float(network.pixel_mean.min())
    step = (most - least) / ACTIVATION_LEVELS
    kept[quantized.INPUT_SCALE] = torch.tensor([step])
    kept[quantized.INPUT_ZERO_POINT] = torch.tensor([round(-least / step)], dtype=torch.int32)
    for index, layer in enumerate(network.features):
        if not isinstance(layer, nn.Conv2d):
            continue
        # A channel without weights keeps the scale 1.
        largest = layer.weight.detach().abs().amax(dim=(1, 2, 3))
        scale = torch.where(largest > 0, largest / WEIGHT_LEVELS, torch.ones_like(largest))
        integers = (layer.weight.detach() / scale.reshape(-1, 1, 1, 1)).round()
        kept |= {
            f"features.{index}.weight": integers.to(torch.int8),
            f"features.{index}.weight_scale": scale,
            f"features.{index}.bias": cast(Tensor, layer.bias).detach(),
            f"features.{index}.scale": torch.tensor([seen[index].scale()]),
        }
    return kept
