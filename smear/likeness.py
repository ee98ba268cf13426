"""Whether two pictures show the same photograph, although one was saved again, scaled, turned or cut at an edge.

A difference of signs: the brightness is scaled to 32 x 32, of its discrete cosine transform the 16 x 16 lowest
frequencies are kept, and of each only whether it is positive. Saving, scaling and brightness hardly move the signs. A
turned or mirrored picture has the same coefficients in other places or with other signs, so all eight ways to lay a
picture are compared. docs/decisions/0024-exposure.md has the measured distances.
"""

import functools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EDGE = 32
FREQUENCIES = 16
HASH_BYTES = FREQUENCIES * FREQUENCIES // 8
#: Bits of 255 in which two hashes of the same photograph differ at most.
MOST_DIFFERENT = 64

Hashes = NDArray[np.uint8]


def perceptual_hash(image: Image.Image) -> bytes:
    """The hash of a picture of any size, ``HASH_BYTES`` long."""
    grey = image.convert("L").resize((EDGE, EDGE), Image.Resampling.LANCZOS)
    cosines = _cosines()
    coefficients = cosines @ np.asarray(grey, dtype=np.float64) @ cosines.T
    # The mean is positive in every picture: its bit stays zero.
    coefficients[0, 0] = 0.0
    return np.packbits(coefficients > 0).tobytes()


def stacked(hashes: Iterable[bytes]) -> Hashes:
    """Hashes one below the other, uint8 [n, HASH_BYTES]."""
    return np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(-1, HASH_BYTES)


def distances(one: bytes, others: Hashes) -> NDArray[np.int64]:
    """In how many bits each of the others differs from a hash, laid in the way in which it differs least; int64 [n]."""
    found = [np.bitwise_count(others ^ way).sum(axis=1, dtype=np.int64) for way in _ways(one)]
    least: NDArray[np.int64] = np.minimum.reduce(found)
    return least


def alike(one: bytes, others: Hashes) -> NDArray[np.bool_]:
    """Which of the others are hashes of the same photograph; bool [n]."""
    return distances(one, others) <= MOST_DIFFERENT


@functools.cache
def _cosines() -> NDArray[np.float64]:
    places, frequencies = np.arange(EDGE), np.arange(FREQUENCIES)[:, None]
    return np.cos(np.pi * (2 * places + 1) * frequencies / (2 * EDGE))


def _ways(one: bytes) -> list[Hashes]:
    """The hash of the picture as it is, mirrored, upside down and turned: eight of uint8 [HASH_BYTES]."""
    signs = np.unpackbits(np.frombuffer(one, dtype=np.uint8)).reshape(FREQUENCIES, FREQUENCIES)
    odd = np.arange(FREQUENCIES) % 2
    turned = [signs, signs.T]
    ways = [
        way ^ (odd[:, None] * upside_down) ^ (odd[None, :] * mirrored)
        for way in turned
        for upside_down in (0, 1)
        for mirrored in (0, 1)
    ]
    return [np.packbits(way.astype(np.uint8)) for way in ways]
