"""Yes/no masks: regions are told apart as a flood fill tells them, and grow, shrink and fill as drawn."""

import numpy as np
import pytest

from smear.regions import Mask, fill_holes, grow, regions, shrink


def drawn(*rows: str) -> Mask:
    """A mask from rows of ``#`` and ``.``."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def flooded(mask: Mask) -> list[int]:
    """Areas of the regions, largest first, by a plain flood fill over eight neighbours."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    areas = []
    while left:
        todo, area = [left.pop()], 0
        while todo:
            y, x = todo.pop()
            area += 1
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            todo.extend(near)
        areas.append(area)
    return sorted(areas, reverse=True)


@pytest.mark.parametrize("share", [0.1, 0.35, 0.5, 0.7])
def test_regions_are_those_of_a_flood_fill(share: float) -> None:
    for seed in range(10):
        mask = np.random.default_rng(seed).random((23, 31)) < share
        found = regions(mask)
        assert sorted(found.area[1:].tolist(), reverse=True) == flooded(mask)
        assert ((found.label > 0) == mask).all()


def test_arms_that_meet_below_are_one_region_and_corners_touch() -> None:
    assert regions(drawn("#.#", "#.#", "###")).area.tolist() == [0, 7]
    assert regions(drawn("#..", ".#.", "..#")).area.tolist() == [0, 3]
    assert regions(drawn("#.#", "#.#")).area.tolist() == [0, 2, 2]


def test_nothing_has_no_regions() -> None:
    assert regions(np.zeros((5, 4), dtype=bool)).area.tolist() == [0]


def test_chosen_regions_are_kept_and_the_background_never() -> None:
    found = regions(drawn("#.##", "#..."))
    assert (found.keep(found.area == 2) == drawn("#.##", "#...")).all()
    assert not found.keep(np.array([True, False, False])).any()


def test_growing_reaches_the_radius_and_shrinking_takes_it_back() -> None:
    mask = np.zeros((21, 21), dtype=bool)
    mask[10, 10] = True
    disc = grow(mask, 4)
    assert disc[10].nonzero()[0].tolist() == list(range(6, 15))
    assert not disc[6, 6]
    assert (shrink(disc, 4) == mask).all()
    assert shrink(np.ones((3, 3), dtype=bool), 1).all()


def test_small_holes_are_filled_and_bays_and_large_holes_are_not() -> None:
    mask = drawn("#####...", "#.#.####", "###.#..#", "#.#.#..#", "#.######")
    filled = fill_holes(mask, 1)
    assert filled[1, 1]
    assert not any((filled[1, 3], filled[2, 5], filled[3, 1]))
    assert fill_holes(mask, 4)[2, 5]
    assert not fill_holes(mask, 100)[3, 1]
