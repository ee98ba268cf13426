"""The model's contract, said once: the tensors it takes and gives, its answer, and what is said in codes.

The network (``training.network``), every ``config.pbtxt``, the worker and the portal's columns are held to it
(tests/test_model_contract.py). docs/model.md explains the tensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from smear.classes import CLASSES
from smear.tensor import SIDE


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of the model; ``shape`` is that of one photograph, the batch comes before it."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.datatype} {[-1, *self.shape]}"


#: The labels of PROBABILITIES and of the planes of ACTIVATION_MAP, in their order.
LABELS = CLASSES
#: Cells of the activation map each way.
GRID = 14

IMAGE = Tensor("IMAGE", "UINT8", (3, SIDE, SIDE))
PROBABILITIES = Tensor("PROBABILITIES", "FP32", (len(LABELS),))
ACTIVATION_MAP = Tensor("ACTIVATION_MAP", "FP32", (len(LABELS), GRID, GRID))
EMBEDDING = Tensor("EMBEDDING", "FP32", (512,))
OUTLIER_SCORE = Tensor("OUTLIER_SCORE", "FP32", (1,))
#: In the order in which the network returns them: Triton's PyTorch backends match outputs by position.
OUTPUTS = (PROBABILITIES, ACTIVATION_MAP, EMBEDDING, OUTLIER_SCORE)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the model says about one photograph.

    ``probabilities`` FP32 [4], calibrated, in the order of `LABELS`; ``activation_map`` FP32 [4, 14, 14];
    ``embedding`` FP32 [512]; ``outlier_score`` the distance from the training photographs, 1 for the median one;
    ``seconds`` from claiming the photograph to the answer, 0 where nobody measured it.
    """

    probabilities: NDArray[np.float32]
    activation_map: NDArray[np.float32]
    embedding: NDArray[np.float32]
    outlier_score: float
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """Something for a person: a code, and the values that its words need. The code that shows it makes the words.

    A value is a number, a name, a code that has words of its own (such as a file's kind), or another message.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What is stored and sent: ``{"code": …, "values": {…}}``; a message among the values likewise."""
        values = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return {"code": self.code, "values": values}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_json`. Raises KeyError, TypeError where ``stored`` is something else."""
        values = {
            name: cls.from_json(value) if isinstance(value, Mapping) else value
            for name, value in stored["values"].items()
        }
        return cls(stored["code"], values)
