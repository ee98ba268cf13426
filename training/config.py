"""The recipe: one frozen dataclass, read from TOML, overridable on the command line."""

import argparse
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from training.data.augment import Strength
from training.data.manifest import DEFAULT_DATA, DataError
from training.data.splits import COMMITTED, FOLDS

#: The recipe of the committed version.
DEFAULT_CONFIG = Path(__file__).parent / "configs" / "v3.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a training run depends on besides the code.

    Paths are relative to the repository's root. ``reviewed`` is a folder of signed cases to train on besides
    (``training.data.reviewed``); ``blind_only`` leaves out what was labelled by people who had seen the model's answer.
    ``fold`` is the fold of the split that validates, or ``final`` to train on every training group and measure on
    the test part. ``tuned`` names what trains: ``head`` (the linear layer), ``conv5_3``, ``block5`` or ``block4``
    (blocks 4 and 5); ``sees`` is what the linear layer sees, ``block5`` or ``blocks34``, and ``enlarged`` the side to
    which photographs are enlarged inside the network (0: not). ``versions`` is the
    number of augmented versions of each training photograph, ``clean_share`` how often the photograph as it is comes
    instead; ``crop`` the share of a map's side that is shown at a time; ``ema`` the decay of the averaged weights per
    step, which are the ones delivered. ``patience`` above 0 stops early on training groups set aside. ``normalise``,
    ``masked`` and ``side`` are for ablations: the server knows none of them.
    """

    data: Path = DEFAULT_DATA
    reviewed: Path | None = None
    blind_only: bool = False
    out: Path = Path("runs/v3")
    cache: Path = Path("runs/cache")
    backbone: Path | None = None
    split: Path = COMMITTED
    split_kind: str = "group"
    fold: str = "final"
    seed: int = 0
    threads: int = 2
    precision: str = "auto"
    tuned: str = "block5"
    sees: str = "block5"
    enlarged: int = 0
    versions: int = 4
    clean_share: float = 0.3
    epochs: int = 6
    patience: int = 0
    batch: int = 32
    crop: float = 1.0
    lr_block4: float = 2e-5
    lr_block5: float = 5e-5
    lr_head: float = 2e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    label_smoothing: float = 0.05
    mixup: float = 0.2
    mixstyle: float = 0.0
    ema: float = 0.99
    probe_c: float = 0.01
    normalise: str = "none"
    masked: bool = True
    side: int = 224
    strength: Strength = field(default_factory=Strength)

    @property
    def held_out(self) -> int | None:
        """The fold that validates; None for the final model.

        :raises DataError: when ``fold`` is neither a fold's number nor ``final``.
        """
        if self.fold == "final":
            return None
        if self.fold not in map(str, range(FOLDS)):
            raise DataError(f"fold {self.fold!r} is neither 0 to {FOLDS - 1} nor final")
        return int(self.fold)

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
    for name in ("data", "reviewed", "out", "cache", "backbone", "split"):
        if values.get(name) is not None:
            values[name] = Path(values[name])
    return replace(Config(), **values, strength=Strength(**strength))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe's file and every key of it but ``strength``, which is a table."""
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="the recipe, TOML")
    for entry in fields(Config):
        if entry.name != "strength":
            parser.add_argument(
                f"--{entry.name.replace('_', '-')}",
                type=_converter(entry.default),
                help=f"overrides {entry.name}",
            )


def from_arguments(parsed: argparse.Namespace) -> Config:
    """The recipe that a command line with :func:`add_arguments` names.

    :raises DataError: as :func:`read`.
    """
    names = {entry.name for entry in fields(Config)} - {"strength"}
    return read(parsed.config, {name: getattr(parsed, name) for name in names})


def _converter(default: Any) -> Callable[[str], Any]:
    if isinstance(default, bool):
        return lambda text: text.lower() in ("1", "true", "yes")
    return type(default) if isinstance(default, int | float | str) else Path
