"""The int8 variant on random weights and drawn smears: what it keeps of the contract, and how it is delivered."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from smear.classes import CLASSES
from tests.integers import let_sums_overflow
from training.cli import main
from training.data import manifest
from training.deliver import export, gate, int8_model, parity
from training.deliver.gate import Card
from training.model import quantize, quantized, weights
from training.model.network import LeukemiaVGG16

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "triton_models" / "leukemia_vgg16"
INT8_MODEL = ROOT / "triton_models" / "leukemia_vgg16_int8"

#: The folders of an FP32 and of an int8 model, and the content of the latter's gate.json.
Delivered = tuple[Path, Path, Card]


@pytest.fixture(scope="session")
def network(narrow: LeukemiaVGG16) -> LeukemiaVGG16:
    """Few channels: the same arithmetic, and a small share of the time."""
    return narrow


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return parity.pictures(4)


@pytest.fixture(scope="module")
def int8(network: LeukemiaVGG16, pixels: Tensor) -> LeukemiaVGG16:
    with quantize.observed(network) as seen, torch.inference_mode():
        network(pixels)
    return quantize.quantize(network, seen)


@pytest.fixture
def version(int8: LeukemiaVGG16, tmp_path: Path) -> Path:
    """A version's folder with nothing but the committed form."""
    folder = tmp_path / "leukemia_vgg16_int8" / "1"
    weights.save(int8, folder / "weights.safetensors")
    return folder


def relative(answer: Tensor, wanted: Tensor) -> float:
    return float((answer - wanted).norm() / wanted.norm())


def test_it_answers_nearly_as_the_network_it_was_made_from(
    network: LeukemiaVGG16, int8: LeukemiaVGG16, pixels: Tensor
) -> None:
    with torch.inference_mode():
        answers, wanted = int8(pixels), network(pixels)
    assert [answer.shape for answer in answers] == [output.shape for output in wanted]
    assert {answer.dtype for answer in answers} == {torch.float32}
    assert relative(answers[2], wanted[2]) < 0.05
    # Equal would mean that nothing was quantized.
    assert relative(answers[2], wanted[2]) > 1e-5


def test_the_activation_map_is_exact_for_its_own_logits(int8: LeukemiaVGG16, pixels: Tensor) -> None:
    with torch.inference_mode():
        probabilities, activation_map, _, _ = int8(pixels)
        pool3 = int8.to_pool3(pixels)
        logits = int8.logits(pool3, int8.pool3_to_pool4(pool3))
    torch.testing.assert_close(
        activation_map.mean(dim=(2, 3)) + int8.classifier.bias, logits, atol=1e-4, rtol=1e-4
    )
    torch.testing.assert_close(
        probabilities, (logits / int8.temperature).softmax(dim=1), atol=1e-5, rtol=1e-4
    )


def test_the_file_holds_all_of_it_in_int8(int8: LeukemiaVGG16, pixels: Tensor, version: Path) -> None:
    path = version / "weights.safetensors"
    tensors = load_file(path)
    convolutions = [name for name in tensors if re.fullmatch(r"features\.\d+\.weight", name)]
    assert len(convolutions) == 13
    assert {tensors[name].dtype for name in convolutions} == {torch.int8}
    again = weights.load(path)
    with torch.inference_mode():
        for answer, wanted in zip(again(pixels[:2]), int8(pixels[:2]), strict=True):
            assert torch.equal(answer, wanted)


def test_the_same_network_has_the_same_hash(int8: LeukemiaVGG16, version: Path, tmp_path: Path) -> None:
    weights.save(int8, tmp_path / "again.safetensors")
    assert manifest.file_sha256(tmp_path / "again.safetensors") == manifest.file_sha256(
        version / "weights.safetensors"
    )


def test_a_file_that_lacks_a_scale_is_refused(int8: LeukemiaVGG16) -> None:
    tensors = quantized.stored(int8)
    del tensors["features.2.scale"]
    with pytest.raises(RuntimeError, match=r"features\.2\.scale is missing"):
        quantized.build(tensors)


def test_export_needs_the_committed_file_alone(int8: LeukemiaVGG16, pixels: Tensor, version: Path) -> None:
    assert export.export_repository(version.parents[1]) == [version / "model.pt"]
    script = torch.jit.load(version / "model.pt")
    with torch.inference_mode():
        for batch in (1, 3):
            for answer, wanted in zip(script(pixels[:batch]), int8(pixels[:batch]), strict=True):
                torch.testing.assert_close(answer, wanted, atol=1e-4, rtol=1e-4)


