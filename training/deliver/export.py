"""From committed weights to the file Triton loads.

TorchScript is deprecated since torch 2.11; everything that knows of it is :func:`to_torchscript` and
:func:`_save_script`. The network is scripted, not traced, because a trace would bake in the device and the batch
size. Nothing is written that does not answer as the network does (``training.deliver.parity``).
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from smear import contract
from training.command import Command
from training.data.manifest import DataError
from training.deliver import parity
from training.model import quantized, weights
from training.model.network import LeukemiaVGG16
from training.model.repository import REPOSITORY


class UnfitProcessor(DataError):
    """This processor computes an int8 network wrongly; FP32 ones are not concerned."""


def to_torchscript(network: LeukemiaVGG16) -> torch.jit.ScriptModule:
    """Script and freeze ``network``; the batch dimension stays free."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script: torch.jit.ScriptModule = torch.jit.freeze(torch.jit.script(network.eval()))
        return script


def to_exported_program(network: LeukemiaVGG16) -> torch.export.ExportedProgram:
    """The same network for the successor format, ``torch.export``; not for int8 networks.

    torch.export cannot take the packed weights of quantized convolutions (they are no tensors).
    """
    example = torch.zeros(2, *contract.IMAGE.shape, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=64)
    return torch.export.export(network.eval(), (example,), dynamic_shapes=({0: batch},))


def export_version(version: Path) -> list[Path]:
    """Write ``model.pt``, for FP32 networks also ``model.pt2``, beside ``weights.safetensors`` in a version's folder.

    Files are written aside, read back, compared with the network, and moved into place, so a server never sees half
    a file or one that answers otherwise.

    :raises DataError: when the weights are missing or do not fit, or an export differs from the network;
        UnfitProcessor when integers are computed wrongly.
    """
    path = version / "weights.safetensors"
    network = weights.load(path)
    if not quantized.is_quantized(network):
        return [_save_script(network, version), _save_program(network, version)]
    simulated = quantized.build(load_file(path), simulated=True)
    try:
        if quantized.sums_overflow():
            raise DataError(f"{version}: this processor's sums of int8 products overflow")
        parity.require_same(
            f"{version}, computed in integers", network, simulated, batches=(2,), bound=parity.KERNEL_BOUND
        )
    except DataError as error:
        (version / "model.pt").unlink(missing_ok=True)
        raise UnfitProcessor(f"{error}. Serve the FP32 model here; int8 wants VNNI or AMX") from error
    return [_save_script(network, version)]


def export_model(model: Path) -> list[Path]:
    """Export every version under ``model`` that has weights.

    :raises DataError: when none has.
    """
    versions = sorted(path.parent for path in model.glob("*/weights.safetensors"))
    if not versions:
        raise DataError(f"no version with weights.safetensors under {model}; run from the repository's root")
    return [path for version in versions for path in export_version(version)]


def export_repository(repository: Path = REPOSITORY) -> list[Path]:
    """Export every model under ``repository`` that has weights.

    An int8 model that this processor computes wrongly is left out, which is said on stderr.

    :raises DataError: when no model has weights, or one cannot be exported for another reason.
    """
    models = sorted({path.parent.parent for path in repository.glob("*/*/weights.safetensors")})
    if not models:
        raise DataError(f"no model with weights under {repository}; run from the repository's root")
    written: list[Path] = []
    for model in models:
        try:
            written += export_model(model)
        except UnfitProcessor as error:
            print(f"not exported: {error}", file=sys.stderr)
    return written


def _save_script(network: LeukemiaVGG16, version: Path) -> Path:
    target = version / "model.pt"
    part = target.with_suffix(".pt.part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        to_torchscript(network).save(str(part))
        with quantized.engine():
            script = torch.jit.load(part)
    _require_same(part, target, script, network, parity.BATCHES)
    return part.replace(target)


def _save_program(network: LeukemiaVGG16, version: Path) -> Path:
    target = version / "model.pt2"
    part = version / "part.pt2"  # torch.export.save insists on the suffix
    torch.export.save(to_exported_program(network), part)
    program = torch.export.load(part).module()
    # Two sizes tell whether the batch is free.
    _require_same(part, target, program, network, (1, 3))
    return part.replace(target)


def _require_same(
    part: Path,
    target: Path,
    program: Callable[[Tensor], Sequence[Tensor]],
    network: LeukemiaVGG16,
    batches: Sequence[int],
) -> None:
    try:
        parity.require_same(str(target), program, network, batches)
    except DataError:
        part.unlink()
        raise


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="only this model's folder; default: all of triton_models/")


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    written = export_model(parsed.model) if parsed.model else export_repository()
    return {"written": [str(path) for path in written]}


COMMAND = Command(
    "export",
    "write model.pt for every version from its committed weights",
    _arguments,
    _run,
)
