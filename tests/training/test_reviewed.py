"""Signed cases beside the public set: kept whole, never of the test part, counted where they stay out."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smear.classes import CLASSES
from tests.training.exports import Shot, drawn, write_export
from training import cli as command
from training import config as configs
from training.data import manifest, reviewed, splits
from training.data.manifest import DataError, Photograph
from training.data.splits import TEST, Split
from training.fit import train
from training.fit.features import Joined
from training.fit.train import Material

KEYS = tuple(f"{number:032x}" for number in range(8))


@pytest.fixture(scope="module")
def public(data_folder: Path) -> list[Photograph]:
    return manifest.read_manifest(data_folder / "blood-smears" / "manifest.csv")


@pytest.fixture(scope="module")
def split(public: list[Photograph]) -> Split:
    """Single photographs assigned in turn: each class has one in each of the folds 0 to 3 and one in the test part."""
    turn = np.arange(len(public), dtype=np.int64)
    return Split(slide=turn, fold=turn % splits.FOLDS - 1)


def again(photograph: Photograph, quality: int | None = None, label: str = "") -> Shot:
    """A photograph of the public set as somebody might file it: the same pixels, or saved again as a JPEG."""
    with Image.open(photograph.path) as opened:
        image = opened.convert("RGB")
    if quality is not None:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        image = Image.open(buffer).convert("RGB")
    return Shot(label or photograph.label, image)


def first(public: list[Photograph], split: Split, fold: int) -> Photograph:
    return public[int(np.flatnonzero(split.fold == fold)[0])]


def folds(taken: reviewed.Taken) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for one, fold in zip(taken.photographs, taken.split.fold, strict=True):
        found.setdefault(one.photograph.group, set()).add(int(fold))
    return found


def test_cases_stay_whole_and_keep_their_fold_when_others_come(
    public: list[Photograph], split: Split, tmp_path: Path
) -> None:
    cases = {key: [drawn(CLASSES[n % 4], 2 * n), drawn(CLASSES[0], 2 * n + 1)] for n, key in enumerate(KEYS)}
    few = reviewed.take(write_export(tmp_path / "few", dict(list(cases.items())[:3])), public, split)
    every = reviewed.take(write_export(tmp_path / "every", cases), public, split)
    assert all(len(of_case) == 1 for of_case in folds(every).values())
    assert folds(few).items() <= folds(every).items()
    assert set(folds(every)) == set(KEYS)
    assert len({min(of_case) for of_case in folds(every).values()}) > 1
    assert not every.split.test.any()
    assert not set(every.split.slide.tolist()) & set(split.slide.tolist())
    assert len(np.unique(every.split.slide)) == len(KEYS)
    assert every.record["case_keys"] == sorted(KEYS)
    assert every.record["laboratories"] == [{"slug": "lab-a", "cases": 8, "photographs": 16}]
    assert every.record["left_out"] == {}


@pytest.mark.parametrize("quality", [None, 95, 60])
def test_a_case_with_a_photograph_of_the_test_part_does_not_train(
    quality: int | None, public: list[Photograph], split: Split, tmp_path: Path
) -> None:
    known = again(first(public, split, TEST), quality)
    export = write_export(tmp_path, {KEYS[0]: [known, drawn("Pre", 1)], KEYS[1]: [drawn("Pro", 2)]})
    taken = reviewed.take(export, public, split)
    assert [one.photograph.group for one in taken.photographs] == [KEYS[1]]
    assert taken.record["left_out"] == {"test_part": 2}


def test_a_case_with_a_public_photograph_is_held_out_with_it(
    public: list[Photograph], split: Split, tmp_path: Path
) -> None:
    one, other = first(public, split, 2), first(public, split, 3)
    cases = {
        KEYS[0]: [again(one), drawn("Pre", 1)],
        KEYS[1]: [again(one), again(other), drawn("Pre", 2)],
        KEYS[2]: [again(other, label="Pro"), drawn("Pro", 3)],
    }
    alone = reviewed.take(write_export(tmp_path / "alone", {KEYS[0]: cases[KEYS[0]]}), public, split)
    assert folds(alone) == {KEYS[0]: {2}}
    assert alone.record["left_out"] == {"already_public": 1}
    with pytest.raises(DataError, match="several_folds"):
        reviewed.take(write_export(tmp_path / "several", {KEYS[1]: cases[KEYS[1]]}), public, split)
    # The first and the last share nothing with each other, but each shares a photograph with the one between.
    with pytest.raises(DataError, match="'several_folds': 7"):
        reviewed.take(write_export(tmp_path / "chained", cases), public, split)


def test_one_photograph_in_two_cases_joins_them_and_counts_once(
    public: list[Photograph], split: Split, tmp_path: Path
) -> None:
    shared, disputed = drawn("Pre", 1), drawn("Pro", 2)
    cases = {
        KEYS[0]: [shared, disputed, drawn("Pre", 3)],
        KEYS[1]: [shared, drawn("Early", 4)],
        KEYS[2]: [disputed._replace(label="Early"), drawn("Early", 5)],
    }
    taken = reviewed.take(write_export(tmp_path, cases), public, split)
    assert len(np.unique(taken.split.slide)) == len(np.unique(taken.split.fold)) == 1
    assert taken.record["left_out"] == {"contradicting": 2, "repeated": 1}
    assert taken.record["classes"] == {"Benign": 0, "Early": 2, "Pre": 2, "Pro": 0}


def test_labels_given_beside_the_model_s_answer_can_be_left_out(
    public: list[Photograph], split: Split, tmp_path: Path
) -> None:
    cases = {KEYS[0]: [drawn("Pre", 1, model_seen=True), drawn("Pro", 2)]}
    export = write_export(tmp_path, cases)
    assert reviewed.take(export, public, split).record["model_seen"] == 1
    taken = reviewed.take(export, public, split, blind_only=True)
    assert [one.photograph.label for one in taken.photographs] == ["Pro"]
    assert taken.record["left_out"] == {"model_seen": 1}


def test_a_folder_that_is_no_whole_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="export_reviewed"):
        reviewed.read(tmp_path)
    export = write_export(tmp_path, {KEYS[0]: [drawn("Pre", 1), drawn("Pre", 2)]})
    assert len(reviewed.read(export)) == 2
    changed = export / "blood-smears" / "Pre" / f"{KEYS[0]}-1.png"
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(DataError, match="not what was exported"):
        reviewed.read(export)


def test_maps_of_two_parts_read_as_one_array() -> None:
    maps = np.arange(5 * 8, dtype=np.float16).reshape(5, 2, 2, 2)
    both = Joined((maps[:3], maps[3:]))
    assert (both.shape, len(both)) == (maps.shape, 5)
    for rows in (
        np.array([4, 0, 3, 3]),
        np.array([], dtype=np.int64),
        slice(1, 4),
        slice(0, 256),
        0,
        4,
        np.int64(3),
    ):
        assert np.array_equal(both[rows], maps[rows])


@pytest.fixture
def recipe(
    public: list[Photograph], split: Split, data_folder: Path, tmp_path: Path
) -> Callable[..., list[str]]:
    splits.write(split, public, tmp_path / "split.csv")
    (tmp_path / "recipe.toml").write_text(
        f'data = "{data_folder}"\nout = "{tmp_path}/out"\ncache = "{tmp_path}/cache"\n'
        f'split = "{tmp_path}/split.csv"\nepochs = 1\nversions = 0\nbatch = 8\nthreads = 1\n'
    )
    return lambda *more: ["train", "--config", str(tmp_path / "recipe.toml"), "--fold", "0", *more]


def test_signed_cases_train_and_the_record_names_them(
    recipe: Callable[..., list[str]],
    public: list[Photograph],
    split: Split,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*more: str) -> dict[str, object]:
        assert command.main(recipe(*more)) == 0
        return dict(json.loads(capsys.readouterr().out))

    beside = again(first(public, split, 0))
    cases = {KEYS[0]: [beside, drawn("Pre", 1)], KEYS[1]: [again(first(public, split, 1)), drawn("Pro", 2)]}
    export = write_export(tmp_path / "export", cases)
    without = run()
    with_cases = run("--reviewed", str(export))
    assert without["reviewed"] is None
    assert without["split"]["train"] + 1 == with_cases["split"]["train"]  # type: ignore[index]
    assert without["split"]["held_out"] + 1 == with_cases["split"]["held_out"]  # type: ignore[index]
    named = with_cases["reviewed"]
    assert named["case_keys"] == list(KEYS[:2])  # type: ignore[index]
    assert named["manifest_sha256"] == manifest.file_sha256(reviewed.manifest_of(export))  # type: ignore[index]
    # The public photographs' maps were there already; only the two new ones were computed.
    assert len(list((tmp_path / "cache").glob("clean-block4-*.npy"))) == 2
    outputs = np.load(tmp_path / "out" / "outputs.npz")
    assert outputs["rows"].tolist() == [*np.flatnonzero(split.fold == 0).tolist(), len(public)]

    monkeypatch.setattr(train, "tuned", lambda config, material: pytest.fail("trained again"))
    assert run("--reviewed", str(export)) == with_cases, "a finished run is read"
    write_export(export, cases | {KEYS[2]: [drawn("Early", 3)]})
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        run("--reviewed", str(export))


def test_the_test_part_is_the_public_one_in_every_kind_of_split(
    recipe: Callable[..., list[str]], public: list[Photograph], split: Split, tmp_path: Path
) -> None:
    recipe()
    export = write_export(tmp_path / "export", {KEYS[0]: [drawn("Pre", 1), drawn("Pro", 2)]})
    config = replace(configs.read(tmp_path / "recipe.toml"), reviewed=export)
    material = Material.read(config)
    assert (material.public, len(material.photographs)) == (len(public), len(public) + 2)
    assert (material.split.test[: material.public] == split.test).all()
    for kind in splits.KINDS:
        made = Material.read(replace(config, split_kind=kind)).split
        assert made.kind == kind
        assert (made.fold[material.public :] == material.split.fold[material.public :]).all()
        assert not made.test[material.public :].any()