def test_export_refuses_a_program_that_answers_otherwise(
    int8: LeukemiaVGG16, version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = quantized.build(quantized.stored(int8) | {"temperature": torch.tensor([2.0])})
    script = export.to_torchscript(other)
    monkeypatch.setattr(export, "to_torchscript", lambda network: script)
    with pytest.raises(manifest.DataError, match="PROBABILITIES at batch size 1 differs by"):
        export.export_version(version)
    assert [path.name for path in version.iterdir()] == ["weights.safetensors"]


def test_a_program_of_fixed_batch_size_is_refused(int8: LeukemiaVGG16) -> None:
    def first_only(pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(answer[:1] for answer in int8(pixels))

    with pytest.raises(manifest.DataError, match=r"PROBABILITIES at batch size 2 has the shape \[1, 4\]"):
        parity.require_same("model.pt", first_only, int8, batches=(1, 2))


def test_a_processor_whose_integer_sums_overflow_gets_no_int8_model(
    version: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    let_sums_overflow(monkeypatch)
    (version / "model.pt").write_bytes(b"exported on another machine")
    assert main(["export", "--model", str(version.parent)]) == 2
    assert "sums of int8 products overflow. Serve the FP32 model here" in capsys.readouterr().err
    assert not (version / "model.pt").exists()


def test_where_sums_overflow_the_repository_is_exported_without_int8(
    version: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    let_sums_overflow(monkeypatch)
    assert export.export_repository(version.parents[1]) == []
    assert "not exported" in capsys.readouterr().err


def test_where_sums_overflow_the_gate_measures_nothing_anew(
    delivered: Delivered, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target, stored = delivered
    let_sums_overflow(monkeypatch)
    monkeypatch.setattr(int8_model, "compare", lambda *_: pytest.fail("a wrong processor was asked"))
    card = json.loads((target / "model_card.json").read_text())
    judged = gate._against_fp32(card, target / "1" / "weights.safetensors", data_folder)
    assert judged == [one for one in stored["criteria"] if one["key"].startswith("int8_")]


def test_exact_sums_are_found_to_be_exact() -> None:
    assert not quantized.sums_overflow()


def test_sums_of_16_bits_are_found_to_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    let_sums_overflow(monkeypatch)
    assert quantized.sums_overflow()


def test_scales_minimise_the_rounding_error() -> None:
    random = torch.Generator().manual_seed(0)
    histogram = quantize.Histogram()
    histogram.add(torch.rand(1_000_000, generator=random) * 3)
    assert histogram.scale() == pytest.approx(3 / 255, rel=0.02)
    # Steps for one stray value cost all others: least is (30 - x)^2 + 1e6 (x / 255)^2 / 12, at x = 13.
    histogram.add(torch.tensor([30.0]))
    assert histogram.counts.sum() == 1_000_001
    assert histogram.scale() == pytest.approx(13.2 / 255, rel=0.1)


def test_photographs_to_which_a_layer_is_blind_are_refused() -> None:
    histogram = quantize.Histogram()
    histogram.add(torch.zeros(4))
    with pytest.raises(manifest.DataError, match="give other ones"):
        histogram.scale()


def test_the_matched_temperature_undoes_a_stretch() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (500, 4))
    assert int8_model.match_temperature(logits / 0.4, 1.3 * logits) == pytest.approx(1.3 * 0.4, rel=1e-3)


@pytest.fixture(scope="module")
def delivered(
    network: LeukemiaVGG16, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Delivered:
    """The folders of an FP32 and of an int8 model, and the content of the latter's gate.json."""
    repository = tmp_path_factory.mktemp("models")
    source = repository / "leukemia_vgg16" / "1"
    note = {"temperature": 1.0, "outlier_threshold": 1.5, "split": "drawn"}
    weights.save(network, source / "weights.safetensors", {weights.NOTE: json.dumps(note)})
    for name in ("config.pbtxt", "labels.txt"):
        (source.parent / name).write_text((MODEL / name).read_text())
    card = {"name": "leukemia_vgg16", "version": 1, "intended_use": "tests", "classes": list(CLASSES)}
    (source.parent / "model_card.json").write_text(json.dumps({**card, "baselines": {}, "limits": ["drawn"]}))
    photographs = manifest.read_manifest(data_folder / "blood-smears" / "manifest.csv")
    training = [one for label in CLASSES for one in [one for one in photographs if one.label == label][:2]]
    target = repository / "leukemia_vgg16_int8"
    gate = int8_model.deliver(source, target, training, training[::2], np.arange(4))
    return source.parent, target, gate


def test_its_calibration_is_its_own(delivered: Delivered) -> None:
    source, target, _ = delivered
    fp32 = weights.load(source / "1" / "weights.safetensors")
    int8 = weights.load(target / "1" / "weights.safetensors")
    assert not torch.equal(int8.outlier_centres, fp32.outlier_centres)
    assert 0 < float(int8.outlier_scale) < float("inf")
    assert float(int8.temperature) != float(fp32.temperature)
    note = weights.read_note(target / "1" / "weights.safetensors")
    assert note["quantized_from"] == manifest.file_sha256(source / "1" / "weights.safetensors")
    assert note["split"] == "drawn"


def test_what_is_delivered_names_the_same_weights_everywhere(
    delivered: Delivered,
) -> None:
    source, target, gate = delivered
    sha256 = manifest.file_sha256(target / "1" / "weights.safetensors")
    card = json.loads((target / "model_card.json").read_text())
    assert (card["name"], card["version"], card["sha256"]) == ("leukemia_vgg16_int8", 1, sha256)
    assert card["limits"] == ["drawn"]
    assert "baselines" not in card
    assert card["figures"]["images"] == 4
    for measure in card["estimates"][0]["measures"].values():
        assert measure["low"] <= measure["value"] <= measure["high"]
    assert sha256 in (target / "model_card.md").read_text()
    assert (target / "labels.txt").read_text() == (source / "labels.txt").read_text()
    assert json.loads((target / "1" / "gate.json").read_text()) == gate
    assert gate["weights_sha256"] == sha256
    text = (target / "config.pbtxt").read_text()
    assert 'name: "leukemia_vgg16_int8"' in text
    assert re.findall(r'"weights_sha256:(\d+)" value { string_value: "(\w+)"', text) == [("1", sha256)]
    assert f'"outlier_threshold:1" value {{ string_value: "{card["outlier_threshold"]}"' in text
    # All else is the FP32 model's configuration.
    own = re.compile(r'^(#|name:|parameters \{ key: "(weights_sha256|outlier_threshold))')

    def common(config: str) -> list[str]:
        return [line for line in config.splitlines() if not own.match(line)]

    assert common(text) == common((source / "config.pbtxt").read_text())


def test_the_fp32_weights_are_asked_once_about_the_same_photographs(
    delivered: Delivered, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, _ = delivered
    photographs = manifest.read_manifest(data_folder / "blood-smears" / "manifest.csv")[:4]
    fp32, int8 = (one / "1" / "weights.safetensors" for one in (source, target))
    first = int8_model.answers_of(fp32, photographs)
    respond = int8_model.respond
    asked: list[LeukemiaVGG16] = []

    def noted(network: LeukemiaVGG16, batches: Iterable[Tensor]) -> int8_model.Responses:
        asked.append(network)
        return respond(network, batches)

    monkeypatch.setattr(int8_model, "respond", noted)
    compared = int8_model.compare(fp32, int8, photographs)
    assert len(asked) == 1
    assert int8_model.answers_of(fp32, photographs) is first
    assert (compared["probabilities"]["fp32"].argmax(axis=1) == first.logits.argmax(axis=1)).all()


def test_the_gate_closes_where_int8_falls_behind() -> None:
    figures = {"macro_f1": 0.99, "malignant_sensitivity": 1.0, "ece": 0.01}
    compared = {"agreement": 0.995, "fp32": figures, "int8": figures}

    def closed(**changes: object) -> list[str]:
        return [one["key"] for one in int8_model.criteria(compared | changes) if not one["passed"]]

    assert closed() == []
    assert closed(agreement=0.989) == ["int8_agreement"]
    assert closed(int8=figures | {"macro_f1": 0.984}) == ["int8_macro_f1"]
    assert closed(int8=figures | {"malignant_sensitivity": 0.999}) == ["int8_malignant_sensitivity"]
    assert closed(int8=figures | {"ece": 0.02}) == ["int8_ece"]


def test_a_network_on_blocks_3_and_4_is_quantized_as_well(
    narrow_shallow: LeukemiaVGG16, pixels: Tensor, tmp_path: Path
) -> None:
    with quantize.observed(narrow_shallow) as seen, torch.inference_mode():
        wanted = narrow_shallow(pixels[:2])
    int8 = quantize.quantize(narrow_shallow, seen)
    weights.save(int8, tmp_path / "weights.safetensors")
    again = weights.load(tmp_path / "weights.safetensors")
    with torch.inference_mode():
        answers = again(pixels[:2])
        pool3 = again.to_pool3(pixels[:2])
        logits = again.logits(pool3, again.pool3_to_pool4(pool3))
    assert again.enlarged == 336
    assert relative(answers[2], wanted[2]) < 0.05
    torch.testing.assert_close(
        answers[1].mean(dim=(2, 3)) + again.classifier.bias, logits, atol=1e-4, rtol=1e-4
    )


def test_the_committed_file_is_small() -> None:
    (committed,) = INT8_MODEL.glob("*/weights.safetensors")
    assert committed.stat().st_size < 16_000_000


def test_the_committed_configuration_is_the_generated_one() -> None:
    text = (INT8_MODEL / "config.pbtxt").read_text()
    assert text == int8_model.config(MODEL / "config.pbtxt", INT8_MODEL)
