"""tritonserver from the wheel with the Python-based ``pytorch`` backend, on a tiny model of the contract's kind."""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pytest
import requests
import torch
from grpc import RpcError
from numpy.typing import NDArray
from tritonclient import grpc
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

from embedded.control import ask
from embedded.errors import EmbeddedError
from embedded.settings import ROOT
from embedded.state import VarFolder
from embedded.supervisor import Supervisor
from embedded.triton import server
from tests.live import wait_for

CONFIG = """
name: "tiny"
platform: "pytorch_libtorch"
max_batch_size: 4
input [ { name: "IMAGE" data_type: TYPE_UINT8 dims: [ 3, -1, 8 ] } ]
output [
  { name: "MEANS" data_type: TYPE_FP32 dims: [ 3 ] },
  { name: "FIRST" data_type: TYPE_FP32 dims: [ 1 ] }
]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { max_queue_delay_microseconds: 1000 }
parameters { key: "INTRA_OP_THREAD_COUNT" value { string_value: "1" } }
"""

Pixels = NDArray[np.uint8]


class Served(NamedTuple):
    """The var folder of a running tritonserver, a client, and the addresses of its two doors."""

    var: VarFolder
    client: grpc.InferenceServerClient
    grpc_address: str
    http_address: str


class Tiny(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if image.shape[2] == 13:
            raise ValueError("thirteen")
        pixels = image.to(torch.float32)
        return pixels.mean((2, 3)), pixels[:, 0, 0, :1]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "tiny" / "1").mkdir(parents=True)
    (folder / "tiny" / "config.pbtxt").write_text(CONFIG)
    torch.jit.script(Tiny()).save(str(folder / "tiny" / "1" / "model.pt"))
    return folder


