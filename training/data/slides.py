"""Pseudo-slides: which photographs were probably taken from one slide in one session.

The data set names no patient and no slide. What it has is the file number, which runs in the order of capture,
pairs of overlapping fields, and the look of the photographs: background colour and stain differ from slide to
slide more than within one. Photographs of one class are grouped so that a group's members are alike and near each
other in number, where two or more slides may be interleaved; overlapping fields always share a group. Each class
is cut into as many groups as the data set's authors count patients in it; what is smaller than a session joins its
neighbours. **A pseudo-slide is a guess about capture, and no patient.**
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering

from smear.classes import CLASSES
from smear.tensor import MASK_START
from training.data.manifest import Photograph, load

#: Patients per class in the whole data set (Ghaderzadeh et al. 2022, table 1): the number of groups aimed at.
PATIENTS = {"Benign": 25, "Early": 20, "Pre": 21, "Pro": 23}

#: Photographs whose numbers lie this near may be of one slide even when others come between.
REACH = 10

#: Fewer photographs than this are no session of their own.
LEAST = 8

#: Standardised appearance is cut off here, so that one odd photograph does not become a slide.
ODD = 2.5

#: Share of the brightest pixels taken for background, and of the densest for stain.
BACKGROUND, STAINED = 0.4, 0.1


def appearance(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Background colour and stain of one photograph, FP32 [9], of UINT8 [3, 224, 224].

    Median of the brightest pixels (3), mean optical density of the densest against that background (3), and the spread
    of the densities (3). Nothing here is fitted, and no label is looked at.
    """
    seen = np.ones(pixels.shape[1:], dtype=bool)
    seen[MASK_START:, MASK_START:] = False
    colours = pixels[:, seen].astype(np.float32) / 255
    light = colours.mean(axis=0)
    background = np.median(colours[:, light >= np.quantile(light, 1 - BACKGROUND)], axis=1)
    density = -np.log(colours.clip(1 / 255) / background[:, None].clip(1 / 255))
    total = density.sum(axis=0)
    stain = density[:, total >= np.quantile(total, 1 - STAINED)].mean(axis=1)
    return np.concatenate([background, stain, density.std(axis=1)]).astype(np.float32)


def appearances(photographs: Sequence[Photograph]) -> NDArray[np.float32]:
    """:func:`appearance` of every photograph, FP32 [n, 9]."""
    return np.stack([appearance(load(photograph)) for photograph in photographs])


def pseudo_slides(photographs: Sequence[Photograph], looks: NDArray[np.float32]) -> NDArray[np.int64]:
    """The pseudo-slide of each photograph, INT64 [n], numbered through all classes in order of capture.

    Ward clustering (Ward, J Am Stat Assoc 1963) on standardised appearance, in which only photographs within
    :data:`REACH` numbers, or of overlapping fields, may join; overlapping fields start as one.

    :param looks: :func:`appearances` of the same photographs.
    """
    slides = np.full(len(photographs), -1, dtype=np.int64)
    for label in CLASSES:
        rows = np.array([row for row, one in enumerate(photographs) if one.label == label], dtype=np.int64)
        if len(rows):
            groups = _of_class([photographs[row] for row in rows], looks[rows], PATIENTS[label])
            slides[rows] = groups + slides.max() + 1
    return slides


def _of_class(
    photographs: Sequence[Photograph], looks: NDArray[np.float32], wanted: int
) -> NDArray[np.int64]:
    fields: dict[str, list[int]] = defaultdict(list)
    for row, photograph in enumerate(photographs):
        fields[photograph.group].append(row)
    members = list(fields.values())
    scaled = ((looks - looks.mean(axis=0)) / (looks.std(axis=0) + 1e-6)).clip(-ODD, ODD)
    centres = np.stack([scaled[rows].mean(axis=0) for rows in members])
    numbers = [np.array([photographs[row].number for row in rows]) for rows in members]
    joined = _neighbours(numbers)
    _, island = connected_components(joined, directed=False)
    share = np.bincount(island) / len(island)
    groups = np.empty(len(photographs), dtype=np.int64)
    taken = 0
    for one in np.unique(island):  # numbers far apart never share a slide, however alike
        nodes = np.flatnonzero(island == one)
        among = joined[nodes][:, nodes]
        found = _cluster(centres[nodes], among, max(1, round(wanted * share[one])))
        found = _join_small(found, among, np.array([len(members[node]) for node in nodes]))
        for node, group in zip(nodes, found, strict=True):
            groups[members[node]] = taken + group
        taken += int(found.max()) + 1
    order = {group: place for place, group in enumerate(dict.fromkeys(groups.tolist()))}
    return np.array([order[group] for group in groups.tolist()], dtype=np.int64)


def _join_small(groups: NDArray[np.int64], joined: csr_matrix, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give every group under :data:`LEAST` photographs to the group most of its neighbours belong to."""
    groups = groups.copy()
    for _ in range(len(groups)):
        names = np.unique(groups)
        counts = np.array([sizes[groups == name].sum() for name in names])
        if len(names) == 1 or counts.min() >= LEAST:
            break
        small = groups == names[counts.argmin()]
        around = groups[(np.asarray(joined[small].sum(axis=0)).ravel() > 0) & ~small]
        if not len(around):
            break
        groups[small] = np.bincount(around).argmax()
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _neighbours(numbers: Sequence[NDArray[np.int64]]) -> csr_matrix:
    """Which fields lie within reach of each other in file numbers."""
    flat = sorted((int(number), node) for node, one in enumerate(numbers) for number in one)
    pairs = []
    for place, (number, node) in enumerate(flat):
        for other, partner in flat[place + 1 : place + 1 + REACH]:
            if other - number <= REACH and partner != node:
                pairs.append((node, partner))
    first, second = (
        np.array(side, dtype=np.int64) for side in (zip(*pairs, strict=True) if pairs else ((), ()))
    )
    ones = np.ones(2 * len(first), dtype=np.int8)
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    return coo_matrix((ones, (rows, columns)), shape=(len(numbers), len(numbers))).tocsr()


def _cluster(looks: NDArray[np.float32], joined: csr_matrix, wanted: int) -> NDArray[np.int64]:
    if len(looks) <= wanted or wanted == 1:
        return np.arange(len(looks)) if len(looks) <= wanted else np.zeros(len(looks), dtype=np.int64)
    ward = AgglomerativeClustering(n_clusters=wanted, linkage="ward", connectivity=joined)
    clusters: NDArray[np.int64] = ward.fit_predict(looks).astype(np.int64)
    return clusters
