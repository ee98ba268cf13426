"""The worker's gRPC client for NVIDIA Triton: every call names a model version and carries a deadline.

Three things are easy to get wrong with this library and are decided here, once:

* a gRPC channel does not survive a fork, so :func:`triton` opens it on first use and again in a child;
* ``channel_args`` replaces the client's own arguments, so the message size limits are set again beside
  the reconnect times (gRPC's default backs off for up to two minutes after a server was restarted);
* an error is either *later* (:class:`TritonUnavailable`) or *never* (:class:`TritonRejected`).
"""

import os
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
import stamina
from django.conf import settings
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException

from smear import contract
from smear.contract import Answer

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
CHANNEL_ARGUMENTS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Notices a server that vanished without closing the connection (a lost node, a dropped network).
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # The server is a neighbour: a proxy in the environment is meant for other traffic.
    ("grpc.enable_http_proxy", 0),
)

#: Seconds for a question that needs no inference.
SHORT_DEADLINE = 5.0

#: gRPC codes that say "not now": the same request may succeed later. A killed server or a backend that Triton
#: starts again shows as any of these, by the moment it was hit; a job's attempts bound the tries.
PASSING = frozenset(
    f"StatusCode.{code}"
    for code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "INTERNAL", "UNKNOWN")
)


class TritonUnavailable(Exception):
    """Triton is down, starting or too slow. The same request may succeed later."""


class TritonRejected(Exception):
    """Triton refused the request or answered what no model of ours answers. Trying again will not help."""


class TritonClient:
    """One connection to one Triton server. Safe to share between threads.

    ``deadline`` bounds every call, in seconds. Only :meth:`infer` tries again; the questions about the model
    are asked by those who come back by themselves.
    """

    def __init__(self, url: str, *, deadline: float) -> None:
        self.url = url
        self.deadline = deadline
        self._short_deadline = min(deadline, SHORT_DEADLINE)
        self._server = InferenceServerClient(url, channel_args=list(CHANNEL_ARGUMENTS))

    def close(self) -> None:
        self._server.close()

    def infer(
        self, model: str, version: str, images: NDArray[np.uint8], *, retry_for: float = 0.0
    ) -> tuple[Answer, ...]:
        """Ask one version of one model about a batch of photographs.

        ``images`` is uint8 [B, 3, 224, 224] as ``smear.tensor`` makes it; the answers come in its order.
        A server that is restarting is waited for, ``retry_for`` seconds in all.

        Raises ``TritonUnavailable`` when there was no answer in time, ``TritonRejected`` when Triton
        refused or the answer is not of the contract's shape.
        """
        outputs = [InferRequestedOutput(tensor.name) for tensor in contract.OUTPUTS]
        give_up_at = monotonic() + retry_for
        for attempt in stamina.retry_context(
            on=TritonUnavailable,
            attempts=None if retry_for else 1,
            timeout=retry_for or None,
            wait_initial=0.1,
            wait_max=2.0,
            wait_jitter=0.2,
        ):
            with attempt:
                left = self.deadline if attempt.num == 1 else max(0.1, give_up_at - monotonic())
                result = self._infer(model, version, images, outputs, min(self.deadline, left))
        return _answers(result, len(images))

    def metadata(self, model: str, version: str) -> Any:
        """The served version's ``ModelMetadataResponse``: tensors' names, types and shapes."""
        return self._ask(partial(self._server.get_model_metadata, model, version), self._short_deadline)

    def config(self, model: str, version: str) -> Any:
        """The served version's ``ModelConfig`` as Triton loaded it."""
        return self._ask(partial(self._server.get_model_config, model, version), self._short_deadline).config

    def labels(self, model: str, version: str) -> tuple[str, ...]:
        """The labels Triton itself puts on the outputs, in the outputs' order.

        They are in no metadata, so a grey picture is classified by Triton's classification extension,
        which answers ``value:index:label`` for each output.
        """
        grey = np.full((1, *contract.IMAGE.shape), 128, dtype=np.uint8)
        ranked = InferRequestedOutput(contract.PROBABILITIES.name, class_count=len(contract.LABELS))
        found = self._infer(model, version, grey, [ranked], self.deadline).as_numpy(
            contract.PROBABILITIES.name
        )
        if found is None:
            raise TritonRejected(f"Triton left out {contract.PROBABILITIES.name}.")
        rows = [bytes(row).decode().split(":", 2) for row in found.ravel()]
        by_index = sorted((int(row[1]), row[2] if len(row) > 2 else "") for row in rows)
        return tuple(label for _, label in by_index)

    def _infer(
        self,
        model: str,
        version: str,
        images: NDArray[np.uint8],
        outputs: list[InferRequestedOutput],
        deadline: float,
    ) -> InferResult:
        tensor = InferInput(contract.IMAGE.name, list(images.shape), contract.IMAGE.datatype)
        tensor.set_data_from_numpy(np.ascontiguousarray(images))
        ask = partial(
            self._server.infer,
            model,
            [tensor],
            model_version=version,
            outputs=outputs,
            # Triton drops a queued request that nobody waits for any more.
            timeout=int(deadline * 1_000_000),
        )
        return self._ask(ask, deadline)

    def _ask(self, call: Callable[..., Any], deadline: float) -> Any:
        try:
            return call(client_timeout=deadline)
        except InferenceServerException as error:
            if error.status() in PASSING:
                raise TritonUnavailable(_sentence(error, self.url, deadline)) from error
            raise TritonRejected(f"Triton refused the request: {error.message()}") from error


def _sentence(error: InferenceServerException, url: str, deadline: float) -> str:
    if error.status() == "StatusCode.DEADLINE_EXCEEDED":
        return f"Triton at {url} did not answer within {deadline:.1f} s."
    return f"Triton at {url} is not reachable or not ready: {error.message()}"


def _answers(result: InferResult, count: int) -> tuple[Answer, ...]:
    arrays = {tensor.name: _output(result, tensor, count) for tensor in contract.OUTPUTS}
    probabilities = arrays[contract.PROBABILITIES.name]
    if not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise TritonRejected("The model's probabilities do not add up to one.")
    return tuple(
        Answer(
            probabilities=probabilities[i],
            activation_map=arrays[contract.ACTIVATION_MAP.name][i],
            embedding=arrays[contract.EMBEDDING.name][i],
            outlier_score=float(arrays[contract.OUTLIER_SCORE.name][i, 0]),
        )
        for i in range(count)
    )


def _output(result: InferResult, tensor: contract.Tensor, count: int) -> NDArray[np.float32]:
    array = result.as_numpy(tensor.name)
    expected = (count, *tensor.shape)
    if array is None:
        raise TritonRejected(f"Triton left out {tensor.name}.")
    if array.shape != expected or array.dtype != np.float32:
        raise TritonRejected(
            f"{tensor.name} came as {array.dtype} {list(array.shape)}, not float32 {list(expected)}."
        )
    if not np.isfinite(array).all():
        raise TritonRejected(f"{tensor.name} holds values that are not numbers.")
    checked: NDArray[np.float32] = array
    return checked


_lock = threading.Lock()
_client: TritonClient | None = None
_client_pid: int | None = None


def triton() -> TritonClient:
    """This process's client for the server in the settings, opened on first use."""
    global _client, _client_pid
    with _lock:
        if _client is None or _client_pid != os.getpid():
            _client = TritonClient(settings.TRITON_GRPC_URL, deadline=settings.TRITON_DEADLINE_SECONDS)
            _client_pid = os.getpid()
        return _client
