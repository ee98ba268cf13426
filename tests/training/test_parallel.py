"""Two processes train what one trains."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.training import two_processes
from training.model.network import LeukemiaVGG16

ROOT = Path(__file__).resolve().parents[2]


def test_two_processes_end_with_one_processs_weights(tmp_path: Path) -> None:
    script = [str(Path(two_processes.__file__)), str(tmp_path / "two.pt")]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*torchrun, *script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    alone = [sys.executable, script[0], str(tmp_path / "one.pt")]
    subprocess.run(alone, cwd=ROOT, env=environment, capture_output=True, timeout=240, check=True)
    one, two = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("one", "two"))
    untrained = LeukemiaVGG16().state_dict()
    assert not torch.equal(one["classifier.weight"], untrained["classifier.weight"])
    for name, value in one.items():
        # Sums in another order; AdamW's first steps are the size of the rate whatever the gradient's.
        torch.testing.assert_close(two[name], value, atol=1e-4, rtol=1e-3, msg=name)
