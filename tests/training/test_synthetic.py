"""Drawn smears: repeatable, marked, laid out like the real set, and told apart by their cells alone."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from smear.classes import CLASSES
from smear.decode import decode
from smear.nuclei import nuclei
from smear.regions import regions, shrink
from smear.tensor import MASK_START, SIDE, to_tensor
from training import cli as command
from training.data import manifest, synthetic
from training.data.drawing import draw_slide
from training.evaluate.baselines import colour_statistics


def test_the_same_seed_draws_the_same_picture_and_another_another() -> None:
    one, again, other = (synthetic.draw("Pre", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


@pytest.mark.parametrize("side", [SIDE, 300])
def test_the_mark_is_in_the_corner_that_the_model_never_sees(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = synthetic.draw("Early", np.random.default_rng(3), side)
    monkeypatch.setattr(synthetic, "_marked", lambda pixels, scale_bar: Image.fromarray(pixels))
    plain = synthetic.draw("Early", np.random.default_rng(3), side)
    different = (np.asarray(marked) != np.asarray(plain)).any(axis=2)
    start = side * MASK_START / SIDE
    assert different.mean() > 0.01
    assert np.argwhere(different).min() >= start
    np.testing.assert_array_equal(to_tensor(marked), to_tensor(plain))
    red = np.asarray(marked)[int(start) :, int(start) :].astype(int)
    assert ((red[..., 0] - red[..., 1]) > 60).mean() > 0.03


def test_a_written_set_has_the_real_ones_layout_and_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["synthetic", "--count", "12", "--seed", "4", "--out", str(tmp_path / "all")]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 48
    photographs = manifest.read_manifest(tmp_path / "all" / "blood-smears" / "manifest.csv")
    again = manifest.read_manifest(synthetic.write_data_set(tmp_path / "pro", {"Pro": 12}, seed=4))
    assert [photograph.sha256 for photograph in photographs[-12:]] == [one.sha256 for one in again]
    assert [photograph.label for photograph in photographs] == [label for label in CLASSES for _ in range(12)]
    assert [photograph.number for photograph in again] == list(range(1, 13))
    for photograph in photographs:
        content = photograph.path.read_bytes()
        assert photograph.sha256 == manifest.file_sha256(photograph.path)
        assert b"SYNTHETIC" in content[:300]
        assert "SYNTHETIC" in photograph.path.name
    decoded = decode(io.BytesIO(content), filename=photograph.path.name)
    assert (decoded.width, decoded.height, decoded.notices) == (SIDE, SIDE, [])
    assert len({photograph.group for photograph in photographs}) < len(photographs)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "blood-smears").mkdir()
    assert command.main(["synthetic", "--out", str(tmp_path)]) == 2
    assert "there already" in capsys.readouterr().err


def test_overlapping_photographs_show_the_same_cells() -> None:
    random = np.random.default_rng(6)
    one, other = synthetic.draw_overlapping("Pro", random, draw_slide(random))
    shift = round(SIDE * synthetic.OVERLAP_SHIFT)
    here = np.asarray(one, dtype=float)[:180, shift:, 1].ravel()
    there = np.asarray(other, dtype=float)[:180, :-shift, 1].ravel()
    assert np.corrcoef(here, there)[0, 1] > 0.9


def test_cells_tell_the_class_and_colours_do_not() -> None:
    """One slide a picture, so that nothing but the class is shared; chance is a quarter."""
    labels = np.repeat(np.arange(len(CLASSES)), 20)
    random = np.random.default_rng(7)
    pixels = np.stack([to_tensor(synthetic.draw(CLASSES[label], random)) for label in labels])
    neighbours = make_pipeline(StandardScaler(), KNeighborsClassifier(5))
    by_colour = cross_val_predict(neighbours, colour_statistics(pixels), labels, cv=5)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    by_cells = cross_val_predict(logistic, np.stack([shapes(field) for field in pixels]), labels, cv=5)
    assert float((by_colour == labels).mean()) < 0.5
    assert float((by_cells == labels).mean()) > 0.85


def shapes(field: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Size, outline and texture of a field's nuclei, and what lies around them, in units of the field's own stain."""
    mask = nuclei(field)
    area = np.sort(regions(mask).area[1:])
    inside = shrink(mask, 2)
    density = -np.log((field[1].astype(float) + 1) / 255)
    grain = density - np.asarray(
        Image.fromarray(density.astype(np.float32)).reduce(4).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    )
    rim = mask & ~shrink(mask, 1)
    return np.array(
        [
            np.median(area),
            area[-3:].mean(),
            rim.sum() / np.sqrt(area).sum(),
            grain[inside].std() / density[inside].mean(),
        ]
    )
