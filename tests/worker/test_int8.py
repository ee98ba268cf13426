"""The int8 variant chosen by MODEL_NAME: the real tritonserver loads it alone, and portal and worker take it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import call_command
from pytest_django.fixtures import Settings
from tritonclient import grpc

from benchmarks import throughput
from embedded.settings import ROOT
from portal.inference.selectors import active_version
from smear.classes import CLASSES
from training.data import manifest
from training.deliver import export, int8_model, parity
from training.model import quantize, weights
from training.model.network import LeukemiaVGG16
from worker.readiness import ContractWatch
from worker.triton import TritonClient

pytestmark = [pytest.mark.delivered, pytest.mark.usefixtures("exact_integers")]

NAME = "leukemia_vgg16_int8"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository as delivered: the FP32 model, which is not exported, and an int8 one of random weights."""
    torch.manual_seed(0)
    network = LeukemiaVGG16().eval().requires_grad_(False)
    with quantize.observed(network) as seen, torch.inference_mode():
        network(parity.pictures(1))
    folder = tmp_path_factory.mktemp("models")
    committed = ROOT / "triton_models" / "leukemia_vgg16"
    for model in (folder / "leukemia_vgg16", folder / NAME):
        (model / "1").mkdir(parents=True)
        (model / "labels.txt").write_text((committed / "labels.txt").read_text())
    (folder / "leukemia_vgg16" / "config.pbtxt").write_text((committed / "config.pbtxt").read_text())
    path = folder / NAME / "1" / "weights.safetensors"
    weights.save(
        quantize.quantize(network, seen), path, {weights.NOTE: json.dumps({"outlier_threshold": 1.25})}
    )
    (folder / NAME / "config.pbtxt").write_text(int8_model.config(committed / "config.pbtxt", folder / NAME))
    card = {"name": NAME, "version": 1, "sha256": manifest.file_sha256(path), "classes": list(CLASSES)}
    (folder / NAME / "model_card.json").write_text(json.dumps(card | {"outlier_threshold": 1.25}))
    export.export_model(folder / NAME)
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[str]:
    """host:port of a tritonserver started as ``make run`` starts it with MODEL_NAME set."""
    var = tmp_path_factory.mktemp("int8") / "var"
    embedded = [sys.executable, "-m", "embedded", "--parent", str(os.getpid()), "--var", str(var)]
    process = subprocess.Popen(
        [*embedded, "services", "--only", "triton"],
        env={**os.environ, "MODEL_REPOSITORY": str(repository), "MODEL_NAME": NAME},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["TRITON_GRPC_URL"]
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture
def client(address: str, settings: Settings, repository: Path) -> Iterator[TritonClient]:
    settings.MODEL_NAME, settings.MODEL_REPOSITORY, settings.MODEL_VERSION = NAME, repository, 1
    client = TritonClient(address, deadline=settings.TRITON_DEADLINE_SECONDS)
    yield client
    client.close()


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_it_answers_as_the_committed_network(client: TritonClient, repository: Path, batch: int) -> None:
    pixels = parity.pictures(batch)
    with torch.inference_mode():
        wanted = weights.load(repository / NAME / "1" / "weights.safetensors")(pixels)
    answers = client.infer(NAME, "1", pixels.numpy())
    for row, answer in enumerate(answers):
        np.testing.assert_allclose(answer.probabilities, wanted[0][row], atol=1e-4)
        np.testing.assert_allclose(answer.activation_map, wanted[1][row], atol=1e-3, rtol=1e-3)
        assert answer.outlier_score == pytest.approx(float(wanted[3][row]), rel=1e-3)


def test_no_other_model_takes_memory(client: TritonClient, address: str) -> None:
    # The list of the repository is closed to everybody, so each model is asked for by its name.
    with grpc.InferenceServerClient(address) as asked:
        assert asked.is_model_ready(NAME)
        assert not asked.is_model_ready("leukemia_vgg16")


def test_the_benchmark_measures_the_model_that_is_served(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "BATCHES", (1,))
    monkeypatch.setattr(throughput, "CONCURRENT", (2,))
    rows = throughput.measure(address, NAME, 0.2)
    assert [(row["batch"], row["requests at once"]) for row in rows] == [(1, 2)]
    assert rows[0]["photographs/s"] > 0


def test_registered_from_its_card_it_keeps_the_contract(client: TritonClient, db: None) -> None:
    call_command("register_model", verbosity=0)
    version = active_version()
    assert version is not None
    assert (version.name, version.version) == (NAME, 1)
    watch = ContractWatch(lambda: client, every=60)
    watch.require(version)
    assert watch.check(version).state == "ok"
