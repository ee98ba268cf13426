"""A small data set that the tests draw themselves, in the layout of the real one, and a network with random weights."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from smear.classes import CLASSES
from training.data import file_sha256
from training.network import LeukemiaVGG16

#: Five of each class, so that every fold has one.
PER_CLASS = 5


def draw(label: str, number: int) -> Image.Image:
    """A bright field with round cells; colour and number of the cells tell the class."""
    random = np.random.default_rng((CLASSES.index(label), number))
    image = Image.new("RGB", (224, 224), (235, 230, 240))
    pen = ImageDraw.Draw(image)
    colour = [(180, 60, 160), (90, 60, 190), (60, 100, 200), (220, 90, 170)][CLASSES.index(label)]
    for _ in range(4 + 3 * CLASSES.index(label)):
        x, y = (int(value) for value in random.integers(10, 200, 2))
        pen.ellipse((x, y, x + 22, y + 22), fill=colour)
    return image


@pytest.fixture(scope="session")
def network() -> LeukemiaVGG16:
    """Random weights of a size that keeps activations near one, and outlier buffers that are not trivial."""
    torch.manual_seed(0)
    network = LeukemiaVGG16()
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            torch.nn.init.constant_(parameter, 0.1 if name.startswith("classifier") else 0.0)
    # Pixels are in 0..255, so the first layer brings them down.
    network.features[0].weight.data /= 100
    network.outlier_centres.normal_()
    network.outlier_components.normal_(std=0.001)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory, network: LeukemiaVGG16) -> Path:
    """A data folder as ``--data`` wants it: blood-smears/ with manifest.csv, and weights/."""
    root = tmp_path_factory.mktemp("data")
    rows = []
    for label in CLASSES:
        (root / "blood-smears" / label).mkdir(parents=True)
        for number in range(1, PER_CLASS + 1):
            path = f"{label}/WBC-{label}-{number:03}.jpg"
            draw(label, number).save(root / "blood-smears" / path, quality=95)
            rows.append([path, label, file_sha256(root / "blood-smears" / path), path])
    with (root / "blood-smears" / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "class", "sha256", "overlap_group"], *rows])
    (root / "weights").mkdir()
    state = {name: value for name, value in network.state_dict().items() if name.startswith("features.")}
    save_file(state, root / "weights" / "vgg16_imagenet_features.safetensors")
    return root
