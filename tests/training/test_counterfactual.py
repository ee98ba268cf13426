"""Pictures that separate cells from slide are what they say, and tell a reader of cells from a reader of the slide."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor, nn

from smear import nuclei
from smear.classes import CLASSES
from smear.refer import ReferRule
from smear.regions import regions
from smear.tensor import MASK_FILL, MASK_START, SIDE, to_tensor
from training import cli as command
from training.data import manifest, synthetic
from training.data.counterfactual import Field, Kind, make
from training.data.manifest import Photograph
from training.evaluate import counterfactual

RULE = ReferRule(0.99, (0.2,) * 4, least_confidence=0.6, outlier_threshold=2.0)
#: Of each class: the light of its slides, how dark its stain is, and the radius of its nuclei.
LIGHTS = ((236, 226, 214), (214, 226, 236), (226, 236, 214), (240, 214, 230))
STRENGTHS = (1.0, 1.2, 0.9, 1.1)
RADII = (7, 9, 11, 13)
DENSITY = np.array([0.75, 1.25, 0.25])
PLACES = [(40, 40), (40, 110), (40, 180), (110, 40), (110, 110), (110, 180), (180, 40), (180, 110)]


def drawn(target: int, cells: int = 8) -> Image.Image:
    """A field of a class: its light, red cells, and nuclei of its size in its stain."""
    light = np.array(LIGHTS[target])
    image = Image.new("RGB", (SIDE, SIDE), tuple(light))
    pen = ImageDraw.Draw(image)
    for row in range(20, SIDE, 48):
        colour = tuple((light * (0.86, 0.7, 0.72)).astype(int))
        pen.ellipse((row, 140, row + 14, 154), fill=colour)
    chromatin = tuple((light * np.exp(-DENSITY * STRENGTHS[target])).astype(int))
    for row, column in PLACES[:cells]:
        radius = RADII[target]
        pen.ellipse((column - radius, row - radius, column + radius, row + radius), fill=chromatin)
    return image


def field(target: int, cells: int = 8) -> Field:
    return Field(to_tensor(drawn(target, cells)))


class Reader(nn.Module):
    """Answers by the light of the slide, or by the size of the nuclei; where there is none it is not sure."""

    def __init__(self, *, of_cells: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.of_cells = of_cells

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        pixels = batch[0].numpy()
        target = self._by_size(pixels) if self.of_cells else self._by_light(pixels)
        probabilities = torch.full((1, 4), 0.25) if target is None else torch.eye(4)[target][None]
        return probabilities, torch.zeros(1, 4, 14, 14), torch.zeros(1, 512), torch.ones(1, 1)

    @staticmethod
    def _by_light(pixels: NDArray[np.uint8]) -> int:
        light = np.median(pixels.reshape(3, -1), axis=1)
        return int(np.abs(np.array(LIGHTS) - light).sum(axis=1).argmin())

    @staticmethod
    def _by_size(pixels: NDArray[np.uint8]) -> int | None:
        area = regions(nuclei.nuclei(pixels)).area[1:]
        if not area.size:
            return None
        return int(np.abs(np.array(RADII) - np.sqrt(np.median(area) / np.pi)).argmin())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Photograph]:
    """Three of each class; one of the first shows no cell."""
    root = tmp_path_factory.mktemp("fields")
    for target, label in enumerate(CLASSES):
        (root / label).mkdir()
        for number in range(3):
            cells = 0 if (target, number) == (0, 0) else 3 + number
            drawn(target, cells).save(root / label / f"{label}-{number}.png")
    return manifest.read_folders(root)


@pytest.mark.parametrize("kind", Kind)
def test_a_picture_keeps_the_fields_and_its_corner_is_masked(kind: Kind) -> None:
    one, other = field(0), field(3)
    before = one.pixels.copy(), other.pixels.copy()
    picture = make(kind, one, other)
    assert (picture.shape, picture.dtype) == ((3, SIDE, SIDE), np.dtype(np.uint8))
    corner = picture[:, MASK_START:, MASK_START:]
    np.testing.assert_array_equal(corner, np.broadcast_to(np.reshape(MASK_FILL, (3, 1, 1)), corner.shape))
    np.testing.assert_array_equal(one.pixels, before[0])
    np.testing.assert_array_equal(other.pixels, before[1])


def test_each_kind_shows_what_it_says() -> None:
    one, other = field(0), field(3)
    inside, outside = one.cells, ~one.cells
    outside[MASK_START:, MASK_START:] = False
    alone = make(Kind.CELLS_ALONE, one, other)
    np.testing.assert_array_equal(alone[:, inside], one.pixels[:, inside])
    assert np.ptp(alone[:, outside].reshape(3, -1), axis=1).tolist() == [0, 0, 0], "one flat colour"
    assert np.abs(alone[:, outside].mean(axis=1) - LIGHTS[0]).max() <= 1
    painted = make(Kind.PAINTED_OUT, one, other)
    assert not nuclei.nuclei(painted).any()
    np.testing.assert_array_equal(painted[:, outside], one.pixels[:, outside])
    moved = make(Kind.OTHER_GROUND, one, other)
    np.testing.assert_array_equal(moved[:, outside], nuclei.paint_out(other.pixels, other.nuclei)[:, outside])
    assert np.abs(Field(moved).stain - one.stain).max() < 0.05, "the cells swallow as much light as before"
    stained = Field(make(Kind.OTHER_STAIN, one, other))
    assert np.abs(stained.light - other.light).max() <= 1
    assert np.abs(stained.stain - other.stain).max() < 0.05


def test_a_field_without_cells_makes_no_picture() -> None:
    with pytest.raises(ValueError, match="without a nucleated cell"):
        make(Kind.OTHER_GROUND, field(0, cells=0), field(1))


def test_a_reader_of_cells_follows_the_cells(photographs: list[Photograph]) -> None:
    found = counterfactual.measure(Reader(of_cells=True), photographs, RULE)
    assert (found["images"], found["without_cells"]) == (11, 1)
    for kind in (Kind.CELLS_ALONE, Kind.OTHER_GROUND, Kind.OTHER_STAIN):
        assert found[kind]["follows_cells"] >= 0.95, kind
        assert found[kind]["wrong_and_not_referred"] <= 0.05, kind
    assert found[Kind.OTHER_GROUND]["follows_slide"] <= 0.05
    assert found[Kind.PAINTED_OUT]["referred"] == 1


def test_a_reader_of_the_slide_is_found_out(photographs: list[Photograph]) -> None:
    found = counterfactual.measure(Reader(of_cells=False), photographs, RULE)
    assert found["as_they_are"]["macro_f1"] == 1, "on photographs as they are nobody would see it"
    assert found[Kind.OTHER_GROUND]["follows_slide"] == found[Kind.OTHER_STAIN]["follows_slide"] == 1
    assert found[Kind.OTHER_GROUND]["follows_cells"] == found[Kind.OTHER_GROUND]["macro_f1"] == 0
    assert found[Kind.OTHER_GROUND]["wrong_and_not_referred"] == 1
    painted = found[Kind.PAINTED_OUT]
    assert (painted["same_class"], painted["referred"]) == (1, 0)


def test_one_class_alone_is_refused(photographs: list[Photograph]) -> None:
    with pytest.raises(manifest.DataError, match="two classes are needed"):
        counterfactual.measure(Reader(of_cells=True), photographs[:3], RULE)


def test_the_command_measures_the_committed_weights_and_writes_the_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic.write_data_set(tmp_path, dict.fromkeys(CLASSES, 1), seed=1)
    arguments = ["--images", str(tmp_path / "blood-smears"), "--write", str(tmp_path / "pictures")]
    assert command.main(["counterfactual", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["images"] + found["without_cells"] == 4
    again = manifest.read_folders(tmp_path / "pictures" / "other_ground")
    assert len(again) == found["images"]
    assert {photograph.label for photograph in again} <= set(CLASSES)
