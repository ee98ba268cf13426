"""Whether this worker may classify: the served model is compared with the registered one before it is used.

A mismatch stops the work, not the worker: no job is claimed, the health page and the log say what differs,
and the check is made again, so that putting the right model back is all it takes.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

import structlog
from django.conf import settings

from worker.contract import ContractMismatch, Registered, differences
from worker.triton import TritonClient, TritonRejected, TritonUnavailable, triton

log = structlog.get_logger(__name__)

Key = tuple[str, str, str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check of one model version said, and when (monotonic seconds)."""

    state: Literal["ok", "waiting", "mismatch"]
    detail: str = ""
    at: float = field(default_factory=monotonic, compare=False)


class ContractWatch:
    """Remembers the verdict on each model version for a while. Safe to share between threads."""

    def __init__(self, client: Callable[[], TritonClient], *, keep_for: float) -> None:
        self._client = client
        self._keep_for = keep_for
        self._lock = threading.Lock()
        self._verdicts: dict[Key, Verdict] = {}
        self._labels: dict[Key, tuple[str, ...]] = {}

    def require(self, registered: Registered) -> None:
        """Return when Triton serves the registered version and it keeps the contract.

        Raises ``ContractMismatch`` or ``TritonUnavailable``.
        """
        with self._lock:
            verdict = self._verdicts.get(_key(registered))
        if verdict is None or verdict.state == "waiting" or monotonic() - verdict.at > self._keep_for:
            verdict = self.check(registered)
        if verdict.state == "mismatch":
            raise ContractMismatch(verdict.detail)
        if verdict.state == "waiting":
            raise TritonUnavailable(verdict.detail)

    def check(self, registered: Registered) -> Verdict:
        """Ask Triton now; what it said is remembered, and logged when it is news."""
        try:
            found = self._differences(registered)
        except TritonUnavailable as error:
            self.forget()
            verdict = Verdict("waiting", str(error))
        except TritonRejected as error:
            verdict = Verdict("mismatch", _mismatch(registered, [str(error)]))
        else:
            verdict = Verdict("mismatch", _mismatch(registered, found)) if found else Verdict("ok")
        self._remember(registered, verdict)
        return verdict

    def forget(self) -> None:
        """Check anew before the next job: Triton was away and may have come back with another model."""
        with self._lock:
            self._verdicts.clear()
            self._labels.clear()

    def _differences(self, registered: Registered) -> list[str]:
        client = self._client()
        model, version = registered.name, registered.version
        metadata = client.metadata(model, version)
        config = client.config(model, version)
        key = _key(registered)
        # The labels cost an inference, so they are asked for once per connection, not at every check.
        if key not in self._labels:
            self._labels[key] = client.labels(model, version)
        return differences(registered, metadata, config, self._labels[key])

    def _remember(self, registered: Registered, verdict: Verdict) -> None:
        with self._lock:
            before = self._verdicts.get(_key(registered))
            self._verdicts[_key(registered)] = verdict
        if verdict == before:
            return
        if verdict.state == "mismatch":
            log.error("contract.mismatch", detail=verdict.detail)
        elif verdict.state == "waiting":
            log.warning("contract.waiting", detail=verdict.detail)
        else:
            log.info("contract.ok", model=registered.name, version=registered.version)


def _key(registered: Registered) -> Key:
    return (registered.name, registered.version, registered.weights_sha256, registered.outlier_threshold)


def _mismatch(registered: Registered, found: list[str]) -> str:
    return (
        f"Triton does not serve {registered.name} version {registered.version} as it is registered, "
        f"so no photograph is classified: {'; '.join(found)}."
    )


#: The one watch of this process.
watch = ContractWatch(triton, keep_for=settings.CONTRACT_RECHECK_SECONDS)
