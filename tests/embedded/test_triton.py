"""tritonserver from the wheel with the Python-based ``pytorch`` backend, on a tiny model of the contract's kind."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
import torch
from tritonclient import grpc
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


class Tiny(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if image.shape[2] == 13:
            raise ValueError("thirteen")
        pixels = image.to(torch.float32)
        return pixels.mean((2, 3)), pixels[:, 0, 0, :1]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "tiny" / "1").mkdir(parents=True)
    (folder / "tiny" / "config.pbtxt").write_text(CONFIG)
    torch.jit.script(Tiny()).save(str(folder / "tiny" / "1" / "model.pt"))
    return folder


def start(var, repository):
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
def served(tmp_path_factory, repository):
    """The var folder of a running tritonserver, and a client."""
    var = VarFolder(tmp_path_factory.mktemp("triton") / "var")
    process = start(var.path, repository)
    addresses = json.loads(process.stdout.readline())
    with grpc.InferenceServerClient(addresses["TRITON_GRPC_URL"]) as client:
        yield var, client
    process.terminate()
    assert process.wait(60) == 0


def infer(client, images):
    wanted = grpc.InferInput("IMAGE", list(images.shape), "UINT8")
    wanted.set_data_from_numpy(images)
    return client.infer("tiny", [wanted], client_timeout=10)


def pictures(batch, height=16):
    return np.random.default_rng(batch).integers(0, 256, (batch, 3, height, 8), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_every_value_arrives_and_comes_back(served, batch):
    images = pictures(batch)
    answer = infer(served[1], images)
    np.testing.assert_allclose(answer.as_numpy("MEANS"), images.mean((2, 3)), rtol=1e-5)
    assert answer.as_numpy("FIRST").tolist() == images[:, 0, 0, :1].astype(float).tolist()


def test_requests_that_are_batched_together_get_their_own_answers(served):
    _, client = served
    batches = [pictures(1 + number % 2, 16) + np.uint8(number) for number in range(12)]
    answers = {}
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


def test_thread_counts_of_the_configuration_are_honoured():
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
def test_a_wrong_shape_is_refused(served, shape, words):
    with pytest.raises(InferenceServerException, match=words):
        infer(served[1], np.zeros(shape, dtype=np.uint8))


def test_an_error_inside_the_model_is_an_answer_and_not_the_end(served):
    _, client = served
    with pytest.raises(InferenceServerException, match=r"the model failed: .*thirteen"):
        infer(client, pictures(1, 13))
    assert infer(client, pictures(1)).as_numpy("MEANS").shape == (1, 3)


def test_a_stub_that_dies_is_noticed_and_the_server_started_again(served):
    var, client = served
    pid = var.read_run()["processes"]["triton"]["pid"]
    stubs = [child for child in psutil.Process(pid).children() if child.name().startswith("triton_python")]
    stubs[0].kill()

    def again():
        process = var.read_run()["processes"]["triton"]
        return process["state"] == "ready" and process["pid"] != pid

    wait_for(again, "tritonserver to come back")
    wait_for(client.is_server_ready, "the client to see it")
    assert infer(client, pictures(2)).as_numpy("MEANS").shape == (2, 3)


def test_a_killed_server_takes_a_hanging_stub_with_it(served):
    """A stub in the middle of its work does not notice that its server is gone."""
    var, _ = served
    pid = var.read_run()["processes"]["triton"]["pid"]
    stub = next(child for child in psutil.Process(pid).children() if child.name().startswith("triton_python"))
    stub.suspend()
    os.kill(pid, signal.SIGKILL)
    assert psutil.wait_procs([stub], timeout=20)[1] == []
    wait_for(lambda: var.read_run()["processes"]["triton"]["state"] == "ready", "tritonserver to come back")


def test_a_killed_server_leaves_no_shared_memory(served):
    var, _ = served
    command = psutil.Process(var.read_run()["processes"]["triton"]["pid"]).cmdline()
    prefix = re.search(r"shm-region-prefix-name=(\S+)", " ".join(command)).group(1)
    assert len(list(server._SHARED_MEMORY.glob(f"{prefix}*"))) == 1
    ask(var, "kill", "triton")
    assert list(server._SHARED_MEMORY.glob(f"{prefix}*")) == []
    ask(var, "start", "triton")


def test_a_model_file_that_is_none_is_named(tmp_path, repository):
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


def test_a_missing_library_is_named_with_the_package_that_has_it():
    output = "triton_python_backend_stub: error while loading shared libraries: libpython3.11.so.1.0: "
    output += "cannot open shared object file: No such file or directory"
    assert server._explain(None, output) == (
        "The model server's Python stub needs the library libpython3.11.so.1.0: "
        "get it with 'apt-get install libpython3.11'."
    )


def test_a_stub_without_its_libraries_is_named_before_the_deadline(tmp_path, repository, monkeypatch):
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
