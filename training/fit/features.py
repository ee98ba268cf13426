"""What the frozen blocks make of each photograph, computed once and kept on disk.

Blocks 1 to 4 do nine tenths of the arithmetic. Where they are not tuned their output is cached, for the photograph as
it is and for some augmented versions; so is block 3's, for recipes that tune block 4. A recipe that tunes nothing
needs the averages only, a five-hundredth of the maps. A cache is a NumPy file beside a JSON note of how many rows are
done: an interrupted run goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from training.data.manifest import Photograph
from training.data.transforms import Transform
from training.model.network import CHANNELS, LeukemiaVGG16
from training.model.precision import device, shortened

Maps = NDArray[np.float16]

#: By how much smaller than the photograph each side of a block's output is.
REDUCTION = {3: 8, 4: 16}

#: What a cache may hold: maps after block 3 or 4, or the spatial averages after both, side by side.
Kind = Literal[3, 4, "means"]

BATCH = 16

#: The largest finite half-precision number; the unscaled Oxford weights come near it in bright spots.
LARGEST = 65504


@dataclass(frozen=True, slots=True)
class Cache:
    """Where maps are kept, and which ImageNet weights and precision they come from."""

    folder: Path
    backbone_sha256: str
    precision: str = "float32"

    def path(
        self, photographs: Sequence[Photograph], transform: Transform, kind: Kind, enlarged: int = 0
    ) -> Path:
        """Names a cache by everything its contents depend on."""
        recipe = {
            "backbone": self.backbone_sha256,
            "precision": self.precision,
            "view": transform.recipe,  # the name that existing caches were hashed under
            "side": transform.side,
        }
        if enlarged:
            recipe["enlarged"] = enlarged
        hashed = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
        for photograph in photographs:
            hashed.update(photograph.sha256.encode())
        what = kind if kind == "means" else f"block{kind}"
        return self.folder / f"{transform.name}-{what}-{hashed.hexdigest()[:16]}.npy"

    def maps(
        self, network: LeukemiaVGG16, photographs: Sequence[Photograph], transform: Transform, block: int
    ) -> Maps:
        """What ``block`` (3 or 4) leaves of each photograph: FP16 [n, channels, side, side], memory-mapped.

        Rows that are missing are computed.
        """
        kept: Maps = self._kept(network, photographs, transform, 3 if block == 3 else 4)
        return kept

    def means(
        self, network: LeukemiaVGG16, photographs: Sequence[Photograph], transform: Transform
    ) -> NDArray[np.float32]:
        """Spatial averages after blocks 3 and 4, FP32 [n, 768], memory-mapped; rows that are missing are computed."""
        kept: NDArray[np.float32] = self._kept(network, photographs, transform, "means")
        return kept

    def _kept(
        self, network: LeukemiaVGG16, photographs: Sequence[Photograph], transform: Transform, kind: Kind
    ) -> NDArray[Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(photographs, transform, kind, network.enlarged)
        done = _rows(path)
        if done < len(photographs):
            self._fill(network, photographs, transform, kind, done)
        kept: NDArray[Any] = np.load(path, mmap_mode="r")
        return kept

    def _fill(
        self,
        network: LeukemiaVGG16,
        photographs: Sequence[Photograph],
        transform: Transform,
        kind: Kind,
        done: int,
    ) -> None:
        path = self.path(photographs, transform, kind, network.enlarged)
        array = np.lib.format.open_memmap(
            path,
            mode="r+" if done else "w+",
            dtype=np.float32 if kind == "means" else np.float16,
            shape=(len(photographs), *_shape(kind, network, transform)),
        )
        network.eval().to(device())
        source = self._source(network, photographs, transform, kind)
        with (
            torch.inference_mode(),
            shortened(self.precision),
            tqdm(total=len(photographs), initial=done, desc=f"{transform.name}, {kind}", unit="img") as bar,
        ):
            for start in range(done, len(photographs), BATCH):
                output = source(start).float()
                if kind != "means":
                    output = output.clamp(max=LARGEST).half()
                array[start : start + len(output)] = output.cpu().numpy()
                # Not flushed: what a killed process has written to a mapped file stays, and waiting for the disk
                # at each batch took longer than the arithmetic.
                path.with_suffix(".json").write_text(json.dumps({"rows": start + len(output)}))
                bar.update(len(output))

    def _source(
        self, network: LeukemiaVGG16, photographs: Sequence[Photograph], transform: Transform, kind: Kind
    ) -> Callable[[int], torch.Tensor]:
        """What computes the batch that begins at a row: from block 3's cache where that is whole, else from pixels."""
        before = self.path(photographs, transform, 3, network.enlarged)
        cached = np.load(before, mmap_mode="r") if kind != 3 and _rows(before) == len(photographs) else None

        def blocks_3(start: int) -> torch.Tensor:
            if cached is not None:
                return to_device(cached[start : start + BATCH])
            pixels = np.stack([transform.make(one) for one in photographs[start : start + BATCH]])
            return network.to_pool3(torch.from_numpy(pixels).to(device()))

        def source(start: int) -> torch.Tensor:
            pool3 = blocks_3(start)
            if kind == 3:
                return pool3
            pool4 = network.pool3_to_pool4(pool3)
            if kind == 4:
                return pool4
            return network.means(pool3.float(), pool4.float())

        return source


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


def _shape(kind: Kind, network: LeukemiaVGG16, transform: Transform) -> tuple[int, ...]:
    """Shape of one photograph's part of a cache."""
    if kind == "means":
        return (sum(CHANNELS[block] for block in REDUCTION) * network.width,)
    side = (network.enlarged or transform.side) // REDUCTION[kind]
    return CHANNELS[kind] * network.width, side, side


def _rows(path: Path) -> int:
    note = path.with_suffix(".json")
    return int(json.loads(note.read_text())["rows"]) if note.exists() and path.exists() else 0
