"""The model's contract, on random weights and on the committed ones."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from smear.classes import CLASSES
from training.data import manifest, splits
from training.deliver import export
from training.evaluate import calibrate, evaluation
from training.model import outliers, repository, weights
from training.model.network import LeukemiaVGG16

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "triton_models" / "leukemia_vgg16"
COMMITTED = ROOT / repository.COMMITTED


def images(batch: int) -> Tensor:
    return torch.randint(
        0, 256, (batch, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(batch)
    )


@pytest.fixture(params=["narrow", "narrow_shallow"])
def either(request: pytest.FixtureRequest) -> LeukemiaVGG16:
    """A network on block 5, and one on blocks 3 and 4 of enlarged photographs, with few channels."""
    made: LeukemiaVGG16 = request.getfixturevalue(request.param)
    return made


@pytest.mark.parametrize("name", ["network", "shallow"])
def test_outputs_are_the_contracts_in_type_and_shape(name: str, request: pytest.FixtureRequest) -> None:
    outputs = request.getfixturevalue(name)(images(2))
    assert [tuple(output.shape) for output in outputs] == [(2, 4), (2, 4, 14, 14), (2, 512), (2, 1)]
    assert {output.dtype for output in outputs} == {torch.float32}
    assert all(output.is_contiguous() for output in outputs)


def test_the_maps_mean_plus_bias_is_the_logit_and_temperature_divides_it(either: LeukemiaVGG16) -> None:
    inputs = images(2)
    probabilities, activation_map, embedding, _ = either(inputs)
    logits = activation_map.mean(dim=(2, 3)) + either.classifier.bias
    pool3 = either.to_pool3(inputs)
    seen = either.seen(pool3, either.pool3_to_pool4(pool3))
    torch.testing.assert_close(logits, either.classifier(seen), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(embedding, seen[:, -embedding.shape[1] :], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(probabilities, logits.softmax(dim=1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
    either.temperature.fill_(4.0)
    try:
        torch.testing.assert_close(either(inputs)[0], (logits / 4).softmax(dim=1), atol=1e-4, rtol=1e-4)
    finally:
        either.temperature.fill_(1.0)


@pytest.mark.parametrize("side", [14, 21, 28, 42])
def test_the_grid_keeps_the_mean_and_the_place(narrow_shallow: LeukemiaVGG16, side: int) -> None:
    maps = torch.rand(1, 4, side, side, generator=torch.manual_seed(0))
    on_grid = narrow_shallow._on_grid(maps)
    assert on_grid.shape == (1, 4, 14, 14)
    torch.testing.assert_close(on_grid.mean(dim=(2, 3)), maps.mean(dim=(2, 3)))
    corner = torch.zeros(1, 4, side, side)
    corner[:, :, -1, 0] = 1
    assert float(narrow_shallow._on_grid(corner)[0, 0, -1, 0]) == float(
        narrow_shallow._on_grid(corner)[0, 0].max()
    )


def test_enlarging_shows_the_same_field(narrow_shallow: LeukemiaVGG16) -> None:
    shallow = narrow_shallow
    inputs = images(1)
    assert shallow.to_pool3(inputs).shape[-1] == 42
    plain = shallow.unenlarged()
    assert plain.to_pool3(inputs).shape[-1] == 28
    flat = torch.full((1, 3, 224, 224), 200, dtype=torch.uint8)
    # What has no detail looks the same at every size; zeros around the border reach no further than the middle.
    torch.testing.assert_close(
        shallow.to_pool3(flat)[:, :, 21, 21], plain.to_pool3(flat)[:, :, 14, 14], atol=1e-3, rtol=1e-3
    )


def test_a_file_says_how_its_network_is_made(either: LeukemiaVGG16, tmp_path: Path) -> None:
    weights.save(either, tmp_path / "weights.safetensors")
    again = weights.load(tmp_path / "weights.safetensors")
    assert (again.sees, again.enlarged) == (either.sees, either.enlarged)
    assert len(again.features) == len(either.features)


def test_the_exported_file_answers_as_the_network_at_any_batch_size(
    either: LeukemiaVGG16, tmp_path: Path
) -> None:
    version = tmp_path / "1"
    weights.save(either, version / "weights.safetensors")
    (script_path, program_path) = export.export_version(version)
    eager = weights.load(version / "weights.safetensors")
    script = torch.jit.load(script_path)
    program = torch.export.load(program_path).module()
    for batch in (1, 2, 5):
        expected = eager(images(batch))
        for answer in (script(images(batch)), program(images(batch))):
            for got, wanted in zip(answer, expected, strict=True):
                torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)


def test_the_outlier_score_is_the_mahalanobis_distance() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(2000) % 4
    features = (random.normal(3, 0.2, (2000, 768)) + labels[:, None] * 0.1).astype(np.float32)
    fitted = LeukemiaVGG16()
    outliers.fit(fitted, [features], labels)
    scores = outliers.scores(fitted, features)
    assert float(np.median(scores)) == pytest.approx(1, abs=1e-3)
    centres = np.stack([features[labels == label].mean(axis=0) for label in range(4)])
    covariance = np.cov((features - centres[labels]).T, bias=True)
    from_centres = features[:50, None] - centres
    exact = np.sqrt(
        np.einsum("ncd,de,nce->nc", from_centres, np.linalg.inv(covariance), from_centres).min(axis=1)
    )
    # The network keeps leading components and one variance for the rest, so near and not equal.
    assert np.corrcoef(exact, scores[:50])[0, 1] > 0.8
    assert outliers.scores(fitted, features[:5] * 2).min() > scores.max()


def test_temperature_recovers_a_known_overconfidence() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20000, 4))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > random.random((20000, 1))).argmax(axis=1)
    assert calibrate.fit_temperature((3 * logits).astype(np.float32), labels) == pytest.approx(3, rel=0.05)


def test_committed_weights_are_small_and_named_alike_everywhere() -> None:
    assert COMMITTED.stat().st_size < weights.LIMIT
    sha256 = manifest.file_sha256(COMMITTED)
    card = json.loads((MODEL / "model_card.json").read_text())
    assert card["sha256"] == sha256
    assert sha256 in (MODEL / "model_card.md").read_text()
    note = weights.read_note(COMMITTED)
    assert card["outlier_threshold"] == note["outlier_threshold"]
    for config in (MODEL / "config.pbtxt", MODEL / "configs" / "gpu.pbtxt"):
        parameters = dict(
            re.findall(r'parameters \{ key: "(.+?)" value \{ string_value: "(.+?)" \} \}', config.read_text())
        )
        assert parameters[f"weights_sha256:{repository.VERSION}"] == sha256
        assert float(parameters[f"outlier_threshold:{repository.VERSION}"]) == note["outlier_threshold"]
    assert (MODEL / "labels.txt").read_text().split() == list(CLASSES)


def test_warm_up_covers_every_batch_size() -> None:
    for config in (MODEL / "config.pbtxt", MODEL / "configs" / "gpu.pbtxt"):
        text = config.read_text()
        largest = int(re.findall(r"max_batch_size: (\d+)", text)[0])
        warmed = [int(size) for size in re.findall(r"[^_]batch_size: (\d+)", text)]
        assert warmed == list(range(1, largest + 1))


def test_committed_weights_make_an_exact_map_and_calibrated_probabilities() -> None:
    network = weights.load(COMMITTED)
    probabilities, activation_map, _, score = network(images(1))
    logits = activation_map.mean(dim=(2, 3)) + network.classifier.bias
    torch.testing.assert_close(
        probabilities, (logits / network.temperature).softmax(dim=1), atol=1e-4, rtol=1e-3
    )
    # Noise is no smear.
    assert float(score) > weights.read_note(COMMITTED)["outlier_threshold"]


@pytest.mark.delivered
def test_committed_weights_on_a_sample_of_the_test_part() -> None:
    folder = ROOT / manifest.DEFAULT_DATA
    if not (folder / "blood-smears" / "manifest.csv").is_file():
        pytest.skip(f"the photographs are not at {folder}")
    sample = splits.test_part(folder)[::40]
    figures = evaluation.evaluate(COMMITTED, sample)
    assert figures["accuracy"] >= 0.9
    assert figures["malignant_sensitivity"] >= 0.95
    assert figures["outliers"]["share_above"] <= 0.15
