"""What a fine-tuning has reached: kept on disk after each epoch, and the best epoch where one is looked for."""

import copy
import time
from pathlib import Path
from typing import Any

import torch

from training.model.network import LeukemiaVGG16

#: Seconds of work that an interruption may cost.
SECONDS = 120


class State:
    """Network, its moving average, optimiser, schedule and history of one fine-tuning."""

    def __init__(
        self,
        network: LeukemiaVGG16,
        average: LeukemiaVGG16,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        self.parts: dict[str, Any] = {
            "network": network,
            "average": average,
            "optimiser": optimiser,
            "schedule": schedule,
        }
        self.history: list[dict[str, Any]] = []
        self.saved = time.monotonic()
        self.least: float | None = None
        self.best: dict[str, torch.Tensor] | None = None

    def note_best(self, loss: float) -> None:
        """Keep the averaged network when ``loss`` is the least so far."""
        if self.least is None or loss < self.least:
            self.least = loss
            self.best = copy.deepcopy(self.parts["average"].state_dict())

    def waited(self, patience: int) -> bool:
        """Whether the last ``patience`` epochs brought nothing better; never for a patience of 0."""
        losses = [record["stop_loss"] for record in self.history if "stop_loss" in record]
        return bool(patience and losses) and len(losses) - 1 - losses.index(min(losses)) >= patience

    def best_network(self) -> LeukemiaVGG16:
        """The averaged network: of the best epoch where one was looked for, else of the last."""
        average: LeukemiaVGG16 = self.parts["average"]
        if self.best is not None:
            average.load_state_dict(self.best)
        return average

    def load(self, path: Path) -> None:
        """Go on from ``path`` if it is there."""
        if not path.exists():
            return
        stored = torch.load(path, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(stored[name])
        self.history, self.least, self.best = stored["history"], stored["least"], stored["best"]

    def save_now_and_then(self, path: Path) -> None:
        """:meth:`save` when the last time was :data:`SECONDS` ago: writing takes longer than a short epoch."""
        if time.monotonic() - self.saved >= SECONDS:
            self.save(path)

    def save(self, path: Path) -> None:
        """Write the state aside and move it into place, so an interruption leaves the last whole one."""
        part = path.with_suffix(".part")
        stored = {name: one.state_dict() for name, one in self.parts.items()}
        torch.save(stored | {"history": self.history, "least": self.least, "best": self.best}, part)
        part.replace(path)
        self.saved = time.monotonic()
