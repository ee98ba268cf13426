"""Geometry of yes/no masks, BOOL [H, W], in NumPy alone: growing, shrinking, connected regions, holes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Regions:
    """Connected regions (8 neighbours) of a mask.

    ``label`` INT32 [H, W] holds 0 outside and 1..n inside; ``area`` INT64 [n + 1] the pixels of each label
    (``area[0]`` is set to 0).
    """

    label: NDArray[np.int32]
    area: NDArray[np.int64]

    def keep(self, chosen: Mask) -> Mask:
        """The mask of the labels for which ``chosen``, BOOL [n + 1], is true; label 0 never is."""
        chosen = chosen.copy()
        chosen[0] = False
        return chosen[self.label]

    def border(self) -> NDArray[np.int32]:
        """Labels (0 among them) that touch the border of the picture."""
        label = self.label
        return np.unique(np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]]))


def grow(mask: Mask, radius: int) -> Mask:
    """Dilate by an octagon of ``radius`` pixels (squares and crosses of side 3 in turn)."""
    for step in range(radius):
        mask = _grow_once(mask, diagonal=step % 2 == 1)
    return mask


def shrink(mask: Mask, radius: int) -> Mask:
    """Erode by an octagon of ``radius`` pixels; outside the picture counts as inside the mask."""
    return ~grow(~mask, radius)


def _grow_once(mask: Mask, *, diagonal: bool) -> Mask:
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    base = out.copy() if diagonal else mask
    out[:, 1:] |= base[:, :-1]
    out[:, :-1] |= base[:, 1:]
    return out


def regions(mask: Mask) -> Regions:
    """Label the connected regions of ``mask``, in the order of their first pixel from the top left.

    The rows are cut into runs, and runs of neighbouring rows that touch are joined (two-pass labelling over
    runs: He, Chao and Suzuki, IEEE Trans Image Process 17:749, 2008); a mask has few runs, so this is fast
    without compiled code.
    """
    height, width = mask.shape
    edge = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edge == 1)
    end = np.nonzero(edge == -1)[1]
    first = np.searchsorted(row, np.arange(height + 1))  # first run of each row
    parent = list(range(len(row)))
    starts, ends = start.tolist(), end.tolist()
    for y in range(1, height):
        above, below = int(first[y - 1]), int(first[y])
        last_above, last_below = below, int(first[y + 1])
        while above < last_above and below < last_below:
            if starts[above] <= ends[below] and starts[below] <= ends[above]:
                _join(parent, above, below)
            if ends[above] < ends[below]:
                above += 1
            else:
                below += 1
    root = np.array([_root(parent, run) for run in range(len(parent))], dtype=np.int64)
    _, number = np.unique(root, return_inverse=True)
    label = np.zeros(height * width, dtype=np.int32)
    length = end - start
    position = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    label[np.repeat(row * width + start, length) + position] = np.repeat(number + 1, length)
    area = np.bincount(label, minlength=1)
    area[0] = 0
    return Regions(label.reshape(height, width), area)


def _root(parent: list[int], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


def _join(parent: list[int], one: int, other: int) -> None:
    one, other = _root(parent, one), _root(parent, other)
    parent[max(one, other)] = min(one, other)


def fill_holes(mask: Mask, largest: int) -> Mask:
    """Fill what the mask encloses, holes of at most ``largest`` pixels; what touches the border is no hole."""
    outside = regions(~mask)
    hole = outside.area <= largest
    hole[outside.border()] = False
    return mask | outside.keep(hole)
