"""What the frozen blocks make of each photograph, computed once and kept on disk.

Blocks 1 to 4 do nine tenths of the arithmetic. Where they are not tuned their output is cached, for the photograph as
it is and for some augmented versions; so is block 3's, for recipes that tune block 4. A cache is a NumPy file beside
a JSON note of how many rows are done: an interrupted run goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from training.data import Photograph
from training.network import LeukemiaVGG16
from training.precision import device, shortened

Maps = NDArray[np.float16]

#: Channels of what a block leaves behind, and by how much it is smaller than the photograph.
BLOCKS = {3: (256, 8), 4: (512, 16)}

BATCH = 16

#: The largest finite half-precision number; the unscaled Oxford weights come near it in bright spots.
LARGEST = 65504


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at every photograph.

    ``recipe`` is everything ``make`` depends on besides the photograph, and so part of the cache's name; ``make``
    gives the UINT8 [3, side, side] input.
    """

    name: str
    recipe: dict[str, Any]
    make: Callable[[Photograph], NDArray[np.uint8]]
    side: int = 224

    def shape(self, block: int) -> tuple[int, int, int]:
        """Shape of one photograph's maps after ``block``."""
        channels, reduction = BLOCKS[block]
        return channels, self.side // reduction, self.side // reduction


@dataclass(frozen=True, slots=True)
class Cache:
    """Where maps are kept, and which ImageNet weights and precision they come from."""

    folder: Path
    backbone_sha256: str
    precision: str = "float32"

    def path(self, photographs: Sequence[Photograph], view: View, block: int) -> Path:
        """Names a cache by everything its contents depend on."""
        recipe = {
            "backbone": self.backbone_sha256,
            "precision": self.precision,
            "view": view.recipe,
            "side": view.side,
        }
        hashed = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
        for photograph in photographs:
            hashed.update(photograph.sha256.encode())
        return self.folder / f"{view.name}-block{block}-{hashed.hexdigest()[:16]}.npy"

    def maps(self, network: LeukemiaVGG16, photographs: Sequence[Photograph], view: View, block: int) -> Maps:
        """What ``block`` leaves of each photograph: FP16 [n, channels, side, side], memory-mapped.

        Rows that are missing are computed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(photographs, view, block)
        done = _rows(path)
        if done < len(photographs):
            self._fill(network, photographs, view, block, done)
        return np.load(path, mmap_mode="r")

    def _fill(
        self, network: LeukemiaVGG16, photographs: Sequence[Photograph], view: View, block: int, done: int
    ) -> None:
        path = self.path(photographs, view, block)
        array = np.lib.format.open_memmap(
            path, mode="r+" if done else "w+", dtype=np.float16, shape=(len(photographs), *view.shape(block))
        )
        network.eval().to(device())
        source = self._source(network, photographs, view, block)
        title = f"{view.name}, block {block}"
        with (
            torch.inference_mode(),
            shortened(self.precision),
            tqdm(total=len(photographs), initial=done, desc=title, unit="img") as bar,
        ):
            for start in range(done, len(photographs), BATCH):
                output = source(start)
                array[start : start + len(output)] = output.clamp(max=LARGEST).half().cpu().numpy()
                # Not flushed: what a killed process has written to a mapped file stays, and waiting for the disk
                # at each batch took longer than the arithmetic.
                path.with_suffix(".json").write_text(json.dumps({"rows": start + len(output)}))
                bar.update(len(output))

    def _source(
        self, network: LeukemiaVGG16, photographs: Sequence[Photograph], view: View, block: int
    ) -> Callable[[int], torch.Tensor]:
        """What computes the batch that begins at a row: from block 3's cache where that is whole, else from pixels."""
        before = self.path(photographs, view, 3)
        if block == 4 and _rows(before) == len(photographs):
            pool3 = np.load(before, mmap_mode="r")
            return lambda start: network.pool3_to_pool4(to_device(pool3[start : start + BATCH]))

        def from_pixels(start: int) -> torch.Tensor:
            pixels = np.stack([view.make(one) for one in photographs[start : start + BATCH]])
            pool3 = network.to_pool3(torch.from_numpy(pixels).to(device()))
            return pool3 if block == 3 else network.pool3_to_pool4(pool3)

        return from_pixels


@dataclass(frozen=True, slots=True)
class Joined:
    """Maps of several parts of the photographs, one part after the other, each in a cache of its own."""

    parts: tuple[Maps, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """That of one array of all parts."""
        return sum(len(part) for part in self.parts), *self.parts[0].shape[1:]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | np.integer[Any] | slice | NDArray[np.int64]) -> Maps:
        """As of an array; only what is asked for is copied."""
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        ends = np.cumsum([len(part) for part in self.parts])
        part_of = np.searchsorted(ends, np.atleast_1d(rows), side="right")
        inside = np.atleast_1d(rows) - (ends - [len(part) for part in self.parts])[part_of]
        found = np.empty((len(part_of), *self.shape[1:]), dtype=self.parts[0].dtype)
        for number, part in enumerate(self.parts):
            found[part_of == number] = part[inside[part_of == number]]
        return found if np.ndim(rows) else found[0]


def to_device(maps: Maps) -> torch.Tensor:
    """Cached maps as FP32 on the device, channels last (faster on CPUs)."""
    tensor = torch.from_numpy(maps).to(device()).float()
    return tensor.contiguous(memory_format=torch.channels_last)


def _rows(path: Path) -> int:
    note = path.with_suffix(".json")
    return int(json.loads(note.read_text())["rows"]) if note.exists() and path.exists() else 0


def averages(maps: Maps | Joined) -> NDArray[np.float32]:
    """Spatial means, FP32 [n, channels], of FP16 [n, channels, side, side]."""
    starts = range(0, len(maps), 256)
    return np.concatenate(
        [maps[start : start + 256].astype(np.float32).mean(axis=(2, 3)) for start in starts]
    )
