"""From the colours that a file names to sRGB, with a word to the sender wherever that is not plain."""

import io
import logging
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from smear.contract import Message

logger = logging.getLogger(__name__)

#: Display and camera profiles have a few kilobytes; a larger one is a device-link table or an attack.
MAX_ICC_BYTES = 4 * 1024 * 1024

#: x and y of white, red, green and blue. Sources: IEC 61966-2-1; Adobe RGB (1998), 2005-05.
SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE_RGB = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_GAMMA = 563 / 256
SRGB_GAMMA = 2.2
#: Differences of gamma and of chromaticity that nobody sees.
SMALL_GAMMA, SMALL_CHROMATICITY = 0.1, 0.003

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_UNCALIBRATED, _NAMED_ADOBE, _INTEROPERABILITY = 65535, 2, 1


@dataclass(frozen=True, slots=True)
class Stated:
    """What a file says of its colours. ``profile`` is ICC, empty where it is there and cannot be had.

    ``gamma`` is the exponent from stored values to light. ``names_other``: other than sRGB, without saying which.
    """

    profile: bytes | None = None
    chromaticities: tuple[float, ...] | None = None
    gamma: float | None = None
    names_other: bool = False


def from_exif(exif: Image.Exif) -> Stated:
    """Return what EXIF says: Adobe RGB by DCF's interoperability index, or only that it is not sRGB."""
    details = exif.get_ifd(ExifTags.IFD.Exif)
    space = details.get(ExifTags.Base.ColorSpace)
    index = str(exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROPERABILITY, "")).strip("\0 ")
    if space == _NAMED_ADOBE or (space == _UNCALIBRATED and index == "R03"):
        return Stated(chromaticities=ADOBE_RGB, gamma=ADOBE_GAMMA)
    return Stated(names_other=space == _UNCALIBRATED)


def to_srgb(image: Image.Image, stated: Stated, notices: list[Message]) -> Image.Image:
    """Return an RGB picture in sRGB, itself where it is so already; what was done goes to ``notices``."""
    profile = stated.profile
    if profile is None:
        if stated.names_other:
            notices.append(Message("colours_not_named"))
            return image
        if _is_srgb(stated):
            return image
        profile = _profile(stated)
    converted = _converted(image, profile)
    if converted is None:
        notices.append(Message("profile_unreadable"))
        return image
    if converted is not image:
        notices.append(Message("converted_to_srgb"))
    return converted


def _is_srgb(stated: Stated) -> bool:
    gamma = stated.gamma if stated.gamma is not None else SRGB_GAMMA
    corners = stated.chromaticities or SRGB
    off = max(abs(one - other) for one, other in zip(corners, SRGB, strict=True))
    return abs(gamma - SRGB_GAMMA) <= SMALL_GAMMA and off <= SMALL_CHROMATICITY


def _converted(image: Image.Image, icc: bytes) -> Image.Image | None:
    """Convert from a profile, itself where that is sRGB; None where the profile cannot be used."""
    if not icc or len(icc) > MAX_ICC_BYTES:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if "srgb" in ImageCms.getProfileDescription(profile).lower():
            return image
        return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except MemoryError:  # no fault of the profile
        raise
    except Exception as error:  # the parser of a stranger's bytes, as in smear.decode
        logger.info("colour profile ignored: %s: %s", type(error).__name__, error)
        return None


def _profile(stated: Stated) -> bytes:
    """Return an ICC profile of three primaries and a gamma (ICC.1:2001-04); empty where they span no space."""
    gamma = stated.gamma if stated.gamma is not None else SRGB_GAMMA
    try:
        columns = _columns(stated.chromaticities or SRGB)
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return b""
    if not 0.1 < gamma < 10 or not np.isfinite(columns).all() or np.abs(columns).max() > 4:
        return b""
    name = b"primaries and gamma\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz(_D50),
    }
    for letter, column in zip(b"rgb", columns.T, strict=True):
        tags[bytes((letter,)) + b"XYZ"] = _xyz(column)
        tags[bytes((letter,)) + b"TRC"] = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s", start + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + _xyz(_D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _columns(chromaticities: tuple[float, ...]) -> NDArray[np.float64]:
    """Return XYZ of red, green and blue as columns, adapted to D50 (Bradford)."""
    corners = np.array(chromaticities, dtype=np.float64).reshape(4, 2)
    if (corners[:, 1] <= 0).any():
        raise ZeroDivisionError
    xyz = np.stack([corners[:, 0] / corners[:, 1], np.ones(4), (1 - corners.sum(axis=1)) / corners[:, 1]])
    white, primaries = xyz[:, 0], xyz[:, 1:]
    primaries = primaries * np.linalg.solve(primaries, white)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ (scale[:, None] * (_BRADFORD @ primaries))
    return adapted


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))
