"""The check of the served model, against the real server; differences are staged in row or answer."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.grpc.service_pb2 import ModelMetadataResponse

from portal.inference.models import ModelVersion
from tests.worker.staged_triton import free_port
from worker.contract import ContractMismatch, differences
from worker.readiness import ContractWatch
from worker.triton import TritonClient, TritonUnavailable


@pytest.fixture
def client(triton: str) -> Iterator[TritonClient]:
    client = TritonClient(triton, deadline=settings.TRITON_DEADLINE_SECONDS)
    yield client
    client.close()


@pytest.fixture
def watch(client: TritonClient) -> ContractWatch:
    return ContractWatch(lambda: client, every=60)


@dataclasses.dataclass
class Served:
    """What the real server says about the committed model, free to be altered."""

    metadata: ModelMetadataResponse
    config: ModelConfig
    labels: tuple[str, ...]


@pytest.fixture
def served(client: TritonClient, version: ModelVersion) -> Served:
    name, number = version.name, str(version.version)
    return Served(client.metadata(name, number), client.config(name, number), client.labels(name, number))


def found(version: ModelVersion, served: Served) -> list[str]:
    return differences(version, served.metadata, served.config, served.labels)


def test_the_committed_model_keeps_the_contract(watch: ContractWatch, version: ModelVersion) -> None:
    watch.require(version)
    assert watch.check(version).state == "ok"


def test_other_weights_are_named(watch: ContractWatch, version: ModelVersion) -> None:
    version.sha256 = "b" * 64
    with pytest.raises(ContractMismatch, match=r"weights are sha256 \w{12}…, registered are sha256 b{12}…"):
        watch.require(version)


def test_another_threshold_is_named(watch: ContractWatch, version: ModelVersion) -> None:
    served = version.outlier_threshold
    version.outlier_threshold = 0.25
    with pytest.raises(ContractMismatch, match=f"outlier threshold is {served}, registered is 0.25"):
        watch.require(version)


def test_other_registered_labels_are_named(watch: ContractWatch, version: ModelVersion) -> None:
    version.labels = ["Early", "Benign", "Pre", "Pro"]
    with pytest.raises(ContractMismatch, match="registered labels are Early, Benign, Pre, Pro, not Benign"):
        watch.require(version)


def test_a_version_that_is_not_served_is_named(watch: ContractWatch, version: ModelVersion) -> None:
    version.version = 77
    with pytest.raises(
        ContractMismatch, match=r"leukemia_vgg16 version 77 as it is registered.*is not found"
    ):
        watch.require(version)


def test_one_sentence_lists_every_difference(watch: ContractWatch, version: ModelVersion) -> None:
    version.sha256, version.outlier_threshold = "b" * 64, 0.25
    with pytest.raises(ContractMismatch) as mismatch:
        watch.require(version)
    sentence = str(mismatch.value)
    assert "weights are" in sentence
    assert "outlier threshold is" in sentence
    assert "\n" not in sentence


def test_nothing_differs_when_nothing_was_altered(version: ModelVersion, served: Served) -> None:
    assert found(version, served) == []


def alter_type(served: Served) -> None:
    served.metadata.inputs[0].datatype = "FP32"


def alter_shape(served: Served) -> None:
    served.metadata.outputs[1].shape[2] = 7


def drop_output(served: Served) -> None:
    del served.metadata.outputs[2]


def add_input(served: Served) -> None:
    served.metadata.inputs.add(name="AGE", datatype="FP32", shape=[-1, 1])


def drop_batching(served: Served) -> None:
    served.config.max_batch_size = 0


def drop_hash(served: Served) -> None:
    (key,) = (key for key in served.config.parameters if key.startswith("weights_sha256:"))
    del served.config.parameters[key]


def swap_labels(served: Served) -> None:
    served.labels = ("Early", "Benign", "Pre", "Pro")


def drop_labels(served: Served) -> None:
    served.labels = ("", "", "", "")


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (alter_type, "input IMAGE is FP32 [-1, 3, 224, 224], not UINT8 [-1, 3, 224, 224]"),
        (alter_shape, "output ACTIVATION_MAP is FP32 [-1, 4, 7, 14], not FP32 [-1, 4, 14, 14]"),
        (drop_output, "output EMBEDDING (FP32 [-1, 512]) is missing"),
        (add_input, "input AGE is asked for, which the worker does not send"),
        (drop_batching, "max_batch_size is 0, the worker needs at least 1"),
        (drop_hash, "weights are without a hash"),
        (swap_labels, "served labels are Early, Benign, Pre, Pro, not Benign, Early, Pre, Pro"),
        (drop_labels, "served labels are"),
    ],
)
def test_an_altered_model_is_named(
    version: ModelVersion, served: Served, alter: Callable[[Served], None], words: str
) -> None:
    alter(served)
    (only,) = found(version, served)
    assert words in only


def test_a_server_that_is_away_is_waited_for_not_mistaken(version: ModelVersion) -> None:
    client = TritonClient(f"127.0.0.1:{free_port()}", deadline=2)
    watch = ContractWatch(lambda: client, every=60)
    with pytest.raises(TritonUnavailable):
        watch.require(version)
    assert watch.check(version).state == "waiting"
    client.close()


def test_what_is_put_right_is_noticed(watch: ContractWatch, version: ModelVersion) -> None:
    right = version.sha256
    version.sha256 = "b" * 64
    assert watch.check(version).state == "mismatch"
    version.sha256 = right
    watch.require(version)


def test_a_verdict_is_remembered_until_triton_was_away(
    watch: ContractWatch, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    ask = TritonClient.metadata

    def noted(client: TritonClient, model: str, version: str) -> ModelMetadataResponse:
        asked.append((model, version))
        return ask(client, model, version)

    monkeypatch.setattr(TritonClient, "metadata", noted)
    watch.require(version)
    watch.require(version)
    assert len(asked) == 1
    watch.forget()
    watch.require(version)
    assert len(asked) == 2
