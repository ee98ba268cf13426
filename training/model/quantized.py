"""The int8 network: :class:`training.model.network.LeukemiaVGG16` with convolutions in eight-bit integers.

Weights are int8, symmetric, one scale for each output channel; activations uint8, one scale for each tensor. Only
``features`` is exchanged, layer by layer at the same indices, and FP32 comes out of every block. So ``seen``,
``logits``, ``outlier_score`` and ``forward`` are the FP32 network's own, calibration works on either network, and
the activation map is exact for the int8 network's own logits.

All that knows of torch's quantized tensors is in this module: torch deprecates them since 2.13
(https://github.com/pytorch/pytorch/issues/184982). ``docs/decisions/0011-int8.md`` says what comes after.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.model.network import LeukemiaVGG16

#: What computes the integer convolutions; it takes symmetric weights only.
ENGINE = "onednn"

#: Largest integers of weights (-127 to 127) and activations (0 to 255).
WEIGHT_LEVELS, ACTIVATION_LEVELS = 127, 255

#: Names of the two numbers in a weights file by which pixels minus their mean become integers.
INPUT_SCALE, INPUT_ZERO_POINT = "features.0.input_scale", "features.0.input_zero_point"


class Quantize(nn.Module):
    """FP32 to uint8: ``round(x / scale) + zero_point``, clipped to 0..255."""

    def __init__(self, scale: float, zero_point: int) -> None:
        super().__init__()
        self.scale = scale
        self.zero_point = zero_point

    def forward(self, maps: Tensor) -> Tensor:
        return torch.quantize_per_tensor(maps, self.scale, self.zero_point, torch.quint8)


class Dequantize(nn.Module):
    """uint8 to FP32: ``(q - zero_point) * scale``."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.dequantize()


class Convolution(nn.Module):
    """A 3 x 3 convolution and its ReLU, uint8 to uint8.

    :param weight: int8 [out, in, 3, 3]; ``weight_scale`` FP32 [out]; ``bias`` FP32 [out].
    :param scale: of the result; its zero point is 0, because nothing is negative after a ReLU.
    """

    def __init__(self, weight: Tensor, weight_scale: Tensor, bias: Tensor, scale: float) -> None:
        super().__init__()
        scales = weight_scale.double()
        exact = torch.quantize_per_channel(
            _dequantized(weight, weight_scale), scales, torch.zeros_like(scales).long(), 0, torch.qint8
        )
        self.packed = torch.ops.quantized.conv2d_prepack(exact, bias, [1, 1], [1, 1], [1, 1], 1)
        self.scale = scale

    def forward(self, maps: Tensor) -> Tensor:
        answer: Tensor = torch.ops.quantized.conv2d_relu(maps, self.packed, self.scale, 0)
        return answer

    def stored(self) -> dict[str, Tensor]:
        """The four tensors a weights file keeps of this layer."""
        weight, bias = torch.ops.quantized.conv2d_unpack(self.packed)
        return {
            "weight": weight.int_repr(),
            "weight_scale": weight.q_per_channel_scales().float(),
            "bias": bias.detach(),
            "scale": torch.tensor([self.scale]),
        }


class SimulatedConvolution(nn.Module):
    """:class:`Convolution` in FP32 arithmetic, rounding where that one rounds."""

    def __init__(self, weight: Tensor, weight_scale: Tensor, bias: Tensor, scale: float) -> None:
        super().__init__()
        self.weight, self.bias = _dequantized(weight, weight_scale), bias
        self.scale = scale

    def forward(self, maps: Tensor) -> Tensor:
        maps = functional.conv2d(maps, self.weight, self.bias, padding=1).relu()
        return torch.fake_quantize_per_tensor_affine(maps, self.scale, 0, 0, ACTIVATION_LEVELS)


