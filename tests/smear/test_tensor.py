"""The model's input tensor: shape, whole field, masked corner, and nothing changed without need."""

import numpy as np
import pytest
from PIL import Image

from smear.tensor import MASK_FILL, MASK_START, SIDE, to_tensor


def field(width: int, height: int) -> Image.Image:
    """Noise with a red left third and a blue right third, so that cropping would show."""
    pixels = np.random.default_rng(0).integers(90, 110, (height, width, 3), dtype=np.uint8)
    pixels[:, : width // 3] = (200, 20, 20)
    pixels[:, -width // 3 :] = (20, 20, 200)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (224, 224), (50, 31), (2592, 1944)])
def test_any_field_becomes_the_models_input(size: tuple[int, int]) -> None:
    tensor = to_tensor(field(*size))
    assert tensor.shape == (3, SIDE, SIDE)
    assert tensor.dtype == np.uint8
    assert tensor.flags.c_contiguous


def test_the_whole_field_is_squeezed_and_none_of_it_cropped() -> None:
    tensor = to_tensor(field(1024, 512))
    assert tensor[:, 100, 2].tolist() == pytest.approx([200, 20, 20], abs=2)
    assert tensor[:, 100, -3].tolist() == pytest.approx([20, 20, 200], abs=2)
    red = (tensor[0, 100] > 150).mean()
    assert red == pytest.approx(1 / 3, abs=0.02)


def test_the_scale_bar_corner_is_painted_over_and_nothing_else() -> None:
    image = field(SIDE, SIDE)
    tensor = to_tensor(image)
    corner = tensor[:, MASK_START:, MASK_START:]
    assert (corner == np.array(MASK_FILL).reshape(3, 1, 1)).all()
    untouched = np.asarray(image).transpose(2, 0, 1)
    assert (tensor[:, :MASK_START] == untouched[:, :MASK_START]).all()
    assert (tensor[:, :, :MASK_START] == untouched[:, :, :MASK_START]).all()


def test_what_is_drawn_in_the_corner_cannot_reach_the_model() -> None:
    plain, marked = field(1024, 768), field(1024, 768)
    marked.paste((0, 0, 0), (900, 700, 1010, 760))
    assert (to_tensor(plain) == to_tensor(marked)).all()


def test_a_photograph_of_the_right_size_keeps_its_pixels_and_twice_is_once() -> None:
    once = to_tensor(field(640, 480))
    again = to_tensor(Image.fromarray(once.transpose(1, 2, 0)))
    assert (once == again).all()


def test_reducing_averages_instead_of_picking_pixels() -> None:
    stripes = np.zeros((896, 896, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    tensor = to_tensor(Image.fromarray(stripes))
    assert np.abs(tensor[:, :100, 5:-5].astype(int) - 100).max() <= 3


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="RGB"):
        to_tensor(Image.new(mode, (300, 200)))
