"""The command line end to end on drawn photographs: train, evaluate, deliver, export."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from smear.classes import CLASSES
from smear.refer import ReferRule
from tests.documents import Document
from tests.training.exports import drawn, write_export
from training import cli as command
from training import config as configs
from training.data import manifest, splits, synthetic
from training.deliver import card, kept_answers, plots
from training.evaluate import baselines, bootstrap, conformal, metrics, shifts
from training.fit import train
from training.model import repository, weights
from training.model.network import LeukemiaVGG16

ROOT = Path(__file__).resolve().parents[2]

# The first test to ask for the whole training waits for eleven tiny networks.
pytestmark = pytest.mark.timeout(1200)

#: Two of each class for the test part, one or two for every fold.
PER_CLASS = 8

#: Keys of the signed cases, one a class, each with a further photograph of Pre.
SIGNED = tuple(f"{number:032x}" for number in range(4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, narrow: LeukemiaVGG16, worker_id: str) -> Iterator[Path]:
    """A drawn data set with a split of its own, signed cases beside it, and a recipe of one epoch that uses both."""
    root = tmp_path_factory.mktemp(f"run-{worker_id}")
    synthetic.write_data_set(root / "data", dict.fromkeys(CLASSES, PER_CLASS), seed=0)
    (root / "data" / "weights").mkdir()
    state = {name: value for name, value in narrow.state_dict().items() if name.startswith("features.")}
    save_file(state, root / "data" / "weights" / "vgg16_imagenet_features.safetensors")
    photographs = manifest.read_manifest(root / "data" / "blood-smears" / "manifest.csv")
    # Too few for pseudo-slides: single photographs assigned in turn do for what is tested here.
    turn = np.arange(len(photographs), dtype=np.int64)
    split = splits.Split(slide=turn, fold=turn % PER_CLASS % (splits.FOLDS + 1) - 1)
    splits.write(split, photographs, root / "split.csv")
    signed = {
        key: [drawn(label, 2 * number), drawn("Pre", 2 * number + 1, model_seen=number == 0)]
        for number, (key, label) in enumerate(zip(SIGNED, CLASSES, strict=True))
    }
    write_export(root / "signed", signed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "COMMITTED", root / "split.csv")
        patch.setattr(conformal, "LEVEL", 0.5)  # what so few photographs can promise
        patch.setattr(bootstrap, "RESAMPLES", 20)  # intervals are looked at in test_evidence.py
        recipe = (
            f'data = "{root}/data"\nout = "{root}/out"\ncache = "{root}/cache"\nsplit = "{root}/split.csv"\n'
        )
        recipe += f'reviewed = "{root}/signed"\n'
        (root / "recipe.toml").write_text(recipe + "epochs = 1\nversions = 0\nbatch = 8\nthreads = 1\n")
        yield root


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A finished, calibrated model."""
    assert command.main(["build", "--config", str(folder / "recipe.toml")]) == 0
    return folder / "out"


def test_a_run_records_what_it_came_from(run: Path, folder: Path) -> None:
    record = json.loads((run / "build.json").read_text())
    assert record["manifest_sha256"] == manifest.file_sha256(
        folder / "data" / "blood-smears" / "manifest.csv"
    )
    assert record["weights_sha256"] == manifest.file_sha256(run / "weights.safetensors")
    assert len(record["git_commit"]) >= 40
    assert record["recipe"]["epochs"] == 1
    assert record["reviewed"]["case_keys"] == list(SIGNED)
    assert (run / "final" / "history.csv").read_text().startswith("epoch,loss")
    for kind in splits.KINDS:
        assert set(record["baselines"][kind]) == set(baselines.BASELINES)
    # Signed cases train, but every figure is over the public set; theirs stand apart.
    assert sum(map(sum, record["crossvalidation"]["confusion"]["matrix"])) == len(CLASSES) * (PER_CLASS - 2)
    assert record["crossvalidation"]["reviewed"]["images"] == 2 * len(SIGNED) - 1
    features, _ = baselines.load(run / "baselines.safetensors")
    assert len(features.colour) == len(CLASSES) * (PER_CLASS - 2), "nothing of a patient is delivered"


