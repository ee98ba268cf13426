"""From committed weights to the file Triton loads.

TorchScript is deprecated since torch 2.11; everything that knows of it is :func:`to_torchscript`. The network
is scripted, not traced, because a trace would bake in the device and the batch size.
"""

import warnings
from pathlib import Path

import torch

from training import weights
from training.data import DataError
from training.network import LeukemiaVGG16

#: The model repository of this project.
MODEL = Path("triton_models/leukemia_vgg16")


def to_torchscript(network: LeukemiaVGG16) -> torch.jit.ScriptModule:
    """Script and freeze ``network``; the batch dimension stays free."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.freeze(torch.jit.script(network.eval()))


def to_exported_program(network: LeukemiaVGG16) -> torch.export.ExportedProgram:
    """The same network for the successor format, ``torch.export``."""
    example = torch.zeros(2, 3, 224, 224, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=64)
    return torch.export.export(network.eval(), (example,), dynamic_shapes=({0: batch},))


def export_version(version: Path) -> list[Path]:
    """Write ``model.pt`` and ``model.pt2`` beside ``weights.safetensors`` in one version's folder.

    Files are written aside and moved into place, so a server never sees half a file.

    :raises DataError: when the weights are missing or do not fit.
    """
    network = weights.load(version / "weights.safetensors")
    script, program = version / "model.pt", version / "model.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        to_torchscript(network).save(str(script.with_suffix(".pt.part")))
    script.with_suffix(".pt.part").replace(script)
    # torch.export.save insists on the suffix.
    part = version / "part.pt2"
    torch.export.save(to_exported_program(network), part)
    part.replace(program)
    return [script, program]


def export_model(model: Path = MODEL) -> list[Path]:
    """Export every version under ``model`` that has weights.

    :raises DataError: when none has.
    """
    versions = sorted(path.parent for path in model.glob("*/weights.safetensors"))
    if not versions:
        raise DataError(f"no version with weights.safetensors under {model}; run from the repository's root")
    return [path for version in versions for path in export_version(version)]
