"""Several processes training one network: ``torchrun --nproc-per-node 4 -m training train`` and nothing else.

Each process takes its share of every batch and the gradients are averaged, so the recipe means the same on one
processor and on eight GPUs. A process without ``torchrun`` around it is the first and only one.
"""

import os
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor


def start() -> None:
    """Join the other processes where ``torchrun`` started some: NCCL on GPUs, Gloo on CPUs."""
    if "LOCAL_RANK" not in os.environ or dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def first() -> bool:
    """Whether this process writes files and shows progress."""
    return not dist.is_initialized() or dist.get_rank() == 0


def own_rows() -> slice:
    """Which rows of each batch are this process's."""
    return slice(dist.get_rank(), None, dist.get_world_size()) if dist.is_initialized() else slice(None)


def own_weight(rows: int) -> float:
    """What this process's mean over its rows counts in the mean over all ``rows`` of a batch, times the processes."""
    if not dist.is_initialized():
        return 1.0
    return len(range(rows)[own_rows()]) * dist.get_world_size() / rows


def share_gradients(parameters: Sequence[Tensor]) -> None:
    """Average the gradients over the processes."""
    if not dist.is_initialized():
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def wait() -> None:
    """Let every process come this far: the first has written what the others read."""
    if dist.is_initialized():
        dist.barrier()


def stop() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()
