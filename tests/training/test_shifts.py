"""Shifts do to pixels what they say, none of the strong ones is in a recipe, and the figures follow the answers."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from smear.refer import ReferRule
from smear.tensor import MASK_FILL, MASK_START, SIDE, to_tensor
from training import cli as command
from training import config
from training.data import manifest, synthetic
from training.data.augment import Strength
from training.evaluate import shifts
from training.model import weights
from training.model.network import LeukemiaVGG16

CONFIGS = sorted(config.DEFAULT_CONFIG.parent.glob("v*.toml"))
RULE = ReferRule(0.99, (0.2,) * 4, least_confidence=0.6, outlier_threshold=2.0)


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    return to_tensor(synthetic.draw("Pre", np.random.default_rng(0)))


@pytest.mark.parametrize("shift", shifts.SHIFTS, ids=lambda shift: shift.key)
def test_a_shift_changes_the_field_the_same_way_each_time_and_leaves_the_corner(
    shift: shifts.Shift, field: np.ndarray
) -> None:
    before = field.copy()
    shifted = shift.apply(field)
    assert (shifted.shape, shifted.dtype, shifted.flags.c_contiguous) == (
        field.shape,
        np.dtype(np.uint8),
        True,
    )
    np.testing.assert_array_equal(field, before)
    np.testing.assert_array_equal(shift.apply(field), shifted)
    corner = shifted[:, MASK_START:, MASK_START:]
    np.testing.assert_array_equal(corner, np.broadcast_to(np.reshape(MASK_FILL, (3, 1, 1)), corner.shape))
    assert 1 < np.abs(shifted.astype(float) - field).mean() < 60


def test_every_kind_has_two_strengths_and_the_strong_one_changes_more(field: np.ndarray) -> None:
    for kind in {shift.kind for shift in shifts.SHIFTS}:
        changes: dict[str, list[float]] = {"mild": [], "strong": []}
        for shift in shifts.SHIFTS:
            if shift.kind == kind:
                changes[shift.strength].append(float(np.abs(shift.apply(field).astype(float) - field).mean()))
        assert np.mean(changes["strong"]) > np.mean(changes["mild"])


@pytest.mark.parametrize("recipe", CONFIGS, ids=lambda path: path.stem)
def test_no_recipe_trains_on_hue_or_on_a_strong_shift(recipe: Path) -> None:
    strength = config.read(recipe).strength
    assert not any("hue" in entry.name for entry in fields(Strength))
    assert [
        shift.key for shift in shifts.SHIFTS if shift.strength == "strong" and shift.is_seen(strength)
    ] == []


def test_a_wider_augmentation_is_noticed() -> None:
    wide = Strength(gamma=0.6, blur=2.0, blur_share=0.1, jpeg_share=0.1, jpeg_least=20)
    assert {shift.kind for shift in shifts.SHIFTS if shift.is_seen(wide)} == {"gamma", "blur", "jpeg"}
    none = Strength(gamma=0, blur_share=0, jpeg_share=0)
    assert not any(shift.is_seen(none) for shift in shifts.SHIFTS)


def test_hue_turns_colours_and_leaves_greys() -> None:
    grey = np.full((3, 4, 4), 120, dtype=np.uint8)
    np.testing.assert_array_equal(shifts.hue(grey, 15), grey)
    red = np.zeros((3, 1, 1), dtype=np.uint8)
    red[0] = 200
    np.testing.assert_array_equal(shifts.hue(red, 120)[:, 0, 0], [0, 200, 0])
    assert shifts.hue(shifts.hue(np.full((3, 2, 2), 90, dtype=np.uint8) + red // 4, 15), -15)[0, 0, 0] == 140


def test_gamma_keeps_black_and_white() -> None:
    ramp = np.array([0, 64, 255], dtype=np.uint8).reshape(1, 1, 3).repeat(3, axis=0)
    np.testing.assert_array_equal(shifts.gamma(ramp, 2)[0, 0], [0, 16, 255])


class Darkness(nn.Module):
    """Says Pro of dark fields and Benign of light ones; an outlier where it is very dark."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        dark = 1 - image.float().mean(dim=(1, 2, 3)) / 255 * self.gain
        nothing = torch.zeros_like(dark)
        pro = (dark > 0.35).float() * 0.9 + 0.05
        probabilities = torch.stack([1 - pro, nothing, nothing, pro], dim=1)
        return probabilities, probabilities, probabilities, (dark > 0.5).float()[:, None] * 3


def test_figures_follow_what_the_network_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = {"Benign": 200, "Pro": 150}
    written = synthetic.write_data_set(tmp_path, dict.fromkeys(levels, 2), seed=0)
    photographs = manifest.read_manifest(written)
    drawn = [np.full((3, SIDE, SIDE), levels[one.label], dtype=np.uint8) for one in photographs]
    monkeypatch.setattr(manifest, "load_all", lambda chosen: np.stack(drawn))
    found = shifts.measure(Darkness().eval(), photographs, RULE, Strength())
    by_key = {one["key"]: one for one in found["shifts"]}
    assert found["unshifted"]["macro_f1"] == 1
    # Blur and compression leave an even field as it is; a light camera curve makes Pro look Benign, unnoticed.
    assert by_key["blur_2"]["fall"] == by_key["jpeg_20"]["fall"] == 0
    lighter = by_key["gamma_0.6"]
    assert (lighter["malignant_sensitivity"], lighter["benign_recall"]) == (0, 1)
    assert (lighter["missed_unreferred"], lighter["referred"]) == (2, 0)
    assert lighter["fall"] == pytest.approx(1 - (2 / 3 + 0) / 2)
    # A dark one makes Pro an outlier, which is referred.
    assert (by_key["gamma_1.67"]["malignant_sensitivity"], by_key["gamma_1.67"]["referred"]) == (1, 0.5)
    assert found["largest_fall"] == lighter["fall"]
    without = shifts.measure(Darkness().eval(), photographs, None, Strength())
    assert without["unshifted"]["referred"] is None


def test_the_command_takes_the_rule_only_from_the_weights_own_card(
    network: LeukemiaVGG16,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(shifts, "SHIFTS", shifts.SHIFTS[-1:])
    synthetic.write_data_set(tmp_path, {"Benign": 1, "Pro": 2}, seed=1)
    stored, card = tmp_path / "weights.safetensors", tmp_path / "card.json"
    weights.save(network, stored)
    content = {"sha256": manifest.file_sha256(stored), "outlier_threshold": 0.0, "refer_rule": RULE.to_card()}
    card.write_text(json.dumps(content))
    arguments = ["--images", str(tmp_path / "blood-smears"), "--weights", str(stored), "--card", str(card)]
    assert command.main(["shifts", *arguments, "--limit", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["images"] == 2
    assert [one["referred"] for one in found["shifts"]] == [1.0]
    card.write_text(json.dumps(content | {"sha256": "0" * 64}))
    assert command.main(["shifts", *arguments, "--limit", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["unshifted"]["referred"] is None
