"""A small drawn data set in the layout of the real one, and a network with random weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from smear.classes import CLASSES
from training.data import synthetic
from training.model.network import LeukemiaVGG16

#: Five of each class, so that every fold has one.
PER_CLASS = 5


@pytest.fixture(scope="session", autouse=True)
def _exact_integers(exact_integers: None) -> None:
    """All of the folder counts exactly."""


@pytest.fixture(scope="session")
def network() -> LeukemiaVGG16:
    """Random weights of a size that keeps activations near one, and outlier buffers that are not trivial."""
    return random_network(LeukemiaVGG16())


@pytest.fixture(scope="session")
def shallow() -> LeukemiaVGG16:
    """The same without block 5, for enlarged photographs: the committed version's make."""
    return random_network(LeukemiaVGG16(sees="blocks34", enlarged=336))


@pytest.fixture(scope="session")
def narrow() -> LeukemiaVGG16:
    """The same with an eighth of the channels, for tests of what is done with a network, not of what it computes."""
    return random_network(LeukemiaVGG16(width=8))


@pytest.fixture(scope="session")
def narrow_shallow() -> LeukemiaVGG16:
    """``shallow`` with an eighth of the channels."""
    return random_network(LeukemiaVGG16(sees="blocks34", enlarged=336, width=8))


def random_network(network: LeukemiaVGG16) -> LeukemiaVGG16:
    """``network`` with random weights and buffers, in evaluation mode."""
    torch.manual_seed(0)
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            torch.nn.init.constant_(parameter, 0.1 if name.startswith("classifier") else 0.0)
    # Pixels are in 0..255, so the first layer brings them down.
    first = network.features[0].weight
    assert isinstance(first, torch.Tensor)
    first.data /= 100
    network.centre.normal_()
    network.outlier_centres.normal_()
    network.outlier_components.normal_(std=0.001)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory, network: LeukemiaVGG16) -> Path:
    """A data folder as ``--data`` wants it: blood-smears/ with manifest.csv, and weights/."""
    root = tmp_path_factory.mktemp("data")
    synthetic.write_data_set(root, dict.fromkeys(CLASSES, PER_CLASS), seed=0)
    (root / "weights").mkdir()
    state = {name: value for name, value in network.state_dict().items() if name.startswith("features.")}
    save_file(state, root / "weights" / "vgg16_imagenet_features.safetensors")
    return root
