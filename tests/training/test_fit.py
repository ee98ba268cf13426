"""Fine-tuning: an interrupted run ends as an uninterrupted one, and sampling balances the classes."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training import features, fit, weights
from training.augment import Strength, augment, generator
from training.config import Config, read
from training.data import DataError, read_manifest
from training.network import POOL4, LeukemiaVGG16

CONFIG = replace(Config(), epochs=2, batch=4, versions=1, lr_block5=1e-3)


@pytest.fixture
def maps() -> list[fit.Maps]:
    random = np.random.default_rng(0)
    return [random.random((8, 512, 4, 4)).astype(np.float16) for _ in range(2)]


def test_a_resumed_run_ends_with_the_same_weights(
    network: LeukemiaVGG16, maps: list[fit.Maps], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.arange(8) % 4
    weights.deterministic(1, 0)

    def run(checkpoint: Path) -> LeukemiaVGG16:
        fresh = copy.deepcopy(network).requires_grad_(True)
        return fit.fine_tune(fresh, maps, labels, CONFIG, checkpoint=checkpoint)[0]

    whole = run(tmp_path / "whole.pt")
    original = fit.batches

    def interrupted(*arguments):
        if arguments[-1] == 1:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(fit, "batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut.pt")
    monkeypatch.setattr(fit, "batches", original)
    resumed = run(tmp_path / "cut.pt")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    moved = (whole.features[POOL4].weight - network.features[POOL4].weight).abs().max()
    frozen = (whole.features[0].weight - network.features[0].weight).abs().max()
    assert float(moved) > 0
    assert float(frozen) == 0


def test_classes_are_drawn_equally_often_whatever_their_size(maps: list[fit.Maps]) -> None:
    labels = np.array([0] * 90 + [1] * 10)
    pool4 = [np.zeros((100, 1, 1, 1), dtype=np.float16)]
    plain = replace(CONFIG, mixup=0.0, batch=10)
    drawn = torch.cat([wanted for _, wanted in fit.batches(pool4, labels, plain, epoch=0)])
    assert drawn.sum(dim=0)[:2].tolist() == [50, 50]


def test_an_interrupted_cache_goes_on_and_equals_a_whole_one(
    data_folder: Path, network: LeukemiaVGG16, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photographs = read_manifest(data_folder / "blood-smears" / "manifest.csv")[:4]
    monkeypatch.setattr(features, "BATCH", 2)
    whole = features.pool4(network, photographs, tmp_path, "whole", version=1)
    load, loaded = features.load, 0

    def stops(photograph):
        nonlocal loaded
        loaded += 1
        if loaded == 3:
            raise KeyboardInterrupt
        return load(photograph)

    monkeypatch.setattr(features, "load", stops)
    with pytest.raises(KeyboardInterrupt):
        features.pool4(network, photographs, tmp_path, "cut", version=1)
    loaded = 3
    resumed = features.pool4(network, photographs, tmp_path, "cut", version=1)
    assert loaded == 5, "the two photographs already done were computed again"
    assert np.array_equal(whole, resumed)


def test_augmentation_repeats_itself_differs_by_version_and_keeps_the_mask() -> None:
    pixels = np.random.default_rng(0).integers(100, 250, (3, 224, 224), dtype=np.uint8)
    first = augment(pixels, generator("a", 1, 0), Strength())
    assert np.array_equal(first, augment(pixels, generator("a", 1, 0), Strength()))
    assert not np.array_equal(first, augment(pixels, generator("a", 2, 0), Strength()))
    assert first.shape == pixels.shape
    assert first.dtype == np.uint8
    assert (first[:, 192:, 192:] == first[:, 192:193, 192:193]).all()


def test_augmentation_of_no_strength_only_turns_the_photograph() -> None:
    pixels = np.random.default_rng(0).integers(30, 250, (3, 224, 224), dtype=np.uint8)
    still = Strength(0, 0, 0, 0, 0, 0, 0, 0)
    turned = augment(pixels, generator("a", 1, 0), still).astype(int)
    poses = [np.rot90(pose, k, axes=(1, 2)) for pose in (pixels, pixels[:, :, ::-1]) for k in range(4)]
    middle = np.s_[:, 40:180, 40:180]
    assert min(np.abs(pose[middle] - turned[middle]).max() for pose in poses) <= 1


def test_a_recipe_with_a_slip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("epoch = 3\n")
    with pytest.raises(DataError, match="epoch"):
        read(tmp_path / "recipe.toml")
    (tmp_path / "recipe.toml").write_text("epochs = 3\n[strength]\nblur = 0.5\n")
    recipe = read(tmp_path / "recipe.toml", {"epochs": 7, "batch": None})
    assert (recipe.epochs, recipe.batch, recipe.strength.blur) == (7, Config().batch, 0.5)
