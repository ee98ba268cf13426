"""The class activation map as a picture to lay over the photograph."""

import io

import numpy as np
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from numpy.typing import NDArray
from PIL import Image

from portal.inference.models import ModelAnswer
from portal.web.caching import kept
from smear.classes import CLASSES

#: Colour and opacity from no contribution to the strongest: transparent, yellow, orange, dark red. Lightness falls
#: with strength, so the order is readable without colour.
STOPS: tuple[tuple[float, tuple[int, int, int, int]], ...] = (
    (0.0, (255, 245, 170, 0)),
    (0.25, (254, 217, 118, 90)),
    (0.5, (253, 141, 60, 150)),
    (0.75, (227, 26, 28, 190)),
    (1.0, (128, 0, 38, 220)),
)
EDGE = 448


def picture(request: HttpRequest, answer: ModelAnswer, label: str) -> HttpResponseBase:
    """The map as the answer to a request of somebody who may see it; ``render`` says what it is."""

    def whole() -> HttpResponse:
        return HttpResponse(render(answer, label), content_type="image/png")

    return kept(request, (answer._meta.label, answer.pk, label, STOPS, EDGE), whole)


def render(answer: ModelAnswer, label: str) -> bytes:
    """A transparent PNG, 448 x 448, of what speaks for ``label``; stretch it over the whole field.

    Positive contributions only, scaled by the strongest one of any class, so that maps of two classes can be
    compared. Raises ValueError for an unknown label.
    """
    activation = answer.activation()
    plane = np.clip(activation[CLASSES.index(label)], 0, None)
    strongest = float(np.clip(activation, 0, None).max())
    scaled = plane / strongest if strongest > 0 else plane
    smooth = Image.fromarray(scaled.astype(np.float32)).resize((EDGE, EDGE), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    Image.fromarray(_colour(np.asarray(smooth)), mode="RGBA").save(buffer, "PNG")
    return buffer.getvalue()


def _colour(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    places = [stop for stop, _colour in STOPS]
    channels = [
        np.interp(np.clip(values, 0, 1), places, [colour[channel] for _stop, colour in STOPS])
        for channel in range(4)
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)
