"""The command line end to end on drawn photographs: train, evaluate, deliver, export."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smear.classes import CLASSES
from training import __main__ as command
from training import data, metrics, splits

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one epoch."""
    folder = tmp_path_factory.mktemp("run")
    recipe = folder / "recipe.toml"
    recipe.write_text(f'data = "{data_folder}"\nout = "{folder}/out"\ncache = "{folder}/cache"\n')
    # No augmented versions: blocks 1 to 4 are what takes the time, and test_fit.py covers augmented caches.
    status = command.main(["train", "--config", str(recipe), "--epochs=1", "--versions=0", "--batch=8"])
    assert status == 0
    return folder / "out"


def test_a_run_records_what_it_came_from(run: Path, data_folder: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    assert record["manifest_sha256"] == data.file_sha256(data_folder / "blood-smears" / "manifest.csv")
    assert record["weights_sha256"] == data.file_sha256(run / "weights.safetensors")
    assert len(record["git_commit"]) >= 40
    assert record["recipe"]["epochs"] == 1
    assert len(record["history"]) == 1
    assert set(record["baselines"]["validation"]) == {"colour_5nn", "block4_logistic", "block4_rbf_svm"}


def test_a_finished_run_is_not_overwritten_by_accident(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["train", "--config", str(run.parent / "recipe.toml")]) == 2
    assert "--resume" in capsys.readouterr().err


def test_evaluate_prints_one_json_document_with_every_figure(run: Path, data_folder: Path) -> None:
    arguments = [
        "evaluate",
        "--images",
        str(data_folder / "blood-smears"),
        "--weights",
        str(run / "weights.safetensors"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "training", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    for name in ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall", "auroc", "ece"):
        assert 0 <= figures[name] <= 1
    assert set(figures["recall"]) == set(CLASSES)
    assert figures["confusion"]["labels"] == list(CLASSES)
    assert np.array(figures["confusion"]["matrix"]).sum(axis=1).tolist() == [5, 5, 5, 5]
    assert set(figures["baselines"]) == {"colour_5nn", "block4_logistic", "block4_rbf_svm"}
    assert "img" in done.stderr


def test_weights_alone_are_enough_and_the_missing_baselines_are_explained(
    run: Path, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "weights.safetensors"
    alone.write_bytes((run / "weights.safetensors").read_bytes())
    few = tmp_path / "images" / "Early"
    few.mkdir(parents=True)
    (few / "1.jpg").write_bytes((data_folder / "blood-smears/Early/SYNTHETIC-Early-001.jpg").read_bytes())
    assert command.main(["evaluate", "--images", str(few.parent), "--weights", str(alone)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["baselines"] is None
    assert "baselines.safetensors" in figures["baselines_reason"]
    assert figures["benign_recall"] is None
    assert figures["auroc"] is None


def test_outliers_are_counted_by_folder(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "noise").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise" / "1.png")
    weights = run / "weights.safetensors"
    assert command.main(["outliers", "--images", str(tmp_path), "--weights", str(weights)]) == 0
    found = json.loads(capsys.readouterr().out)
    noise_found = found["folders"]["noise"]
    assert noise_found["images"] == 1
    assert noise_found["share_above"] == float(noise_found["least_score"] > found["threshold"])


@pytest.mark.parametrize(
    ("images", "weights", "said"),
    [
        ("nowhere", "weights.safetensors", "class folder"),
        ("blood-smears", "nothing.safetensors", "no weights"),
    ],
)
def test_what_is_missing_is_said(
    images: str, weights: str, said: str, run: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = command.main(
        ["evaluate", "--images", str(data_folder / images), "--weights", str(run / weights)]
    )
    assert status == 2
    assert said in capsys.readouterr().err


def test_delivery_writes_weights_parameters_and_card(
    run: Path, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "COMMITTED", run / "split.csv")
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.pbtxt").write_text(
        'parameters { key: "weights_sha256:1" value { string_value: "old" } }\n'
    )
    part = splits.validation_part(data_folder, run / "split.csv")
    monkeypatch.setattr(splits, "validation_part", lambda folder: part)
    assert (
        command.main(["deliver", "--run", str(run), "--model", str(model), "--data", str(data_folder)]) == 0
    )
    sha256 = data.file_sha256(model / "1" / "weights.safetensors")
    card = json.loads((model / "model_card.json").read_text())
    config = (model / "config.pbtxt").read_text()
    assert card["sha256"] == sha256
    assert config.count("weights_sha256:1") == 1
    assert sha256 in config
    assert f'"outlier_threshold:1" value {{ string_value: "{card["outlier_threshold"]}"' in config
    assert card["figures"]["images"] == len(part)
    assert "patient split" in (model / "model_card.md").read_text()


def test_figures_of_a_known_confusion() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3])
    predicted = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3, 0])
    figures = metrics.measure(np.eye(4)[predicted], labels)
    assert figures["accuracy"] == pytest.approx(0.7)
    assert figures["benign_recall"] == pytest.approx(0.75)
    # Five of six malignant photographs got a malignant class, one of them the wrong one.
    assert figures["malignant_sensitivity"] == pytest.approx(5 / 6)
    assert figures["macro_f1"] == pytest.approx((0.75 + 0.5 + 0.8 + 2 / 3) / 4)
    assert figures["confusion"]["matrix"] == [[3, 1, 0, 0], [0, 1, 1, 0], [0, 0, 2, 0], [1, 0, 0, 1]]


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.tile([0.8, 0.2, 0.0, 0.0], (100, 1))
    labels = np.array([0] * 60 + [1] * 40)
    assert metrics.expected_calibration_error(probabilities, labels, bins=1) == pytest.approx(0.2)
    assert metrics.expected_calibration_error(probabilities, np.zeros(100, dtype=np.int64)) == pytest.approx(
        0.2
    )
