"""The split: contiguous, disjoint, overlap groups whole, and the committed one as its code makes it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smear.classes import CLASSES
from training import splits
from training.data import DEFAULT_DATA, DataError, Photograph, read_manifest

ROOT = Path(__file__).resolve().parents[2]


def photographs(numbers: int, group_of: dict[int, int]) -> list[Photograph]:
    return [
        Photograph(Path(f"{label}-{n}.jpg"), label, f"{label}{n}", f"{label}/{group_of.get(n, n)}", n)
        for label in CLASSES
        for n in range(numbers)
    ]


@settings(max_examples=50, deadline=None)
@given(st.integers(20, 120), st.dictionaries(st.integers(0, 119), st.integers(0, 119), max_size=40))
def test_no_overlap_group_is_divided(numbers: int, group_of: dict[int, int]) -> None:
    everything = photographs(numbers, group_of)
    split = splits.contiguous_blocks(everything)
    assert (split.train ^ split.validation).all()
    assert (split.block >= 0).all()
    parts: dict[str, set[bool]] = {}
    for photograph, validates in zip(everything, split.validation, strict=True):
        parts.setdefault(photograph.group, set()).add(bool(validates))
    assert all(len(part) == 1 for part in parts.values())


def test_blocks_are_contiguous_and_a_fifth_of_every_class_validates() -> None:
    everything = photographs(100, {})
    split = splits.contiguous_blocks(everything)
    for label in CLASSES:
        chosen = np.array([photograph.label == label for photograph in everything])
        assert (np.diff(split.block[chosen]) >= 0).all()
        assert split.validation[chosen].mean() == pytest.approx(0.2)
        assert len(np.unique(split.block[chosen & split.validation])) == splits.BLOCKS // splits.FOLDS


def test_a_written_split_reads_back_and_refuses_other_photographs(tmp_path: Path) -> None:
    everything = photographs(40, {3: 4})
    split = splits.contiguous_blocks(everything)
    splits.write(split, everything, tmp_path / "split.csv")
    again = splits.read(tmp_path / "split.csv", everything[::-1])
    assert (again.validation == split.validation[::-1]).all()
    with pytest.raises(DataError, match="other photographs"):
        splits.read(tmp_path / "split.csv", [replace(everything[0], sha256="0"), *everything[1:]])


def test_the_committed_split_is_the_codes() -> None:
    manifest = ROOT / DEFAULT_DATA / "blood-smears" / "manifest.csv"
    if not manifest.is_file():
        pytest.skip(f"no manifest at {manifest}")
    everything = read_manifest(manifest)
    made, committed = splits.contiguous_blocks(everything), splits.read(splits.COMMITTED, everything)
    assert (made.block == committed.block).all()
    assert (made.validation == committed.validation).all()
