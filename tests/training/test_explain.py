"""Curves and nuclear mass against a network whose answer is known, and the command end to end."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from smear.classes import CLASSES
from smear.tensor import SIDE
from training import cli as command
from training.data import manifest, synthetic
from training.evaluate import deletion, explain
from training.model import weights
from training.model.network import LeukemiaVGG16

GRID, CELL = deletion.GRID, deletion.CELL


class Stripes(nn.Module):
    """Answers Pro by how finely striped each cell is, which its map shows; blur takes the stripes away."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([-1.0, -1.0, -1.0, 1.0]))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        green = image[:, 1].float() / 255
        change = (green[:, :, 1:] - green[:, :, :-1]).abs()
        cells = nn.functional.pad(change, (0, 1)).unfold(1, CELL, CELL).unfold(2, CELL, CELL).mean(dim=(3, 4))
        maps = cells[:, None] * self.gain[None, :, None, None] * 40
        return maps.mean(dim=(2, 3)).softmax(dim=1), maps


@pytest.fixture
def striped() -> np.ndarray:
    """Stripes in twelve cells only, stronger in some; even grey elsewhere."""
    pixels = np.full((3, SIDE, SIDE), 128, dtype=np.uint8)
    for place in range(12):
        row, column = 2 + place // 4 * 3, 1 + place % 4 * 3
        pixels[:, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL : 2] = 150 + 8 * place
    return pixels


def test_a_true_map_finds_in_one_step_what_a_random_order_finds_late(striped: np.ndarray) -> None:
    network = Stripes().eval()
    activation = network(torch.from_numpy(striped[None]))[1][0].detach().numpy()
    target = CLASSES.index("Pro")
    found = deletion.follow(network, striped, activation[target], target, np.random.default_rng(0))
    whole, nothing = found["map"].deletion[[0, -1]]
    assert whole > nothing + 0.1
    # Fourteen cells a step, so the first one takes all twelve striped ones, and putting back gives all of them.
    assert found["map"].deletion[1] == pytest.approx(nothing, abs=0.02)
    assert found["map"].insertion[1] == pytest.approx(whole, abs=0.02)
    assert found["map"].insertion[0] == nothing
    assert deletion.area(found["map"].deletion) < deletion.area(found["random"].deletion) - 0.03
    assert deletion.area(found["map"].insertion) > deletion.area(found["random"].insertion) + 0.03
    assert deletion.area(found["occlusion"].deletion) < deletion.area(found["random"].deletion)


def test_an_upside_down_map_is_worse_than_chance(striped: np.ndarray) -> None:
    network = Stripes().eval()
    activation = network(torch.from_numpy(striped[None]))[1][0].detach().numpy()
    target = CLASSES.index("Pro")
    found = deletion.follow(network, striped, -activation[target], target, np.random.default_rng(0))
    assert deletion.area(found["map"].deletion) > deletion.area(found["random"].deletion)


def test_area_under_a_known_curve() -> None:
    assert deletion.area(np.linspace(1, 0, 15)) == pytest.approx(0.5)
    assert deletion.area(np.ones(15)) == pytest.approx(1)


def test_nuclear_mass_of_known_maps() -> None:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[:CELL, : 2 * CELL] = True  # two whole cells
    mask[CELL : CELL + CELL // 2, :CELL] = True  # and half of one
    even = explain.nuclear_mass(np.ones((GRID, GRID), dtype=np.float32), mask)
    assert even["share"] == pytest.approx(even["area"]) == pytest.approx(2.5 / GRID**2)
    activation = np.full((GRID, GRID), -1, dtype=np.float32)
    activation[0, 0], activation[1, 0], activation[5, 5] = 2, 1, 1
    assert explain.nuclear_mass(activation, mask)["share"] == pytest.approx((2 + 0.5) / 4)
    assert even["reach"] == pytest.approx((1 + 1 + 0.25) / 2.5)
    assert np.isnan(explain.nuclear_mass(-np.ones((GRID, GRID), dtype=np.float32), mask)["share"])


def test_the_command_gives_plain_numbers_by_class(
    network: LeukemiaVGG16,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(deletion, "STEPS", 2)
    monkeypatch.setattr(deletion, "WINDOW", 7)
    synthetic.write_data_set(tmp_path, {"Early": 3, "Pro": 1}, seed=1)
    weights.save(network, tmp_path / "weights.safetensors")
    arguments = [
        "--images",
        str(tmp_path / "blood-smears"),
        "--weights",
        str(tmp_path / "weights.safetensors"),
    ]
    assert command.main(["explain", *arguments, "--limit", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {label: part["images"] for label, part in found["classes"].items()} == {"Early": 1, "Pro": 1}
    assert len(found["curves"]["deletion"]["map"]) == 3
    assert 0 < found["classes"]["Early"]["nuclei"]["area"]["mean"] < 0.3
    assert found["classes"]["Early"]["nuclei"]["area"]["sd"] is None
    both = [found["classes"][label]["deletion"]["map"]["mean"] for label in ("Early", "Pro")]
    assert found["all"]["deletion"]["map"]["mean"] == pytest.approx(np.mean(both))


def test_a_sample_is_spread_over_the_order_of_capture(tmp_path: Path) -> None:
    for number in range(1, 11):
        (tmp_path / "Pre").mkdir(exist_ok=True)
        (tmp_path / "Pre" / f"{number:03}.jpg").touch()
    chosen = explain.sample(manifest.read_folders(tmp_path), 4)
    assert [photograph.number for photograph in chosen] == [1, 4, 7, 10]
    assert len(explain.sample(chosen, 99)) == 4