def start(var: Path, repository: Path) -> subprocess.Popen[str]:
    embedded = [sys.executable, "-m", "embedded", "--parent", str(os.getpid()), "--var", str(var)]
    return subprocess.Popen(
        [*embedded, "services", "--only", "triton"],
        env={**os.environ, "MODEL_REPOSITORY": str(repository), "MODEL_NAME": "tiny"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Served]:
    var = VarFolder(tmp_path_factory.mktemp("triton") / "var")
    process = start(var.path, repository)
    assert process.stdout is not None
    addresses = json.loads(process.stdout.readline())
    with grpc.InferenceServerClient(addresses["TRITON_GRPC_URL"]) as client:
        yield Served(var, client, addresses["TRITON_GRPC_URL"], addresses["TRITON_HTTP_URL"])
    process.terminate()
    assert process.wait(60) == 0


def infer(client: grpc.InferenceServerClient, images: Pixels) -> grpc.InferResult:
    wanted = grpc.InferInput("IMAGE", list(images.shape), "UINT8")
    wanted.set_data_from_numpy(images)
    return client.infer("tiny", [wanted], client_timeout=10)


def pictures(batch: int, height: int = 16) -> Pixels:
    return np.random.default_rng(batch).integers(0, 256, (batch, 3, height, 8), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_every_value_arrives_and_comes_back(served: Served, batch: int) -> None:
    images = pictures(batch)
    answer = infer(served.client, images)
    np.testing.assert_allclose(answer.as_numpy("MEANS"), images.mean((2, 3)), rtol=1e-5)
    assert answer.as_numpy("FIRST").tolist() == images[:, 0, 0, :1].astype(float).tolist()


def test_requests_that_are_batched_together_get_their_own_answers(served: Served) -> None:
    client = served.client
    batches = [pictures(1 + number % 2, 16) + np.uint8(number) for number in range(12)]
    answers: dict[int, tuple[grpc.InferResult, InferenceServerException | None]] = {}
    for number, images in enumerate(batches):
        wanted = grpc.InferInput("IMAGE", list(images.shape), "UINT8")
        wanted.set_data_from_numpy(images)
        client.async_infer(
            "tiny", [wanted], lambda result, error, n=number: answers.update({n: (result, error)})
        )
    wait_for(lambda: len(answers) == len(batches), "all answers", 20)
    for number, images in enumerate(batches):
        result, error = answers[number]
        assert error is None
        np.testing.assert_allclose(result.as_numpy("MEANS"), images.mean((2, 3)), rtol=1e-5)


def test_thread_counts_of_the_configuration_are_honoured() -> None:
    code = (
        "import sys, types; sys.modules['triton_python_backend_utils'] = types.ModuleType('only inside the server')\n"
        "import torch; from embedded.triton.pytorch_backend import TritonPythonModel\n"
        "given = {'INTRA_OP_THREAD_COUNT': '3', 'INTER_OP_THREAD_COUNT': '2', 'ENABLE_JIT_PROFILING': 'false'}\n"
        "TritonPythonModel._configure_torch(given)\n"
        "print(torch.get_num_threads(), torch.get_num_interop_threads(), torch.backends.quantized.engine)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["3", "2", "onednn"]


@pytest.mark.parametrize(
    ("shape", "words"),
    [((1, 3, 16, 9), "unexpected shape"), ((1, 1, 16, 8), "unexpected shape"), ((5, 3, 16, 8), "<= 4")],
)
def test_a_wrong_shape_is_refused(served: Served, shape: tuple[int, int, int, int], words: str) -> None:
    with pytest.raises(InferenceServerException, match=words):
        infer(served.client, np.zeros(shape, dtype=np.uint8))


#: Every call of Triton's gRPC service with which more can be done than ask for answers, health and what is served.
CLOSED_CALLS = {
    "ModelStatistics": service_pb2.ModelStatisticsRequest(),
    "RepositoryIndex": service_pb2.RepositoryIndexRequest(),
    "RepositoryModelLoad": service_pb2.RepositoryModelLoadRequest(model_name="tiny"),
    "RepositoryModelUnload": service_pb2.RepositoryModelUnloadRequest(model_name="tiny"),
    "SystemSharedMemoryStatus": service_pb2.SystemSharedMemoryStatusRequest(),
    "SystemSharedMemoryRegister": service_pb2.SystemSharedMemoryRegisterRequest(name="x", key="/x"),
    "SystemSharedMemoryUnregister": service_pb2.SystemSharedMemoryUnregisterRequest(),
    "CudaSharedMemoryStatus": service_pb2.CudaSharedMemoryStatusRequest(),
    "CudaSharedMemoryRegister": service_pb2.CudaSharedMemoryRegisterRequest(name="x"),
    "CudaSharedMemoryUnregister": service_pb2.CudaSharedMemoryUnregisterRequest(),
    "TraceSetting": service_pb2.TraceSettingRequest(),
    "LogSettings": service_pb2.LogSettingsRequest(),
}
OPEN_CALLS = {"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelConfig"}
OPEN_CALLS |= {"ModelInfer", "ModelStreamInfer"}
#: What Triton answers over HTTP besides health.
CLOSED_PAGES = [
    *("GET /v2", "GET /v2/models/tiny", "GET /v2/models/tiny/config"),
    *("GET /v2/models/stats", "GET /v2/models/tiny/stats", "GET /v2/models/tiny/versions/1/stats"),
    *("POST /v2/models/tiny/infer", "POST /v2/models/tiny/generate", "POST /v2/models/tiny/generate_stream"),
    *("POST /v2/repository/index", "POST /v2/repository/models/tiny/load"),
    "POST /v2/repository/models/tiny/unload",
    *("GET /v2/trace/setting", "POST /v2/trace/setting"),
    *("GET /v2/models/tiny/trace/setting", "POST /v2/models/tiny/trace/setting"),
    *("GET /v2/logging", "POST /v2/logging"),
    *(
        f"{method} /v2/{kind}sharedmemory/{what}"
        for kind in ("system", "cuda")
        for method, what in (
            *(("GET", "status"), ("GET", "region/x/status"), ("POST", "region/x/register")),
            *(("POST", "unregister"), ("POST", "region/x/unregister")),
        )
    ),
]


def restrictions(var: VarFolder) -> list[str]:
    """The two restricting arguments of the running server, as anybody on the machine reads them."""
    command = psutil.Process(var.read_run()["processes"]["triton"]["pid"]).cmdline()
    return [
        argument.split("=", 1)[1] for argument in command if argument.split("=")[0] in server.CLOSED_TO_ALL
    ]


def test_every_call_that_could_change_or_watch_the_server_is_refused(served: Served) -> None:
    client = served.client
    known = {
        method.name for method in service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods
    }
    assert known == set(CLOSED_CALLS) | OPEN_CALLS, "a call that is new: open it, or close it"
    for name, request in CLOSED_CALLS.items():
        with pytest.raises(RpcError, match="restricted"):
            getattr(client._client_stub, name)(request, timeout=10)
    assert client.get_model_metadata("tiny").name == "tiny"
    assert client.get_model_config("tiny").config.name == "tiny"
    assert infer(client, pictures(1)).as_numpy("MEANS").shape == (1, 3)


@pytest.mark.parametrize("page", CLOSED_PAGES)
def test_over_http_the_server_answers_for_its_health_and_nothing_else(served: Served, page: str) -> None:
    method, path = page.split()
    answer = requests.request(
        method, served.http_address + path, data="{}" if method == "POST" else None, timeout=10
    )
    assert (answer.status_code, "restricted" in answer.text) == (403, True)


def test_health_is_open_and_there_are_no_metrics(served: Served) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/tiny/versions/1/ready"):
        assert requests.get(served.http_address + path, timeout=10).status_code == 200
    process = psutil.Process(served.var.read_run()["processes"]["triton"]["pid"])
    ports = {int(address.rpartition(":")[2]) for address in (served.grpc_address, served.http_address)}
    listening = {c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN}
    assert {address.port for address in listening} == ports
    assert all(address.ip.endswith("127.0.0.1") for address in listening)


def test_what_stands_in_the_process_list_opens_nothing(served: Served) -> None:
    """Whoever reads the arguments sends the header all the same, byte by byte, since no client library would."""
    for found in restrictions(served.var):
        key, value = found.split(":", 1)[1].rsplit("=", 1)
        assert (key, len(value) > 40) == (server.KEY, True)
        assert b"restricted" in raw_http(served.http_address, key, value)
        assert raw_grpc(served.grpc_address, "legal-key", value).count(b"restricted") == 1
        opened = raw_grpc(served.grpc_address, key, value)
        assert opened
        assert b"tiny" not in opened


def exchange(address: str, message: bytes) -> bytes:
    """Send bytes, and read until the other side is done or says nothing for a second."""
    host, port = address.rsplit("/", 1)[-1].split(":")
    answer = b""
    with (
        socket.create_connection((host, int(port)), timeout=1) as connection,
        contextlib.suppress(TimeoutError),
    ):
        connection.sendall(message)
        while part := connection.recv(65536):
            answer += part
    return answer


def raw_http(url: str, key: str, value: str) -> bytes:
    lines = ("GET /v2/logging HTTP/1.1", "Host: triton", f"{key}: {value}", "Connection: close", "", "")
    return exchange(url, "\r\n".join(lines).encode())


def raw_grpc(address: str, key: str, value: str) -> bytes:
    """Ask for the repository's index over HTTP/2 with a header of any name (RFC 9113; literals of RFC 7541)."""

    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":authority": "triton",
        ":path": "/inference.GRPCInferenceService/RepositoryIndex",
        "te": "trailers",
        "content-type": "application/grpc",
        f"triton-grpc-protocol-{key}": value,
    }
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(text)]) + text.encode()
        for name, text in headers.items()
    )
    empty_message = bytes(5)
    return exchange(
        address,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(4, 0, 0, b"")
        + frame(1, 4, 1, block)
        + frame(0, 1, 1, empty_message),
    )


