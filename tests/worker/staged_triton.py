"""A gRPC server that speaks Triton's protocol and misbehaves on demand: the faults a real one seldom has."""

import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2, service_pb2_grpc


@dataclass
class Staged(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc] # tritonclient has no types
    """Answers as the contract asks, unless told otherwise."""

    #: gRPC codes to answer with before the first good answer
    failures: list[grpc.StatusCode] = field(default_factory=list)
    #: hold every inference until ``released`` is set
    hang: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    #: replaces an output's array
    replace: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    #: what the client sent: (model, version, shape of IMAGE, timeout in µs)
    seen: list[tuple[str, str, tuple[int, ...], int]] = field(default_factory=list)

    def ModelInfer(  # noqa: N802 - the protocol's name
        self, request: service_pb2.ModelInferRequest, context: grpc.ServicerContext
    ) -> service_pb2.ModelInferResponse:
        batch = request.inputs[0].shape[0]
        self.seen.append(
            (
                request.model_name,
                request.model_version,
                tuple(request.inputs[0].shape),
                request.parameters["timeout"].int64_param,
            )
        )
        if self.hang:
            self.released.wait(30)
        if self.failures:
            context.abort(self.failures.pop(0), "staged")
        response = service_pb2.ModelInferResponse(
            model_name=request.model_name, model_version=request.model_version
        )
        arrays = {
            "PROBABILITIES": np.tile(np.array([0.7, 0.1, 0.1, 0.1], dtype=np.float32), (batch, 1)),
            "ACTIVATION_MAP": np.zeros((batch, 4, 14, 14), dtype=np.float32),
            "EMBEDDING": np.zeros((batch, 512), dtype=np.float32),
            "OUTLIER_SCORE": np.arange(batch, dtype=np.float32).reshape(batch, 1),
        } | self.replace
        for wanted in request.outputs:
            array = arrays[wanted.name]
            response.outputs.add(name=wanted.name, datatype="FP32", shape=array.shape)
            response.raw_output_contents.append(array.tobytes())
        return response


@contextmanager
def serving(staged: Staged, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve ``staged`` and give its ``host:port``."""
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(staged, server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        staged.released.set()
        server.stop(grace=None).wait()


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