class SimulatedQuantize(Quantize):
    """:class:`Quantize` that stays in FP32."""

    def forward(self, maps: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(maps, self.scale, self.zero_point, 0, ACTIVATION_LEVELS)


def build(tensors: Mapping[str, Tensor], *, simulated: bool = False) -> LeukemiaVGG16:
    """The int8 network out of the tensors of a weights file, in evaluation mode.

    :param simulated: in FP32 arithmetic instead, slow: what the integer kernels have to agree with, see
        :func:`sums_overflow`.
    :raises RuntimeError: when tensors are missing or have other shapes.
    """
    rest = {name: tensor.float() for name, tensor in tensors.items() if not name.startswith("features.")}
    try:
        network = LeukemiaVGG16.for_state(tensors)
        with engine():
            network.features = _features(tensors, list(network.features), simulated=simulated)
    except KeyError as error:
        raise RuntimeError(f"{error.args[0]} is missing") from error
    network.load_state_dict(rest)
    return network.eval().requires_grad_(False)


def is_quantized(network: nn.Module) -> bool:
    """Whether ``network`` is an int8 one."""
    return any(isinstance(part, Convolution) for part in network.modules())


def stored(network: LeukemiaVGG16) -> dict[str, Tensor]:
    """What a weights file keeps of an int8 network; :func:`build` is the way back.

    Convolutions as int8 ``weight``, FP32 ``weight_scale`` [out], ``bias`` [out] and ``scale`` of the result [1]; the
    scale [1] and zero point (INT32 [1]) of the input; head and buffers as in the FP32 network.
    """
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    entry = next(part for part in network.modules() if isinstance(part, Quantize))
    kept[INPUT_SCALE] = torch.tensor([entry.scale])
    kept[INPUT_ZERO_POINT] = torch.tensor([entry.zero_point], dtype=torch.int32)
    for index, layer in enumerate(network.features):
        for part in layer.modules():
            if isinstance(part, Convolution):
                kept |= {f"features.{index}.{name}": tensor for name, tensor in part.stored().items()}
    return {name: tensor.contiguous() for name, tensor in kept.items()}


def sums_overflow() -> bool:
    """Whether this processor's kernels compute a convolution of integers wrongly.

    Asked of one convolution of the largest integers. Without VNNI, oneDNN adds pairs of products in 16 bits
    (``vpmaddubsw``): 2 * 255 * 127 is more than they hold. Some kernels without VNNI widen first and are right,
    so the question is put to the arithmetic, not to the processor's name.
    """
    channels = 64
    products = channels * 9
    with engine(), torch.inference_mode():
        convolution = Convolution(
            weight=torch.full((1, channels, 3, 3), WEIGHT_LEVELS, dtype=torch.int8),
            weight_scale=torch.tensor([1 / WEIGHT_LEVELS]),
            bias=torch.zeros(1),
            scale=products / ACTIVATION_LEVELS,
        )
        ones = torch.quantize_per_tensor(
            torch.ones(1, channels, 16, 16), 1 / ACTIVATION_LEVELS, 0, torch.quint8
        )
        centre = convolution(ones).int_repr()[0, 0, 8, 8]
    # all products are 1, so their sum is the largest integer, or beside it by rounding
    return int(centre) < ACTIVATION_LEVELS - 1


@contextmanager
def engine() -> Iterator[None]:
    """Pack weights for :data:`ENGINE` (torch has one for the whole process), without torch's note on deprecation."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = ENGINE
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.quantize_per_tensor, torch.quantize_per_channel")
            yield
    finally:
        torch.backends.quantized.engine = before


def _features(tensors: Mapping[str, Tensor], layers: list[nn.Module], *, simulated: bool) -> nn.Sequential:
    """The FP32 network's ``layers`` in integers, at their indices; ReLUs are part of their convolutions."""
    convolution = SimulatedConvolution if simulated else Convolution
    quantize = SimulatedQuantize if simulated else Quantize
    dequantize = nn.Identity if simulated else Dequantize
    scale, zero_point = float(tensors[INPUT_SCALE]), int(tensors[INPUT_ZERO_POINT])
    starts_block = True
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.Conv2d):
            kept = {name: tensors[f"features.{index}.{name}"] for name in ("weight", "weight_scale", "bias")}
            if kept["weight"].shape != layer.weight.shape:
                raise RuntimeError(f"features.{index}.weight has the shape {list(kept['weight'].shape)}")
            entry = [quantize(scale, zero_point)] if starts_block else []
            # Between blocks the same scale takes FP32 back to the same integers.
            scale, zero_point, starts_block = float(tensors[f"features.{index}.scale"]), 0, False
            layers[index] = nn.Sequential(*entry, convolution(**kept, scale=scale))
        elif isinstance(layer, nn.MaxPool2d):
            layers[index], starts_block = nn.Sequential(layer, dequantize()), True
        else:
            layers[index] = nn.Identity()
    # What is last has to answer in FP32: a max-pool does already, block 5 ends with a ReLU.
    return nn.Sequential(*layers) if starts_block else nn.Sequential(*layers[:-1], dequantize())


def _dequantized(weight: Tensor, scale: Tensor) -> Tensor:
    return weight.float() * scale.reshape(-1, 1, 1, 1)
