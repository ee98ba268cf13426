"""Started by torchrun from ``test_parallel.py``: fine-tunes a small set and writes the weights that result."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from training.config import Config
from training.fit import fine_tuning, parallel
from training.model import weights
from training.model.network import LeukemiaVGG16

#: Nine photographs in batches of four: the last batch has one row, so one of two processes has none of it.
ROWS, BATCH = 9, 4


def main(target: Path) -> None:
    parallel.start()
    weights.deterministic(1, 0)
    maps = [np.random.default_rng(0).random((ROWS, 512, 2, 2)).astype(np.float16)]
    config = replace(
        Config(), epochs=1, batch=BATCH, versions=0, tuned="conv5_3", precision="float32", lr_block5=1e-3
    )
    trained, _ = fine_tuning.fine_tune(LeukemiaVGG16(), maps, np.arange(ROWS) % 4, config)
    if parallel.first():
        torch.save(trained.state_dict(), target)
    parallel.wait()
    parallel.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
