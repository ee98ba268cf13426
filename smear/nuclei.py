"""Where the nuclei of leukocytes lie in a stained field: found, counted, painted out, or kept alone.

Method. Romanowsky stains colour chromatin purple to blue: a nucleus swallows green light far more than blue,
red cells (grey-blue or pink, as the white balance has it) swallow both about alike. Per pixel, optical
densities ``d = -ln(I / background)`` are taken against the field's own background, which takes out lamp,
exposure and white balance (Lambert-Beer; Ruifrok and Johnston, Anal Quant Cytol Histol 23:291, 2001). The
chromatin score is ``(dG - dB) + min(dG - dR, dG - dB)``, both differences cut off below 0: the first term
finds every nucleus, the second lifts the purple ones above blue-grey red cells and cannot rise on pink ones.
A field's threshold is Otsu's (IEEE Trans Syst Man Cybern 9:62, 1979) over the stained pixels, held between
two bounds, so that a field without nuclei gives none.

All of it is done on the field squeezed to the model's square, so sizes mean the same for every photograph.

What was seen (overlays of 40 photographs of each class and of 30 normal smears): blasts and lymphocytes are
outlined whole in each stain of the set, touching ones often as one region; pale chromatin of the largest
cells and the lobes of granulocytes are outlined in part; smudge cells in part or not at all; large platelet
clumps and stain deposits now and then count as a nucleus. On fields whose nuclei were painted out the count
falls from 9.9 / 7.8 / 20 / 5.9 (Benign / Early / Pre / Pro) to 0.1 / 0.1 / 2 / 0; those of Pre are red cells
of a very blue stain. Counts are estimates, not differentials.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from smear.regions import Mask, fill_holes, grow, regions, shrink
from smear.tensor import MASK_FILL, MASK_START, SIDE

Pixels = NDArray[np.uint8]
Values = NDArray[np.floating[Any]]

#: Score from which a pixel counts as stained at all, and the bounds of a field's threshold.
STAINED = 0.15
LOWEST_THRESHOLD = 0.38
HIGHEST_THRESHOLD = 0.45

#: Around pixels above the threshold a nucleus reaches to pixels above this share of it (hysteresis, Canny
#: 1986): pale chromatin of large blasts.
WEAKER = 0.8

#: Pixels of the 224x224 square: the smallest nucleus (platelets are smaller), and the largest single one.
SMALLEST = 60
LARGEST = 1200

#: Score above which a pixel near a nucleus belongs to its cell.
PALE = 0.25

#: How far around a nucleus its cell reaches, in pixels of the 224x224 square.
RIM = 7

#: Added to intensities before the logarithm: keeps the noise of black pixels down.
_DARK = 8.0


def nuclei(pixels: Pixels) -> Mask:
    """Mask of the nuclei in a field.

    :param pixels: RGB, UINT8 [3, H, W], any size; a field that is not 224x224 is squeezed to it and the mask
        is stretched back. The scale-bar corner (from ``smear.tensor.MASK_START``) is never a nucleus.
    :returns: BOOL [H, W].
    """
    score = chromatin_score(_to_square(pixels))
    score[MASK_START:, MASK_START:] = 0
    threshold = _threshold(score[score > STAINED])
    # Opening: threads, and the rims of red cells and refractile spots, go.
    weak = regions(grow(shrink(score > WEAKER * threshold, 2), 2))
    strong = np.bincount(weak.label[score > threshold], minlength=len(weak.area))
    mask = fill_holes(weak.keep(strong >= np.maximum(SMALLEST // 6, weak.area / 4)), LARGEST // 4)
    found = regions(mask)
    enough = found.area >= SMALLEST
    enough[found.border()] |= found.area[found.border()] >= SMALLEST // 3  # cut by the edge of the field
    return _stretched(found.keep(enough), pixels)


def chromatin_score(square: Image.Image) -> NDArray[np.float32]:
    """How strongly each pixel is stained as chromatin, FLOAT32 [H, W], 0 in background and red cells."""
    smooth = np.asarray(square.filter(ImageFilter.BoxBlur(1)), dtype=np.float32)
    background = np.percentile(smooth[::4, ::4].reshape(-1, 3), 90, axis=0).astype(np.float32)
    red, green, blue = -np.log((smooth + _DARK) / (background + _DARK)).transpose(2, 0, 1)
    purple = np.maximum(green - blue, 0)
    score: NDArray[np.float32] = purple + np.minimum(np.maximum(green - red, 0), purple)
    return score


def _threshold(scores: NDArray[np.float32]) -> float:
    if scores.size < SMALLEST:
        return HIGHEST_THRESHOLD
    count, edges = np.histogram(np.minimum(scores, 2), bins=96, range=(STAINED, 2))
    centre = (edges[1:] + edges[:-1]) / 2
    below, sum_below = np.cumsum(count), np.cumsum(count * centre)
    above = np.maximum(below[-1] - below, 1e-9)
    between = (sum_below[-1] * below / below[-1] - sum_below) ** 2 / (np.maximum(below, 1e-9) * above)
    return float(np.clip(edges[1:][between[:-1].argmax()], LOWEST_THRESHOLD, HIGHEST_THRESHOLD))


def count(mask: Mask) -> int:
    """How many nuclei a mask from :func:`nuclei` shows.

    Touching nuclei are told apart by area alone: a region counts as often as the field's median region (of
    those not much smaller than the largest) fits into it. Lobes of one nucleus that the mask divides count
    each.
    """
    area = regions(mask).area * (SIDE**2 / mask.size)
    area = area[area >= SMALLEST * 0.9]  # stretching a mask loses a little at its edge
    if not area.size:
        return 0
    whole = area[area >= min(float(area.max()), LARGEST) / 3]  # fragments say nothing of a nucleus's size
    single = min(float(np.median(whole)), LARGEST)
    return int(np.maximum(1, np.round(area / single)).sum())


def cells(pixels: Pixels, mask: Mask, rim: int = RIM) -> Mask:
    """Grow a mask of nuclei to the whole cells, BOOL [H, W].

    A nucleus is grown by ``rim`` (pixels of the 224x224 square), which covers the scant cytoplasm of a blast,
    and by what is stained like pale chromatin or basophilic cytoplasm within twice that. Red cells that lie
    within the rim go with it. The scale-bar corner is left out.
    """
    square = _to_square(pixels)
    nucleus = np.asarray(Image.fromarray(mask).resize((SIDE, SIDE), Image.Resampling.NEAREST))
    pale = (chromatin_score(square) > PALE) & grow(nucleus, 2 * rim)
    whole = grow(nucleus, rim) | grow(shrink(pale, 1), 3)
    whole[MASK_START:, MASK_START:] = False
    return _stretched(whole, pixels)


def paint_out(pixels: Pixels, mask: Mask, rim: int = RIM) -> Pixels:
    """The field without its nucleated cells: :func:`cells` filled from what surrounds them.

    The fill is smooth (push-pull over a pyramid: Gortler et al., SIGGRAPH 1996), so it shows that something
    was painted out, where and how much: what a classifier reaches on such fields is an upper bound of what
    background and red cells tell. Smudge cells, which have no nucleus any more, stay in part.

    :param pixels: UINT8 [3, H, W]; :param mask: BOOL [H, W]; :param rim: pixels of the 224x224 square.
    :returns: a new UINT8 [3, H, W].
    """
    hole = cells(pixels, mask, rim)
    if not hole.any():
        return pixels.copy()
    known = ~hole
    height, width = known.shape
    known[height * MASK_START // SIDE :, width * MASK_START // SIDE :] = False
    values = _fill(pixels.transpose(1, 2, 0).astype(np.float32), known.astype(np.float32))
    return np.where(hole, np.rint(values).astype(np.uint8).transpose(2, 0, 1), pixels)


def keep_only(pixels: Pixels, mask: Mask, rim: int = RIM) -> Pixels:
    """The reverse of :func:`paint_out`: the nucleated cells, all else in the flat colour of the masked corner.

    Each pixel of a field is either painted out by the one or flat in the other, never both.
    """
    fill = np.array(MASK_FILL, dtype=np.uint8).reshape(3, 1, 1)
    return np.where(cells(pixels, mask, rim), pixels, fill)


def _to_square(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return image if image.size == (SIDE, SIDE) else image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _stretched(mask: Mask, pixels: Pixels) -> Mask:
    height, width = pixels.shape[1:]
    if mask.shape == (height, width):
        return mask
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))


def _fill(values: Values, known: Values) -> Values:
    """Fill pixels of ``values`` [H, W, 3] where ``known`` [H, W], 0..1, is short of 1."""
    height, width = known.shape
    if height <= 2 or width <= 2 or known.min() >= 1:
        weight = known[..., None]
        colour = (values * weight).sum(axis=(0, 1)) / max(float(known.sum()), 1e-6)
        filled: NDArray[np.floating] = values * weight + colour * (1 - weight)
        return filled
    odd = ((0, height % 2), (0, width % 2))
    weight = np.pad(known, odd)
    weighted = np.pad(values, (*odd, (0, 0))) * weight[..., None]
    total = _halve(weight)
    mean = _halve(weighted) / np.maximum(total, 1e-6)[..., None]
    coarse = _fill(mean, np.minimum(total, 1))
    channels = [Image.fromarray(coarse[..., channel]) for channel in range(3)]
    size = (2 * coarse.shape[1], 2 * coarse.shape[0])
    fine = np.stack([np.asarray(channel.resize(size, Image.Resampling.BILINEAR)) for channel in channels], -1)
    return values * known[..., None] + fine[:height, :width] * (1 - known[..., None])


def _halve(values: Values) -> Values:
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
