"""The network and every model configuration say what ``smear.contract`` says."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
import torch
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig, ModelInput, ModelOutput

from smear import contract
from training.model.network import LeukemiaVGG16

MODELS = Path(__file__).parents[1] / "triton_models"
CONFIGURATIONS = sorted(MODELS.rglob("*.pbtxt"))
TORCH = {"UINT8": torch.uint8, "FP32": torch.float32}


@pytest.fixture(params=CONFIGURATIONS, ids=lambda path: str(path.relative_to(MODELS)))
def configuration(request: pytest.FixtureRequest) -> ModelConfig:
    return text_format.Parse(request.param.read_text(), ModelConfig())


def of(tensors: Iterable[ModelInput | ModelOutput]) -> list[contract.Tensor]:
    names = {number: name.removeprefix("TYPE_") for name, number in DataType.items()}
    return [contract.Tensor(one.name, names[one.data_type], tuple(one.dims)) for one in tensors]


def test_there_is_a_configuration_of_every_model() -> None:
    assert {path.relative_to(MODELS).parts[0] for path in CONFIGURATIONS} == {
        folder.name for folder in MODELS.iterdir() if folder.is_dir()
    }


def test_a_configuration_names_the_contracts_tensors_in_their_order(configuration: ModelConfig) -> None:
    assert of(configuration.input) == [contract.IMAGE]
    assert of(configuration.output) == list(contract.OUTPUTS)


def test_the_warm_up_sends_the_contracts_input(configuration: ModelConfig) -> None:
    assert configuration.model_warmup
    for warm_up in configuration.model_warmup:
        ((name, sent),) = warm_up.inputs.items()
        assert (name, tuple(sent.dims)) == (contract.IMAGE.name, contract.IMAGE.shape)


@pytest.mark.parametrize("folder", sorted({path.relative_to(MODELS).parts[0] for path in CONFIGURATIONS}))
def test_the_labels_are_the_contracts(folder: str) -> None:
    assert tuple((MODELS / folder / "labels.txt").read_text().split()) == contract.LABELS


@pytest.mark.parametrize(
    "make",
    [LeukemiaVGG16, partial(LeukemiaVGG16, sees="blocks34", enlarged=336)],
    ids=["block 5", "blocks 3, 4"],
)
def test_the_network_returns_the_contracts_outputs_in_their_order(
    make: Callable[[], LeukemiaVGG16],
) -> None:
    network = make().eval()
    image = torch.zeros(1, *contract.IMAGE.shape, dtype=TORCH[contract.IMAGE.datatype])
    with torch.inference_mode():
        outputs = network(image)
    found = [(output.dtype, tuple(output.shape[1:])) for output in outputs]
    assert found == [(TORCH[tensor.datatype], tensor.shape) for tensor in contract.OUTPUTS]


def test_a_message_comes_back_from_json_with_the_messages_in_it() -> None:
    message = contract.Message(
        "incomplete", {"failed": 1, "error": contract.Message("model_away"), "kind": "jpeg"}
    )
    stored = message.to_json()
    assert stored == {
        "code": "incomplete",
        "values": {"failed": 1, "error": {"code": "model_away", "values": {}}, "kind": "jpeg"},
    }
    assert contract.Message.from_json(stored) == message
