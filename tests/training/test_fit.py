"""Fine-tuning: an interrupted run ends as an uninterrupted one, and sampling balances the classes."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import Config, read
from training.data import transforms
from training.data.augment import Strength, augment, generator
from training.data.manifest import DataError, Photograph, read_manifest
from training.fit import checkpoint, features, fine_tuning, parallel
from training.fit.features import Maps
from training.fit.fine_tuning import MapSource
from training.model import weights
from training.model.network import POOL4, LeukemiaVGG16

CONFIG = replace(Config(), epochs=2, batch=4, versions=1, lr_block5=1e-3, precision="float32")


@pytest.fixture
def maps() -> list[Maps]:
    random = np.random.default_rng(0)
    return [random.random((8, 512, 4, 4)).astype(np.float16) for _ in range(2)]


def weight(network: LeukemiaVGG16, place: int) -> Tensor:
    """What a convolution of the network weighs its input with."""
    found = network.features[place].weight
    assert isinstance(found, Tensor)
    return found


def test_a_resumed_run_ends_with_the_same_weights(
    network: LeukemiaVGG16, maps: list[Maps], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.arange(8) % 4
    weights.deterministic(1, 0)
    monkeypatch.setattr(checkpoint, "SECONDS", 0)

    def run(checkpoint: Path) -> LeukemiaVGG16:
        fresh = copy.deepcopy(network).requires_grad_(True)
        return fine_tuning.fine_tune(fresh, maps, labels, CONFIG, checkpoint=checkpoint)[0]

    whole = run(tmp_path / "whole.pt")
    original = fine_tuning.batches

    def interrupted(
        versions: Sequence[MapSource], labels: NDArray[np.int64], config: Config, epoch: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        if epoch == 1:
            raise KeyboardInterrupt
        return original(versions, labels, config, epoch)

    monkeypatch.setattr(fine_tuning, "batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut.pt")
    monkeypatch.setattr(fine_tuning, "batches", original)
    resumed = run(tmp_path / "cut.pt")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    moved = (weight(whole, POOL4) - weight(network, POOL4)).abs().max()
    frozen = (weight(whole, 0) - weight(network, 0)).abs().max()
    assert float(moved) > 0
    assert float(frozen) == 0


def test_classes_are_drawn_equally_often_whatever_their_size(maps: list[Maps]) -> None:
    labels = np.array([0] * 90 + [1] * 10)
    pool4 = [np.zeros((100, 1, 1, 1), dtype=np.float16)]
    plain = replace(CONFIG, mixup=0.0, batch=10)
    drawn = torch.cat([wanted for _, wanted in fine_tuning.batches(pool4, labels, plain, epoch=0)])
    assert drawn.sum(dim=0)[:2].tolist() == [50, 50]


def test_an_interrupted_cache_goes_on_and_equals_a_whole_one(
    data_folder: Path, network: LeukemiaVGG16, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photographs = read_manifest(data_folder / "blood-smears" / "manifest.csv")[:4]
    monkeypatch.setattr(features, "BATCH", 2)
    transform = transforms.augmented(1, 0, Strength())
    whole = features.Cache(tmp_path / "whole", "backbone").maps(network, photographs, transform, 3)
    loaded = 0

    def stops(photograph: Photograph) -> NDArray[np.uint8]:
        nonlocal loaded
        loaded += 1
        if loaded == 3:
            raise KeyboardInterrupt
        return transform.make(photograph)

    cut = features.Cache(tmp_path / "cut", "backbone")
    with pytest.raises(KeyboardInterrupt):
        cut.maps(network, photographs, replace(transform, make=stops), 3)
    loaded = 3
    resumed = cut.maps(network, photographs, replace(transform, make=stops), 3)
    assert loaded == 5, "the two photographs already done were computed again"
    assert np.array_equal(whole, resumed)


def test_block_4_is_the_same_from_the_cache_of_block_3(
    data_folder: Path, network: LeukemiaVGG16, tmp_path: Path
) -> None:
    photographs = read_manifest(data_folder / "blood-smears" / "manifest.csv")[:3]
    direct = features.Cache(tmp_path / "direct", "backbone").maps(network, photographs, transforms.clean(), 4)
    cache = features.Cache(tmp_path / "stepwise", "backbone")
    cache.maps(network, photographs, transforms.clean(), 3)
    stepwise = cache.maps(network, photographs, transforms.clean(), 4)
    assert direct.shape == (3, 512, 14, 14)
    np.testing.assert_allclose(direct, stepwise, rtol=0.01, atol=float(direct.max()) * 0.002)


def test_averages_are_those_of_the_maps_and_enlarging_has_its_own(
    data_folder: Path, shallow: LeukemiaVGG16, tmp_path: Path
) -> None:
    photographs = read_manifest(data_folder / "blood-smears" / "manifest.csv")[:3]
    cache = features.Cache(tmp_path, "backbone")
    means = cache.means(shallow, photographs, transforms.clean())
    maps = [cache.maps(shallow, photographs, transforms.clean(), block) for block in (3, 4)]
    assert [one.shape[1:] for one in maps] == [(256, 42, 42), (512, 21, 21)]
    expected = np.concatenate([one.astype(np.float32).mean(axis=(2, 3)) for one in maps], axis=1)
    np.testing.assert_allclose(means, expected, rtol=0.01, atol=float(expected.max()) * 0.002)
    plain = cache.means(shallow.unenlarged(), photographs, transforms.clean())
    assert np.abs(plain - means).max() > 0.01 * means.max()


def test_the_linear_layer_balances_classes_and_weighs_versions() -> None:
    network = LeukemiaVGG16(sees="blocks34")
    labels = np.repeat(np.arange(4), [40, 5, 5, 5])
    random = np.random.default_rng(0)
    # Noise in the marks' own columns: elsewhere it would let each photograph be learnt by heart.
    clear = np.eye(4, 768, dtype=np.float32)[labels] * 5
    clear[:, :4] += random.normal(0, 0.1, (55, 4))
    misleading = np.eye(4, 768, dtype=np.float32)[(labels + 1) % 4] * 5
    for share, wanted in ((0.95, labels), (0.05, (labels + 1) % 4)):
        fine_tuning.probe(
            network, [clear, misleading], labels, replace(CONFIG, clean_share=share, probe_c=1.0)
        )
        # A photograph that has only the mark of its class.
        marks = torch.from_numpy(np.eye(4, 768, dtype=np.float32)[wanted] * 5)
        assert network.classifier(marks - network.centre).argmax(dim=1).tolist() == labels.tolist()
    # Forty photographs of one class weigh as five of another: where nothing speaks for a class, none leads by much.
    fine_tuning.probe(network, [clear], labels, replace(CONFIG, probe_c=1e-6))
    assert np.ptp(network.classifier.bias.detach().numpy()) < 0.1


def test_a_network_without_block_5_cannot_tune_it() -> None:
    config = replace(CONFIG, sees="blocks34", tuned="block5")
    with pytest.raises(DataError, match="no block 5"):
        fine_tuning.start_block(config)
    assert fine_tuning.start_block(replace(config, tuned="block4")) == 3


def test_caches_of_different_views_precisions_and_photographs_have_different_names(
    data_folder: Path, tmp_path: Path
) -> None:
    photographs = read_manifest(data_folder / "blood-smears" / "manifest.csv")
    seen = [
        transforms.clean(),
        transforms.clean(normalise="moments"),
        transforms.clean(masked=False),
        transforms.clean(side=192),
        transforms.background(),
        transforms.augmented(1, 0, Strength()),
        transforms.augmented(2, 0, Strength()),
        transforms.augmented(1, 0, Strength(blur=0.1)),
    ]
    names = {features.Cache(tmp_path, "b").path(photographs, transform, 4).name for transform in seen}
    names |= {features.Cache(tmp_path, "b", "bfloat16").path(photographs, seen[0], 4).name}
    names |= {features.Cache(tmp_path, "b").path(photographs[1:], seen[0], 4).name}
    names |= {features.Cache(tmp_path, "b").path(photographs, seen[0], 4, enlarged=336).name}
    names |= {features.Cache(tmp_path, "b").path(photographs, seen[0], "means").name}
    assert len(names) == len(seen) + 4


@pytest.mark.parametrize(
    ("made", "tuned", "channels", "side", "moves"),
    [
        ("network", "conv5_3", 512, 4, {28}),
        ("network", "block4", 256, 8, {17, 19, 21, 24, 26, 28}),
        ("shallow", "block4", 256, 8, {17, 19, 21}),
        ("shallow", "head", 256, 8, set()),
    ],
)
def test_only_what_the_recipe_names_moves(
    request: pytest.FixtureRequest, made: str, tuned: str, channels: int, side: int, moves: set[int]
) -> None:
    network = request.getfixturevalue(made)
    maps = [np.random.default_rng(0).random((8, channels, side, side)).astype(np.float16)]
    fresh = copy.deepcopy(network).requires_grad_(True)
    config = replace(CONFIG, sees=network.sees, tuned=tuned, versions=0, epochs=1, lr_block4=1e-3)
    trained, _ = fine_tuning.fine_tune(fresh, maps, np.arange(8) % 4, config)
    before = network.state_dict()
    moved = {name for name, value in trained.state_dict().items() if not torch.equal(value, before[name])}
    assert {int(name.split(".")[1]) for name in moved if name.startswith("features.")} == moves
    assert "classifier.weight" in moved


def test_early_stopping_returns_the_best_epoch_and_stops(network: LeukemiaVGG16, maps: list[Maps]) -> None:
    # What is set aside bears the wrong labels, so every epoch makes it worse and the first is the best.
    labels = np.arange(8) % 4
    config = replace(CONFIG, epochs=9, patience=2, lr_head=1e-2, label_smoothing=0.0, mixup=0.0)
    fresh = copy.deepcopy(network).requires_grad_(True)
    trained, history = fine_tuning.fine_tune(fresh, maps, labels, config, stop_on=(maps[0], (labels + 1) % 4))
    losses = [record["stop_loss"] for record in history]
    assert len(history) < 9
    assert len(losses) - 1 - losses.index(min(losses)) == 2
    again = fine_tuning._loss(trained, (maps[0], (labels + 1) % 4), config)
    assert again == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.1), (4, 0.1), (60, 0.1), (100, 0.0)])
def test_rates_rise_in_a_line_and_fall_along_a_cosine(steps: int, warmup: float) -> None:
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = fine_tuning._schedule(optimiser, steps, warmup)
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    ramp = max(1, round(steps * warmup))
    rise = 2.0 * (np.arange(ramp) + 1) / ramp
    fall = 1.0 + np.cos(np.pi * np.arange(steps - ramp) / max(1, steps - ramp))
    np.testing.assert_allclose(rates, np.concatenate([rise, fall]), rtol=1e-12)


def test_crops_are_windows_of_the_maps(maps: list[Maps]) -> None:
    config = replace(CONFIG, crop=0.5, mixup=0.0)
    for images, _ in fine_tuning.batches(maps, np.arange(8) % 4, config, epoch=0):
        assert images.shape[2:] == (2, 2)


def test_mixed_styles_keep_the_pattern_and_change_the_statistics() -> None:
    images = torch.rand(6, 3, 8, 8) * torch.arange(1, 7).reshape(6, 1, 1, 1)
    mixed = fine_tuning._mixed_styles(images, np.random.default_rng(0))

    def pattern(maps: torch.Tensor) -> torch.Tensor:
        spread, mean = torch.std_mean(maps, dim=(2, 3), keepdim=True)
        return (maps - mean) / spread

    torch.testing.assert_close(pattern(mixed), pattern(images), atol=0.02, rtol=0.02)
    assert float((mixed.mean(dim=(2, 3)) - images.mean(dim=(2, 3))).abs().max()) > 0.1


def test_without_torchrun_a_process_is_the_only_one() -> None:
    parallel.start()
    assert parallel.first()
    assert list(range(4))[parallel.own_rows()] == [0, 1, 2, 3]


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
