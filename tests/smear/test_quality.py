"""Good fields pass; each way to spoil one is named, in words a person can act on."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from portal.words import QUALITY
from smear.quality import Quality, Reason, assess
from smear.tensor import to_tensor
from tests.smear.stained import STAINS, draw

GOOD = Quality(focus=4.0, background=245, clipped_bright=0.05, clipped_dark=0, stained=0.4, nucleated_cells=6)


def field(stain: str = "blue-grey", size: tuple[int, int] = (640, 480), **options: object) -> Image.Image:
    return draw(stain=STAINS[stain], size=size, **options).image  # type: ignore[arg-type]


def brightened(image: Image.Image, factor: float) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(image) * factor, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(224, 224), (900, 600)])
@pytest.mark.parametrize("stain", STAINS)
def test_a_good_field_of_any_size_passes(stain: str, size: tuple[int, int]) -> None:
    quality = assess(field(stain, size))
    assert quality.reasons == ()
    assert quality.nucleated_cells == 8
    assert 0.2 < quality.stained < 0.7
    assert quality.clipped_dark == 0


@pytest.mark.parametrize("blur", [10, 16])
@pytest.mark.parametrize("stain", STAINS)
def test_blur_that_shows_at_the_models_size_is_out_of_focus(stain: str, blur: int) -> None:
    image = field(stain, (1024, 768)).filter(ImageFilter.GaussianBlur(blur))
    assert assess(image).reasons == (Reason.OUT_OF_FOCUS,)


def test_blur_that_is_gone_at_the_models_size_is_none() -> None:
    assert assess(field(size=(2048, 1536)).filter(ImageFilter.GaussianBlur(3))).reasons == ()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_stage_that_moved_is_out_of_focus_in_either_direction(axis: int) -> None:
    values = np.asarray(field(size=(224, 224)), dtype=np.float32)
    moved = np.mean([np.roll(values, shift, axis) for shift in range(-5, 6)], axis=0).astype(np.uint8)
    assert assess(Image.fromarray(moved)).reasons == (Reason.OUT_OF_FOCUS,)


@pytest.mark.parametrize(("factor", "reason"), [(0.5, Reason.UNDEREXPOSED), (1.5, Reason.OVEREXPOSED)])
def test_wrong_light_is_named_before_anything_else(factor: float, reason: Reason) -> None:
    assert assess(brightened(field(), factor)).reasons[0] == reason


def test_the_eyepieces_edge_is_named() -> None:
    image = np.asarray(field(size=(400, 400))).copy()
    y, x = np.mgrid[:400, :400] - 200
    image[np.hypot(y, x) > 190] = 0
    assert Reason.BLACK_AREAS in assess(Image.fromarray(image)).reasons


def test_a_field_without_cells_is_empty_and_not_out_of_focus() -> None:
    assert assess(field(nuclei=(), red_cells=0)).reasons == (Reason.EMPTY,)
    assert assess(field(nuclei=(), red_cells=1)).reasons == (Reason.EMPTY,)
    assert assess(Image.new("RGB", (300, 300), (245, 245, 245))).reasons == (Reason.EMPTY,)


def test_red_cells_alone_are_too_few_nucleated_cells() -> None:
    assert assess(field(nuclei=(), red_cells=80)).reasons == (Reason.FEW_NUCLEATED_CELLS,)


def test_a_photograph_and_its_tensor_give_the_same() -> None:
    image = field(size=(500, 400))
    assert assess(image) == replace(assess(to_tensor(image)), aspect_ratio=1.25)


def test_the_scale_bar_corner_does_not_count() -> None:
    image = field(size=(224, 224))
    before = assess(image)
    image.paste((0, 0, 0), (193, 193, 224, 224))
    assert assess(image) == before


def test_only_pixels_of_the_models_size_are_taken() -> None:
    with pytest.raises(ValueError, match="shape"):
        assess(np.zeros((3, 100, 100), dtype=np.uint8))
    with pytest.raises(ValueError, match="RGB"):
        assess(Image.new("L", (300, 300)))


def test_what_is_stored_names_measures_and_reasons() -> None:
    assert GOOD.reasons == ()
    assert GOOD.to_json() == {
        "measures": {
            "focus": 4.0,
            "background": 245,
            "clipped_bright": 0.05,
            "clipped_dark": 0,
            "stained": 0.4,
            "nucleated_cells": 6,
            "aspect_ratio": 1.0,
            "red_over_blue": 0.0,
        },
        "reasons": [],
    }


def test_each_reason_has_words_that_say_what_to_do() -> None:
    assert set(QUALITY) == set(Reason)
    assert all(": " in words and words.endswith(".") for words in map(str, QUALITY.values()))


@pytest.mark.parametrize(("size", "is_odd"), [((900, 600), False), ((1200, 600), False), ((300, 1500), True)])
def test_an_odd_shape_is_named(size: tuple[int, int], is_odd: bool) -> None:
    assert (Reason.ODD_SHAPE in assess(field(size=size)).reasons) is is_odd


@pytest.mark.parametrize("stain", STAINS)
def test_swapped_red_and_blue_is_named(stain: str) -> None:
    image = field(stain)
    assert Reason.CHANNELS_SWAPPED not in assess(image).reasons
    swapped = Image.merge("RGB", image.split()[::-1])
    assert Reason.CHANNELS_SWAPPED in assess(swapped).reasons


def test_a_field_without_chromatin_says_nothing_of_its_channels() -> None:
    image = field("pink", nuclei=())
    assert Reason.CHANNELS_SWAPPED not in assess(image).reasons
    assert Reason.CHANNELS_SWAPPED not in assess(Image.merge("RGB", image.split()[::-1])).reasons