def test_an_error_inside_the_model_is_an_answer_and_not_the_end(served: Served) -> None:
    client = served.client
    with pytest.raises(InferenceServerException, match=r"the model failed: .*thirteen"):
        infer(client, pictures(1, 13))
    assert infer(client, pictures(1)).as_numpy("MEANS").shape == (1, 3)


def test_a_stub_that_dies_is_noticed_and_the_server_started_again(served: Served) -> None:
    var, client = served.var, served.client
    pid = var.read_run()["processes"]["triton"]["pid"]
    stubs = [child for child in psutil.Process(pid).children() if child.name().startswith("triton_python")]
    stubs[0].kill()

    def again() -> bool:
        process = var.read_run()["processes"]["triton"]
        return bool(process["state"] == "ready" and process["pid"] != pid)

    wait_for(again, "tritonserver to come back")
    wait_for(client.is_server_ready, "the client to see it")
    assert infer(client, pictures(2)).as_numpy("MEANS").shape == (2, 3)


def test_a_killed_server_takes_a_hanging_stub_with_it(served: Served) -> None:
    """A stub in the middle of its work does not notice that its server is gone."""
    var = served.var
    pid = var.read_run()["processes"]["triton"]["pid"]
    stub = next(child for child in psutil.Process(pid).children() if child.name().startswith("triton_python"))
    stub.suspend()
    os.kill(pid, signal.SIGKILL)
    assert psutil.wait_procs([stub], timeout=20)[1] == []
    wait_for(lambda: var.read_run()["processes"]["triton"]["state"] == "ready", "tritonserver to come back")


