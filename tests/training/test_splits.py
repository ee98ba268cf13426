"""The splits: pseudo-slides and overlap groups whole, parts disjoint, and the committed one as its code makes it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smear.classes import CLASSES
from training.data import slides, splits
from training.data.manifest import DEFAULT_DATA, DataError, Photograph, read_manifest

ROOT = Path(__file__).resolve().parents[2]


def photographs(numbers: int, group_of: dict[int, int]) -> list[Photograph]:
    return [
        Photograph(Path(f"{label}-{n}.jpg"), label, f"{label}{n}", f"{label}/{group_of.get(n, n)}", n)
        for label in CLASSES
        for n in range(numbers)
    ]


def looks(everything: Sequence[Photograph], slide_of: dict[int, int] | None = None) -> np.ndarray:
    """Appearances that differ from one run of 20 numbers to the next, or as ``slide_of`` says."""
    random = np.random.default_rng(0)
    slide = [(slide_of or {}).get(one.number, one.number // 20) for one in everything]
    return (np.array(slide)[:, None] + random.normal(0, 0.05, (len(everything), 9))).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 90), st.dictionaries(st.integers(0, 89), st.integers(0, 89), max_size=30))
def test_no_overlap_group_and_no_pseudo_slide_is_divided(numbers: int, group_of: dict[int, int]) -> None:
    everything = photographs(numbers, group_of)
    found = slides.pseudo_slides(everything, looks(everything))
    slide_of_group: dict[str, set[int]] = {}
    for photograph, slide in zip(everything, found, strict=True):
        slide_of_group.setdefault(photograph.group, set()).add(int(slide))
    assert all(len(of_group) == 1 for of_group in slide_of_group.values())
    assert (found >= 0).all()


def test_slides_of_different_looks_are_found_even_interleaved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slides, "PATIENTS", dict.fromkeys(CLASSES, 4))
    everything = photographs(80, {})
    slide_of = {number: (number % 2) + 2 * (number // 40) for number in range(80)}
    found = slides.pseudo_slides(everything, looks(everything, slide_of))
    for label in CLASSES:
        rows = [row for row, one in enumerate(everything) if one.label == label]
        true = [slide_of[everything[row].number] for row in rows]
        for slide in np.unique(found[rows]):
            inside = {one for one, of in zip(true, found[rows], strict=True) if of == slide}
            assert len(inside) == 1, "a pseudo-slide mixes two slides of clearly different looks"


def test_small_sessions_join_their_neighbours() -> None:
    everything = photographs(60, {})
    odd = {30: 9}
    found = slides.pseudo_slides(everything, looks(everything, dict.fromkeys(range(60), 1) | odd))
    _, sizes = np.unique(found, return_counts=True)
    assert sizes.min() >= slides.LEAST


def made(everything: list[Photograph], monkeypatch: pytest.MonkeyPatch) -> splits.Split:
    monkeypatch.setattr(slides, "appearances", looks)
    return splits.by_slide(everything)


def test_parts_are_disjoint_of_similar_size_and_hold_whole_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = photographs(240, {})
    split = made(everything, monkeypatch)
    for slide in np.unique(split.slide):
        assert len(np.unique(split.fold[split.slide == slide])) == 1
    for label in CLASSES:
        chosen = np.array([photograph.label == label for photograph in everything])
        sizes = np.bincount(split.fold[chosen] + 1, minlength=splits.FOLDS + 1)
        assert sizes.min() >= 20
    for held_out in (None, *range(splits.FOLDS)):
        trains, validates = split.training(held_out), split.validation(held_out)
        assert not (trains & validates).any()
        assert not (trains & split.test).any(), "the test part trains nothing"


def test_the_comparisons_keep_the_photographs_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = photographs(240, {3: 4})
    split = made(everything, monkeypatch)
    shuffled = splits.of_kind("random", everything, split)
    assert np.bincount(shuffled.fold + 1).tolist() == np.bincount(split.fold + 1).tolist()
    assert (shuffled.fold != split.fold).mean() > 0.5
    blocks = splits.of_kind("contiguous", everything, split)
    assert (blocks.test == split.test).all()
    with pytest.raises(DataError, match="patients"):
        splits.of_kind("patients", everything, split)


def test_a_written_split_reads_back_and_refuses_other_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = photographs(60, {3: 4})
    split = made(everything, monkeypatch)
    splits.write(split, everything, tmp_path / "split.csv")
    again = splits.read(tmp_path / "split.csv", everything[::-1])
    assert (again.fold == split.fold[::-1]).all()
    assert (again.slide == split.slide[::-1]).all()
    with pytest.raises(DataError, match="other photographs"):
        splits.read(tmp_path / "split.csv", [replace(everything[0], sha256="0"), *everything[1:]])


@pytest.mark.delivered
def test_the_committed_split_is_the_codes() -> None:
    manifest = ROOT / DEFAULT_DATA / "blood-smears" / "manifest.csv"
    if not manifest.is_file():
        pytest.skip(f"no manifest at {manifest}")
    everything = read_manifest(manifest)
    again, committed = splits.by_slide(everything), splits.read(splits.COMMITTED, everything)
    assert (again.slide == committed.slide).all()
    assert (again.fold == committed.fold).all()
