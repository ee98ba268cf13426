"""The activation map as a picture: where it is strong it is opaque, where nothing speaks for the class it is not."""

import io

import numpy as np
import pytest
from PIL import Image

from portal.inference.heatmap import EDGE, render
from portal.inference.models import Prediction
from smear.classes import CLASSES


def prediction(activation: np.ndarray) -> Prediction:
    return Prediction(activation_map=activation.astype("<f2").tobytes())


def alpha(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    assert image.mode == "RGBA"
    assert image.size == (EDGE, EDGE)
    return np.asarray(image)[..., 3]


def test_opacity_follows_the_activation() -> None:
    activation = np.zeros((4, 14, 14), dtype=np.float32)
    activation[2, 2, 3] = 5.0
    picture = alpha(render(prediction(activation), CLASSES[2]))
    y, x = np.unravel_index(picture.argmax(), picture.shape)
    assert (int(y) * 14 // EDGE, int(x) * 14 // EDGE) == (2, 3)
    assert picture[EDGE // 2 :, EDGE // 2 :].max() == 0


def test_maps_of_two_classes_share_one_scale() -> None:
    activation = np.zeros((4, 14, 14), dtype=np.float32)
    activation[0], activation[1] = 1.0, 4.0
    weak, strong = (alpha(render(prediction(activation), label)).max() for label in CLASSES[:2])
    assert weak < strong


def test_what_speaks_against_a_class_is_not_shown() -> None:
    assert alpha(render(prediction(np.full((4, 14, 14), -1.0)), CLASSES[0])).max() == 0


def test_an_unknown_class_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in"):
        render(prediction(np.zeros((4, 14, 14))), "Lymphoma")
