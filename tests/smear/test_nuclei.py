"""Nuclei are found where they were drawn, whatever the stain and light; painted out they are gone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smear.nuclei import cells, chromatin_score, count, keep_only, nuclei, paint_out
from smear.tensor import MASK_FILL, MASK_START
from tests.smear.stained import APART, STAINS, draw


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Dice coefficient of two masks."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("stain", STAINS)
def test_drawn_nuclei_are_found_in_each_stain(stain: str) -> None:
    drawing = draw(stain=STAINS[stain])
    mask = nuclei(drawing.pixels)
    assert overlap(mask, drawing.nuclei) > 0.85
    assert count(mask) == len(APART)


@pytest.mark.parametrize("stain", STAINS)
def test_a_field_of_red_cells_has_none(stain: str) -> None:
    drawing = draw(nuclei=(), stain=STAINS[stain], red_cells=90)
    assert not nuclei(drawing.pixels).any()


def test_empty_black_and_noisy_fields_have_none() -> None:
    noise = np.random.default_rng(0).normal(240, 3, (3, 224, 224)).clip(0, 255).astype(np.uint8)
    for pixels in (np.full((3, 224, 224), 245, np.uint8), np.zeros((3, 224, 224), np.uint8), noise):
        mask = nuclei(pixels)
        assert not mask.any()
        assert count(mask) == 0
        assert (paint_out(pixels, mask) == pixels).all()


@pytest.mark.parametrize("gain", [(0.5, 0.5, 0.5), (0.75, 0.9, 1.0), (1.0, 0.9, 0.75)])
def test_lamp_and_white_balance_do_not_matter(gain: tuple[float, float, float]) -> None:
    drawing = draw()
    light = (drawing.pixels * np.array(gain).reshape(3, 1, 1)).astype(np.uint8)
    assert overlap(nuclei(light), drawing.nuclei) > 0.85
    assert count(nuclei(light)) == len(APART)


def test_a_large_field_gives_the_same_nuclei_at_its_own_size() -> None:
    drawing = draw(size=(1024, 768))
    mask = nuclei(drawing.pixels)
    assert mask.shape == (768, 1024)
    assert overlap(mask, drawing.nuclei) > 0.85
    assert count(mask) == len(APART)


def test_touching_nuclei_are_counted_by_area() -> None:
    pairs = ((50, 40), (70, 40), (150, 60), (168, 68), (50, 130), (120, 130), (60, 190))
    assert count(nuclei(draw(nuclei=pairs).pixels)) == len(pairs)


def test_specks_and_the_scale_bar_corner_are_no_nuclei() -> None:
    assert not nuclei(draw(nuclei=((60, 60), (120, 90)), radius=2).pixels).any()
    corner = draw(nuclei=((209, 209),), radius=9, red_cells=0)
    assert not nuclei(corner.pixels).any()


@pytest.mark.parametrize("size", [(224, 224), (640, 480)])
@pytest.mark.parametrize("stain", STAINS)
def test_painted_out_cells_are_gone_with_their_cytoplasm(stain: str, size: tuple[int, int]) -> None:
    drawing = draw(stain=STAINS[stain], red_cells=0, size=size)
    before = drawing.pixels.copy()
    painted = paint_out(drawing.pixels, nuclei(drawing.pixels))
    assert (drawing.pixels == before).all()
    ground = np.array(STAINS[stain].ground).reshape(3, 1, 1)
    assert np.abs(painted.astype(int) - ground).max() < 25
    assert not nuclei(painted).any()


def test_painting_out_and_keeping_share_the_field_between_them() -> None:
    drawing = draw()
    mask = nuclei(drawing.pixels)
    hole = cells(drawing.pixels, mask)
    painted, kept = paint_out(drawing.pixels, mask), keep_only(drawing.pixels, mask)
    assert (hole & mask).sum() == mask.sum()
    assert (painted[:, ~hole] == drawing.pixels[:, ~hole]).all()
    assert (kept[:, hole] == drawing.pixels[:, hole]).all()
    assert (kept[:, ~hole] == np.array(MASK_FILL)[:, None]).all()
    assert not hole[MASK_START:, MASK_START:].any()


def test_chromatin_scores_above_red_cells_and_ground() -> None:
    drawing = draw()
    score = chromatin_score(drawing.image)
    assert np.median(score[drawing.nuclei]) > 0.5
    assert np.percentile(score[~drawing.nuclei], 90) < 0.25
