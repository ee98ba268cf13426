"""Random changes that a laboratory could have made: stain, light, focus, orientation.

Stain and brightness alone give the class away in this data set, so the network must not be able to lean on
them. Each change is drawn from a generator seeded by the photograph and the version, so that an interrupted
run draws the same ones again.
"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from smear.tensor import mask_scale_bar

#: Haematoxylin, eosin and DAB in optical density (Ruifrok and Johnston, Anal Quant Cytol Histol 2001), rows
#: unit.
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], dtype=np.float32)
STAINS /= np.linalg.norm(STAINS, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Strength:
    """How far each change may go; zero switches it off."""

    stain_gain: float = 0.15
    stain_offset: float = 0.03
    white_balance: float = 0.06
    brightness: float = 0.12
    gamma: float = 0.2
    blur: float = 1.0
    blur_share: float = 0.3
    jpeg_share: float = 0.3
    jpeg_least: int = 60


def generator(sha256: str, version: int, seed: int) -> np.random.Generator:
    """The generator of one photograph's ``version``-th augmentation."""
    digest = hashlib.sha256(f"{seed}/{version}/{sha256}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def augment(pixels: NDArray[np.uint8], random: np.random.Generator, strength: Strength) -> NDArray[np.uint8]:
    """A changed copy of ``pixels`` (UINT8 [3, 224, 224], scale bar masked already).

    The corner is masked again at the end: after a flip the first mask lies elsewhere, and the network shall
    meet a filled bottom-right corner always.
    """
    image = (pixels.transpose(1, 2, 0) / 255).astype(np.float32)
    image = _light(_stain(image, random, strength), random, strength)
    changed = Image.fromarray((image.clip(0, 1) * 255 + 0.5).astype(np.uint8))
    if random.random() < strength.blur_share:
        changed = changed.filter(ImageFilter.GaussianBlur(random.uniform(0, strength.blur)))
    if random.random() < strength.jpeg_share:
        changed = _jpeg(changed, quality=int(random.integers(strength.jpeg_least, 95)))
    return mask_scale_bar(_orient(mask_scale_bar(np.asarray(changed).transpose(2, 0, 1).copy()), random))


def _stain(
    image: NDArray[np.float32], random: np.random.Generator, strength: Strength
) -> NDArray[np.float32]:
    """Scale and shift the three stains separately (Tellez et al., IEEE Trans Med Imaging 2018)."""
    density = -np.log(image.clip(1 / 255, 1)) @ np.linalg.inv(STAINS)
    gain = 1 + random.uniform(-strength.stain_gain, strength.stain_gain, 3)
    offset = random.uniform(-strength.stain_offset, strength.stain_offset, 3)
    stained: NDArray[np.float32] = np.exp(-((density * gain + offset).astype(np.float32) @ STAINS))
    return stained


def _light(
    image: NDArray[np.float32], random: np.random.Generator, strength: Strength
) -> NDArray[np.float32]:
    """Exposure, lamp colour and the camera's curve."""
    balance = 1 + random.uniform(-strength.white_balance, strength.white_balance, 3)
    exposure = 1 + random.uniform(-strength.brightness, strength.brightness)
    gamma = float(np.exp(random.uniform(-strength.gamma, strength.gamma)))
    return (image.clip(0, 1) ** gamma * (balance * exposure).astype(np.float32)).astype(np.float32)


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as again:
        return again.convert("RGB")


def _orient(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """One of the eight flips and quarter turns."""
    turned = np.rot90(pixels, k=int(random.integers(4)), axes=(1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if random.random() < 0.5 else turned)
