"""The model's input tensor: the one preprocessing that training and serving share.

The photographs the model learned from are whole microscope fields squeezed to a square, so a field of any
shape is squeezed here in the same way and never cropped: a blast at the edge counts. The bottom-right corner
of the data set's photographs holds a scale bar whose style follows the session and partly the class. On 692
of them, every fourth, its box starts at row and column 193 of 224 at the earliest, so rows and columns from
192 on (two of the fourteen cells of the activation map, each way) are painted over, whatever the photograph.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Side of the square the model sees, in pixels.
SIDE = 224

#: First masked row and column; the mask reaches from here to the bottom-right corner.
MASK_START = 192

#: What the masked corner is filled with: the mean pixel of the network's own normalisation, so it enters as
#: zero.
MASK_FILL = (124, 117, 104)


def mask_scale_bar(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint over the scale-bar corner of ``pixels`` (UINT8, [..., 3, 224, 224]) in place and return it."""
    pixels[..., MASK_START:, MASK_START:] = np.array(MASK_FILL, dtype=np.uint8).reshape(3, 1, 1)
    return pixels


def to_tensor(image: Image.Image) -> NDArray[np.uint8]:
    """Turn one photograph into the model's input.

    :param image: a decoded photograph in mode RGB, upright, of any size.
    :returns: RGB, UINT8, C-contiguous, shape [3, 224, 224], channel first; the scale-bar corner masked.
        A photograph that is 224x224 already keeps its pixels, so applying this twice changes nothing.
    :raises ValueError: when the image is not RGB (``smear.decode`` converts; doing it here would hide a
        transparency or a 16-bit depth that needs a decision).
    """
    if image.mode != "RGB":
        raise ValueError(f"the model takes RGB photographs, this one has mode {image.mode}")
    if image.size != (SIDE, SIDE):
        # Pillow widens the bicubic kernel with the reduction, which is what antialiases.
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return mask_scale_bar(np.ascontiguousarray(np.asarray(image, dtype=np.uint8).transpose(2, 0, 1)))