def test_a_killed_server_leaves_no_shared_memory(served: Served) -> None:
    var = served.var
    command = psutil.Process(var.read_run()["processes"]["triton"]["pid"]).cmdline()
    named = re.search(r"shm-region-prefix-name=(\S+)", " ".join(command))
    assert named
    prefix = named.group(1)
    assert len(list(server._SHARED_MEMORY.glob(f"{prefix}*"))) == 1
    ask(var, "kill", "triton")
    assert list(server._SHARED_MEMORY.glob(f"{prefix}*")) == []
    ask(var, "start", "triton")


def test_a_model_file_that_is_none_is_named(tmp_path: Path, repository: Path) -> None:
    broken = tmp_path / "models" / "tiny"
    (broken / "1").mkdir(parents=True)
    (broken / "config.pbtxt").write_text(CONFIG)
    (broken / "1" / "model.pt").write_bytes(b"half a download")
    process = start(tmp_path / "var", tmp_path / "models")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    said = errors.splitlines()[0]
    assert said.startswith("The model server cannot load the model tiny: ")
    assert said.endswith(
        "model.pt is no TorchScript model: PytorchStreamReader failed reading zip archive: not a ZIP archive."
    )


def test_a_missing_library_is_named_with_the_package_that_has_it() -> None:
    output = "triton_python_backend_stub: error while loading shared libraries: libpython3.11.so.1.0: "
    output += "cannot open shared object file: No such file or directory"
    assert server._explain(None, output) == (
        "The model server's Python stub needs the library libpython3.11.so.1.0: "
        "get it with 'apt-get install libpython3.11'."
    )


def test_a_stub_without_its_libraries_is_named_before_the_deadline(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself would wait for its stub for ever."""
    monkeypatch.setattr(server, "_environment", lambda wheel: {"PATH": os.defpath})
    var = VarFolder(tmp_path / "var")
    var.create()
    supervisor = Supervisor(var, True, lambda message: None, lambda: None)
    supervisor.add(server.spec(var.path / "triton", repository, "tiny", var.ports(), 60))
    try:
        supervisor.start(["triton"])
        with pytest.raises(EmbeddedError, match="Python stub"):
            supervisor.wait_ready(["triton"])
    finally:
        supervisor.stop_all()