def test_what_is_finished_is_read_and_not_trained_again(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "tuned", lambda *arguments: pytest.fail("trained again"))
    assert command.main(["train", "--config", str(folder / "recipe.toml"), "--out", str(run / "final")]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["fold"] == "final"


def test_what_is_trained_on_averages_answers_alike_from_the_file(folder: Path) -> None:
    """The committed version's way: cached averages in, a network that takes photographs out."""
    out = folder / "averages"
    make = ["--sees", "blocks34", "--enlarged", "336", "--precision", "float32"]
    way = ["--tuned", "head", "--epochs", "0", "--versions", "1", "--fold", "0"]
    recipe = ["--config", str(folder / "recipe.toml"), "--out", str(out)]
    assert command.main(["train", *recipe, *make, *way]) == 0
    network = weights.load(out / "weights.safetensors")
    kept = np.load(out / "outputs.npz")
    photographs = train.Material.read(configs.read(folder / "recipe.toml")).photographs
    pixels = torch.from_numpy(manifest.load_all([photographs[row] for row in kept["rows"][:3]]))
    with torch.inference_mode():
        _, activation_map, _, _ = network(pixels)
    logits = activation_map.mean(dim=(2, 3)) + network.classifier.bias
    np.testing.assert_allclose(logits.numpy(), kept["logits"][:3], rtol=0.02, atol=0.05)


def test_evaluate_prints_one_json_document_with_every_figure(run: Path, folder: Path) -> None:
    images = folder / "data" / "blood-smears"
    arguments = ["evaluate", "--images", str(images), "--weights", str(run / "weights.safetensors")]
    done = subprocess.run(
        [sys.executable, "-m", "training", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    for name in ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall", "auroc", "ece"):
        assert 0 <= figures[name] <= 1
    assert set(figures["recall"]) == set(CLASSES)
    assert figures["confusion"]["labels"] == list(CLASSES)
    assert np.array(figures["confusion"]["matrix"]).sum(axis=1).tolist() == [PER_CLASS] * 4
    assert set(figures["baselines"]) == set(baselines.BASELINES)
    assert 0 <= figures["referred"]["any"] <= 1
    assert "img" in done.stderr


def test_weights_alone_are_enough_and_the_missing_baselines_are_explained(
    run: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "weights.safetensors"
    alone.write_bytes((run / "weights.safetensors").read_bytes())
    few = tmp_path / "images" / "Early"
    few.mkdir(parents=True)
    drawn = folder / "data" / "blood-smears" / "Early" / "SYNTHETIC-Early-001.jpg"
    (few / "1.jpg").write_bytes(drawn.read_bytes())
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
    images: str, weights: str, said: str, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--images", str(folder / "data" / images), "--weights", str(run / weights)]
    assert command.main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.fixture(scope="module")
def model(run: Path, folder: Path) -> Path:
    """The run, delivered as the committed version of a model repository of its own."""
    model = folder / "models" / "leukemia_vgg16"
    model.mkdir(parents=True)
    (model / "config.pbtxt").write_text(
        f'parameters {{ key: "weights_sha256:{repository.VERSION}" value {{ string_value: "old" }} }}\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "EXPLAINED", 1)
        patch.setattr(shifts, "SHIFTS", shifts.SHIFTS[-2:])  # all of them are looked at in test_shifts.py
        arguments = ["deliver", "--run", str(run), "--model", str(model), "--data", str(folder / "data")]
        assert command.main(arguments) == 0
    return model


def test_delivery_writes_weights_parameters_and_card(model: Path, folder: Path) -> None:
    sha256 = manifest.file_sha256(model / str(repository.VERSION) / "weights.safetensors")
    delivered = json.loads((model / "model_card.json").read_text())
    config = (model / "config.pbtxt").read_text()
    assert delivered["sha256"] == sha256
    assert config.count(f"weights_sha256:{repository.VERSION}") == 1
    assert sha256 in config
    assert (
        f'"outlier_threshold:{repository.VERSION}" value {{ string_value: "{delivered["outlier_threshold"]}"'
        in config
    )
    assert delivered["figures"]["images"] == len(splits.test_part(folder / "data"))
    assert [one["key"] for one in delivered["estimates"]] == ["test", "cross_validation", "random_split"]
    assert {one["part"] for one in delivered["comparisons"]} == {"test", "cross_validation", "random_split"}
    assert ReferRule.from_card(delivered).to_card() == delivered["refer_rule"]
    assert delivered["reviewed"]["case_keys"] == list(SIGNED)
    assert delivered["reviewed"]["figures"]["images"] == 2 * len(SIGNED) - 1
    assert "8 photographs of 4 signed cases (lab-a)" in delivered["training"]
    assert "1 of 8 photographs" in delivered["limits"][1]
    assert "reviewed" not in delivered["provenance"]["recipe"], "no path of this machine"
    text = (model / "model_card.md").read_text()
    assert (
        f"lab-a: 8 photographs of 4 cases.\n  Manifest SHA-256 `{delivered['reviewed']['manifest_sha256']}`"
        in text
    )
    assert "no patient split" in text
    assert sha256 in text


def test_the_same_run_delivered_again_has_the_same_name(model: Path, run: Path) -> None:
    before = manifest.file_sha256(model / str(repository.VERSION) / "weights.safetensors")
    assert before == manifest.file_sha256(run / "weights.safetensors")


def test_the_gate_refuses_a_network_of_random_weights_and_says_why(
    model: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["gate", str(repository.VERSION), "--model", str(model), "--data", str(folder / "data")]
    assert command.main(arguments) == 1
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads((model / str(repository.VERSION) / "gate.json").read_text())
    assert said["weights_sha256"] == manifest.file_sha256(
        model / str(repository.VERSION) / "weights.safetensors"
    )
    passed = {one["key"]: one["passed"] for one in said["criteria"]}
    assert passed["hash"]
    assert passed["exported"]
    assert passed["repeated"]
    assert not passed["cv_macro_f1"]


def test_the_gate_measures_a_part_again_against_what_was_kept(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / model.name
    shutil.copytree(model, other)
    kept = other / str(repository.VERSION) / kept_answers.NAME
    kept.unlink(missing_ok=True)
    whole = ["gate", str(repository.VERSION), "--model", str(other), "--data", str(folder / "data")]
    part = [*whole, "--check", "--every", "2"]

    def repeated() -> Document:
        command.main(part)
        criteria: list[Document] = json.loads(capsys.readouterr().out)["criteria"]
        return next(one for one in criteria if one["key"] == "repeated")

    assert command.main(part) == 2
    assert "judge the whole test part first" in capsys.readouterr().err
    command.main(whole)
    capsys.readouterr()
    assert repeated()["passed"]
    lines = kept.read_text().splitlines()
    first = lines[1].split(",")
    first[2:] = [first[3], first[2], *first[4:]]
    kept.write_text("\n".join([lines[0], ",".join(first), *lines[2:]]) + "\n")
    assert not repeated()["passed"]
    assert command.main([*whole, "--every", "2"]) == 2
    assert "together with --check" in capsys.readouterr().err


def test_the_gate_notices_weights_that_the_card_does_not_describe(
    model: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / model.name
    shutil.copytree(model, other)
    weights.save(
        weights.load(run / "final" / "weights.safetensors"),
        other / str(repository.VERSION) / "weights.safetensors",
    )
    assert (
        command.main(["gate", str(repository.VERSION), "--model", str(other), "--data", str(tmp_path)]) == 1
    )
    criteria = json.loads(capsys.readouterr().out)["criteria"]
    assert [one["passed"] for one in criteria if one["key"] == "hash"] == [False]


def test_plots_are_drawn_from_the_card_and_repeat_themselves(model: Path, tmp_path: Path) -> None:
    first = plots.draw_card(model, tmp_path / "first")
    second = plots.draw_card(model, tmp_path / "second")
    assert len(first) == len(plots.PLOTS)
    for one, again in zip(first, second, strict=True):
        assert one.read_bytes() == again.read_bytes()
        assert b"</svg>" in one.read_bytes()


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
