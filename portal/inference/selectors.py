"""Reads about what the model said."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.core.cache import cache

from portal.cases.models import Case, SmearImage
from portal.inference.choices import OPEN_STATES, ReferReason
from portal.inference.models import Job, ModelVersion, Prediction
from smear.classes import CLASSES, MALIGNANT

#: Cache keys under which a living worker and beat say so; the values are JSON-able dictionaries.
WORKER_HEARTBEAT_PREFIX = "worker:heartbeat:"
WORKER_HEARTBEAT_INDEX = "worker:heartbeats"
BEAT_HEARTBEAT = "beat:heartbeat"


def active_version() -> ModelVersion | None:
    """The version that new photographs are sent to, or None while the model is switched off."""
    return ModelVersion.objects.filter(name=settings.MODEL_NAME, is_active=True).first()


def worker_heartbeats(queue: str = "default") -> dict[str, dict[str, Any]]:
    """What each living worker that was started for a queue last said, by its name."""
    names: list[str] = cache.get(WORKER_HEARTBEAT_INDEX) or []
    found = cache.get_many([WORKER_HEARTBEAT_PREFIX + name for name in names])
    return {
        key.removeprefix(WORKER_HEARTBEAT_PREFIX): sign
        for key, sign in found.items()
        if queue in sign.get("expected", [queue])
    }


def unserved_queues(heartbeats: Iterable[Mapping[str, Any]]) -> list[str]:
    """Queues that these workers were started for and none of them takes messages from."""
    signs = list(heartbeats)
    expected = {queue for sign in signs for queue in sign.get("expected", ())}
    return sorted(expected - {queue for sign in signs for queue in sign.get("queues", ())})


@dataclass(frozen=True, slots=True)
class CasePreclassification:
    """What the model says about a case, from all its images.

    ``probabilities`` are the means over the images; ``counts`` how many images each class leads; ``spread`` the
    lowest and highest probability of the case's label among the images. ``referred`` holds, the gravest reason
    first, the positions of the images whose answer is *refer* for it; ``refer`` is set when there is any, or when
    some photographs are answered benign, others malignant (``mixed``). There is no prediction set of a case: its
    coverage holds for single photographs.
    """

    label: str
    probabilities: dict[str, float]
    counts: dict[str, int]
    spread: tuple[float, float]
    images: int
    referred: dict[ReferReason, list[int]]
    mixed: bool
    version: ModelVersion

    @property
    def refer(self) -> bool:
        return self.mixed or bool(self.referred)


def case_preclassification(case: Case) -> CasePreclassification | None:
    """The model's answer for a case, or None while it has none. Uses prefetched predictions where there are."""
    predictions = latest_predictions(case)
    if not predictions:
        return None
    matrix = np.array([prediction.probabilities for prediction in predictions])
    mean = matrix.mean(axis=0)
    lead = int(mean.argmax())
    counts = Counter(prediction.label for prediction in predictions)
    mixed = 0 < sum(n for label, n in counts.items() if label in MALIGNANT) < len(predictions)
    return CasePreclassification(
        label=CLASSES[lead],
        probabilities={label: float(p) for label, p in zip(CLASSES, mean, strict=True)},
        counts={label: counts.get(label, 0) for label in CLASSES},
        spread=(float(matrix[:, lead].min()), float(matrix[:, lead].max())),
        images=len(predictions),
        referred=_referred(predictions),
        mixed=mixed,
        version=predictions[0].model_version,
    )


def _referred(predictions: list[Prediction]) -> dict[ReferReason, list[int]]:
    found: dict[ReferReason, list[int]] = {reason: [] for reason in ReferReason}
    for prediction in predictions:
        for reason in prediction.reasons():
            found[reason].append(prediction.image.position)
    return {reason: positions for reason, positions in found.items() if positions}


def latest_predictions(case: Case) -> list[Prediction]:
    """The newest prediction of each image, in the images' order."""
    newest = (latest_prediction(image) for image in case.images.all())
    return [prediction for prediction in newest if prediction is not None]


def latest_prediction(image: SmearImage) -> Prediction | None:
    """What the model last said about a photograph. Uses prefetched predictions where there are."""
    return max(image.predictions.all(), key=lambda prediction: prediction.pk, default=None)


def latest_job(image: SmearImage) -> Job | None:
    """The order to classify a photograph that counts: the open one, else the last. Uses prefetched jobs."""
    return max(image.jobs.all(), key=lambda job: (job.state in OPEN_STATES, job.pk), default=None)
