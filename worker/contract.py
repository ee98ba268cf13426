"""What a served model differs in from the model's contract (``smear.contract``) and from the registered weights.

The contract is what the worker sends and expects back: tensors' names, types and shapes, the order of the
labels, and that the served weights are the ones the portal has registered.
"""

from math import isclose
from typing import Any, Protocol

from smear.contract import IMAGE, LABELS, OUTPUTS, Tensor

#: The smallest ``max_batch_size`` the worker can use: its tensors always have a batch dimension.
SMALLEST_BATCH = 1


class ContractMismatch(Exception):
    """The served model is not the one the portal registered, or not one the worker can talk to.

    Its text is one sentence that lists every difference.
    """


class Registered(Protocol):
    """What the check reads of a ``portal.inference.models.ModelVersion`` row."""

    name: str
    version: int
    sha256: str
    labels: list[str]
    outlier_threshold: float


def differences(registered: Registered, metadata: Any, config: Any, labels: tuple[str, ...]) -> list[str]:
    """Everything a served version differs in, in plain words; empty when it keeps the contract.

    ``metadata`` is Triton's ``ModelMetadataResponse`` and ``config`` its ``ModelConfig`` for the registered
    name and version, ``labels`` what Triton calls the outputs, in their order.
    """
    return [
        *_version(registered, metadata),
        *_tensors("input", (IMAGE,), metadata.inputs),
        *_tensors("output", OUTPUTS, metadata.outputs),
        *_batch(config),
        *_labels(registered, labels),
        *_weights(registered, config),
        *_threshold(registered, config),
    ]


def _version(registered: Registered, metadata: Any) -> list[str]:
    served = list(metadata.versions)
    if metadata.name == registered.name and str(registered.version) in served:
        return []
    return [
        f"asked for {registered.name} version {registered.version}, "
        f"Triton serves {metadata.name} version {', '.join(served) or 'none'}"
    ]


def _tensors(kind: str, expected: tuple[Tensor, ...], served: Any) -> list[str]:
    found = {tensor.name: Tensor(tensor.name, tensor.datatype, tuple(tensor.shape)[1:]) for tensor in served}
    missing = [
        f"{kind} {tensor.name} ({tensor}) is missing" for tensor in expected if tensor.name not in found
    ]
    other = [
        f"{kind} {tensor.name} is {found[tensor.name]}, not {tensor}"
        for tensor in expected
        if tensor.name in found and found[tensor.name] != tensor
    ]
    # An output the worker does not ask for does no harm; an input it does not send does.
    names = {tensor.name for tensor in expected}
    extra = [
        f"input {name} is asked for, which the worker does not send" for name in found if name not in names
    ]
    return [*missing, *other, *(extra if kind == "input" else [])]


def _batch(config: Any) -> list[str]:
    if config.max_batch_size >= SMALLEST_BATCH:
        return []
    return [f"max_batch_size is {config.max_batch_size}, the worker needs at least {SMALLEST_BATCH}"]


def _labels(registered: Registered, served: tuple[str, ...]) -> list[str]:
    found = [("served", served), ("registered", tuple(registered.labels))]
    return [
        f"{kind} labels are {', '.join(labels) or 'absent'}, not {', '.join(LABELS)}"
        for kind, labels in found
        if labels != LABELS
    ]


def _weights(registered: Registered, config: Any) -> list[str]:
    served = _parameter(config, f"weights_sha256:{registered.version}")
    if served == registered.sha256:
        return []
    return [f"weights are {_short(served)}, registered are {_short(registered.sha256)}"]


def _threshold(registered: Registered, config: Any) -> list[str]:
    served = _parameter(config, f"outlier_threshold:{registered.version}")
    try:
        same = isclose(float(served), registered.outlier_threshold, rel_tol=1e-6)
    except ValueError:
        same = False
    if same:
        return []
    return [f"outlier threshold is {served or 'not given'}, registered is {registered.outlier_threshold:g}"]


def _parameter(config: Any, key: str) -> str:
    # Reading an absent key of a protobuf map by [] would create it.
    return config.parameters[key].string_value if key in config.parameters else ""


def _short(sha256: str) -> str:
    return f"sha256 {sha256[:12]}…" if sha256 else "without a hash"
