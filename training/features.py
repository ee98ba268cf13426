"""What the frozen blocks make of each photograph, computed once and kept on disk.

Blocks 1 to 4 do nine tenths of the arithmetic and are not fine-tuned, so their output (FP16 [512, 14, 14],
200 kB) is cached for the photograph as it is (version 0) and for some augmented versions. A cache is a NumPy
file beside a JSON note of how many rows are done: an interrupted run goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from training.augment import Strength, augment, generator
from training.data import Photograph, load
from training.network import LeukemiaVGG16

SHAPE = (512, 14, 14)
BATCH = 16


def cache_key(
    backbone_sha256: str, photographs: Sequence[Photograph], version: int, seed: int, strength: Strength
) -> str:
    """Names a cache by everything its contents depend on."""
    recipe: dict[str, object] = {"backbone": backbone_sha256, "version": version}
    if version:
        recipe |= {"seed": seed, "strength": asdict(strength)}
    hashed = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for photograph in photographs:
        hashed.update(photograph.sha256.encode())
    return f"v{version}-{hashed.hexdigest()[:16]}"


def pool4(
    network: LeukemiaVGG16,
    photographs: Sequence[Photograph],
    folder: Path,
    key: str,
    *,
    version: int = 0,
    seed: int = 0,
    strength: Strength | None = None,
) -> NDArray[np.float16]:
    """Block 4's output for ``photographs``, FP16 [n, 512, 14, 14], memory-mapped from ``folder``.

    :param version: 0 for the photographs as they are; above that, the number of the augmentation.
    """
    folder.mkdir(parents=True, exist_ok=True)
    array_path, note = folder / f"{key}.npy", folder / f"{key}.json"
    done = json.loads(note.read_text())["rows"] if note.exists() and array_path.exists() else 0
    total = len(photographs)
    if done < total:
        mode = "r+" if done else "w+"
        array = np.lib.format.open_memmap(array_path, mode=mode, dtype=np.float16, shape=(total, *SHAPE))
        network.eval()
        with (
            torch.inference_mode(),
            tqdm(total=total, initial=done, desc=f"features v{version}", unit="img") as bar,
        ):
            for start in range(done, total, BATCH):
                batch = photographs[start : start + BATCH]
                pixels = [load(photograph) for photograph in batch]
                if version:
                    pixels = [
                        augment(image, generator(photograph.sha256, version, seed), strength or Strength())
                        for image, photograph in zip(pixels, batch, strict=True)
                    ]
                output = network.to_pool4(torch.from_numpy(np.stack(pixels)))
                # Half precision ends at 65504; the unscaled Oxford weights come near it in bright spots.
                array[start : start + len(batch)] = output.clamp(max=65504).half().numpy()
                # Not flushed: what a killed process has written to a mapped file stays, and waiting for the disk
                # at each batch took longer than the arithmetic.
                note.write_text(json.dumps({"rows": start + len(batch)}))
                bar.update(len(batch))
        del array
    return np.load(array_path, mmap_mode="r")


def averages(maps: NDArray[np.float16]) -> NDArray[np.float32]:
    """Spatial means, FP32 [n, 512], of FP16 [n, 512, 14, 14]."""
    return np.concatenate(
        [
            chunk.astype(np.float32).mean(axis=(2, 3))
            for chunk in np.array_split(maps, max(1, len(maps) // 256))
        ]
    )
