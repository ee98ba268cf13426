"""Whether what was exported answers as the network it was made from; what does not is not delivered.

A clone has no photographs, so the pictures are drawn (``training.data.synthetic``).
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from smear import contract
from smear.classes import CLASSES
from smear.tensor import to_tensor
from training.data.manifest import DataError
from training.data.synthetic import draw

#: Batch sizes tried: one, the least above it, an odd one, and the largest that config.pbtxt admits.
BATCHES: Final = (1, 2, 5, 8)

#: The contract's outputs, in its order.
OUTPUTS: Final = tuple(tensor.name for tensor in contract.OUTPUTS)

#: Largest relative difference (Euclidean norms over an output) of a program from its network. Both do the same
#: operations in single precision; only the order within sums may change with batch size and fusion, which moves the
#: sixth digit. What is wired, normalised or calibrated otherwise differs in the first.
PROGRAM_BOUND: Final = 1e-4

#: The same for integer kernels against FP32 arithmetic that rounds at the same places. A value on the edge between two
#: integers may fall to either side: 1 to 3 % of the activation map. Sums that overflow (oneDNN held to AVX2, without
#: VNNI) make it 62 % on version 3; on random weights they may stay within the bound, so they are asked for by
#: themselves (``quantized.sums_overflow``).
KERNEL_BOUND: Final = 0.1

Program = Callable[[Tensor], Sequence[Tensor]]


def pictures(count: int) -> Tensor:
    """Drawn smears, UINT8 [count, 3, 224, 224], the classes in turn; the same ones each time."""
    random = np.random.default_rng(0)
    drawn = [to_tensor(draw(CLASSES[number % len(CLASSES)], random)) for number in range(count)]
    return torch.from_numpy(np.stack(drawn))


def require_same(
    name: str,
    program: Program,
    network: Program,
    batches: Sequence[int] = BATCHES,
    bound: float = PROGRAM_BOUND,
) -> None:
    """Run ``program`` at each batch size and compare everything it answers with what ``network`` does.

    :raises DataError: when an output has another shape, or differs by more than ``bound``.
    """
    pixels = pictures(max(batches))
    with torch.inference_mode():
        expected = network(pixels)
        for batch in batches:
            answers = program(pixels[:batch])
            if len(answers) != len(OUTPUTS):
                raise DataError(f"{name} answers with {len(answers)} tensors, not {len(OUTPUTS)}")
            for output, answer, wanted in zip(OUTPUTS, answers, expected, strict=True):
                _compare(f"{name}: {output} at batch size {batch}", answer, wanted[:batch], bound)


def _compare(what: str, answer: Tensor, wanted: Tensor, bound: float) -> None:
    if answer.shape != wanted.shape:
        raise DataError(f"{what} has the shape {list(answer.shape)}, not {list(wanted.shape)}")
    difference = float((answer - wanted).norm() / wanted.norm())
    if not difference <= bound:  # NaN is refused too
        raise DataError(
            f"{what} differs by {difference:.1e} from the network it was made from (bound {bound:.0e}); "
            "nothing is written"
        )
