"""The recipe: one frozen dataclass, read from TOML, overridable on the command line."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from training.augment import Strength
from training.data import DEFAULT_DATA, DataError

#: The recipe of the first version.
DEFAULT_CONFIG = Path(__file__).parent / "configs" / "v1.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a training run depends on besides the code.

    Paths are relative to the repository's root. ``versions`` is the number of augmented versions of each
    training photograph; ``ema`` the decay of the averaged weights per step, which are the ones delivered.
    """

    data: Path = DEFAULT_DATA
    out: Path = Path("runs/v1")
    cache: Path = Path("runs/cache")
    backbone: Path | None = None
    split: Path | None = None
    seed: int = 0
    threads: int = 2
    versions: int = 5
    clean_share: float = 0.3
    epochs: int = 12
    batch: int = 32
    lr_block5: float = 5e-5
    lr_head: float = 5e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    label_smoothing: float = 0.05
    mixup: float = 0.2
    ema: float = 0.99
    probe_c: float = 0.01
    strength: Strength = field(default_factory=Strength)

    @property
    def manifest(self) -> Path:
        """The manifest of the photographs."""
        return self.data / "blood-smears" / "manifest.csv"

    @property
    def backbone_path(self) -> Path:
        """The ImageNet convolutions to start from."""
        return self.backbone or self.data / "weights" / "vgg16_imagenet_features.safetensors"


def read(path: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a recipe and apply what the command line says (``None`` there means not said).

    :raises DataError: when the file is missing or sets something unknown.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot read the recipe {path}: {error}") from error
    strength = values.pop("strength", {})
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    unknown = set(values) - {entry.name for entry in fields(Config)}
    unknown |= set(strength) - {entry.name for entry in fields(Strength)}
    if unknown:
        raise DataError(
            f"{path} sets {', '.join(sorted(unknown))}, which no recipe knows; see training/config.py"
        )
    for name in ("data", "out", "cache", "backbone", "split"):
        if values.get(name) is not None:
            values[name] = Path(values[name])
    return replace(Config(), **values, strength=Strength(**strength))
