"""The weights of a version on disk: safetensors, half precision or int8, and the hash by which everyone names them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.special import softmax

from training.data.manifest import DataError
from training.model import quantized
from training.model.network import WIDTH, LeukemiaVGG16

#: Upper bound on a committed weights file, in bytes.
LIMIT = 30_000_000

#: Key of the JSON note in a weights file's header: temperature, threshold, split, version.
NOTE = "hemalens"


def read_note(path: Path) -> dict[str, Any]:
    """The JSON note of a weights file; empty when it has none."""
    with safe_open(path, framework="np") as file:
        return dict(json.loads((file.metadata() or {}).get(NOTE, "{}")))


def from_backbone(path: Path, *, sees: str, enlarged: int) -> LeukemiaVGG16:
    """A network of the given make with the ImageNet convolutions in ``path``, and as wide as they are.

    The file has torchvision's names (``features.0.weight`` ...).

    :raises DataError: when the file is missing or holds other tensors.
    """
    if not path.is_file():
        raise DataError(f"no ImageNet weights at {path}; they come with the data, see docs/model.md")
    state = {name: tensor.float() for name, tensor in load_file(path).items() if name.startswith("features.")}
    width = len(state["features.0.weight"]) if "features.0.weight" in state else WIDTH
    network = LeukemiaVGG16(sees=sees, enlarged=enlarged, width=width)
    missing = [name for name in network.features.state_dict() if f"features.{name}" not in state]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}; it is not a VGG16 in torchvision's names")
    own = network.state_dict().keys()
    network.load_state_dict({name: tensor for name, tensor in state.items() if name in own}, strict=False)
    return network


def save(network: LeukemiaVGG16, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write ``network`` with its convolutions in FP16 or, quantized, int8; everything small in FP32."""
    if quantized.is_quantized(network):
        state = quantized.stored(network)
    else:
        state = {
            name: (tensor.half() if name.startswith("features.") else tensor.float()).contiguous()
            for name, tensor in network.state_dict().items()
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path, metadata=metadata)


def load(path: Path) -> LeukemiaVGG16:
    """Read a version's weights into a network in evaluation mode, FP32 or int8 as the file is.

    :raises DataError: when the file is missing or is not this network.
    """
    if not path.is_file():
        raise DataError(f"no weights at {path}")
    try:
        tensors = load_file(path)
        if quantized.INPUT_SCALE in tensors:
            return quantized.build(tensors)
        network = LeukemiaVGG16.for_state(tensors)
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, RuntimeError, ValueError) as error:
        raise DataError(f"{path} does not hold this network: {error}") from error
    return network.eval().requires_grad_(False)


def probabilities(path: Path, logits: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """The calibrated probabilities [n, 4] that ``logits`` [n, 4] of the network in ``path`` stand for."""
    return np.asarray(softmax(logits / load(path).temperature.item(), axis=1))


def rounded(network: LeukemiaVGG16) -> LeukemiaVGG16:
    """A copy with the convolutions rounded to half precision: what a reader of the saved file will have."""
    copy = network.empty_copy()
    copy.load_state_dict(
        {
            name: tensor.half().float() if name.startswith("features.") else tensor
            for name, tensor in network.state_dict().items()
        }
    )
    return copy.eval().requires_grad_(False)


def deterministic(threads: int, seed: int) -> None:
    """Fix thread count and seeds, so that a resumed run repeats an uninterrupted one."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
