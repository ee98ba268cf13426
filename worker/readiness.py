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
from django.db import DatabaseError, connections

from portal.inference.models import ModelVersion
from portal.inference.selectors import active_version
from worker.contract import ContractMismatch, differences
from worker.triton import TritonClient, TritonRejected, TritonUnavailable, triton

log = structlog.get_logger(__name__)

#: A server that is away is asked again this soon, in seconds.
SOON = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check of a model version said, and when (monotonic seconds)."""

    state: Literal["ok", "waiting", "mismatch", "off"]
    detail: str = ""
    at: float = field(default_factory=monotonic, compare=False)


Key = tuple[str, int, str, float]


class ContractWatch:
    """Checks model versions and remembers the verdicts for a while. Safe to share between threads."""

    def __init__(self, client: Callable[[], TritonClient], *, every: float) -> None:
        self._client = client
        self._every = every
        self._lock = threading.Lock()
        self._verdicts: dict[Key, Verdict] = {}
        self._labels: dict[Key, tuple[str, ...]] = {}
        self._stopped = threading.Event()
        #: the verdict on the active version, which the heartbeat carries
        self.current = Verdict("waiting", "The model server has not been asked yet.")

    def require(self, version: ModelVersion) -> None:
        """Return when Triton serves the registered version and it keeps the contract.

        Raises ``ContractMismatch`` or ``TritonUnavailable``.
        """
        with self._lock:
            verdict = self._verdicts.get(_key(version))
        if verdict is None or monotonic() - verdict.at > self._keep_for(verdict):
            verdict = self.check(version)
        if verdict.state == "mismatch":
            raise ContractMismatch(verdict.detail)
        if verdict.state == "waiting":
            raise TritonUnavailable(verdict.detail)

    def check(self, version: ModelVersion) -> Verdict:
        """Ask Triton now; what it said is remembered, and logged when it is news."""
        try:
            found = self._differences(version)
        except TritonUnavailable as error:
            self.forget()
            verdict = Verdict("waiting", str(error))
        except TritonRejected as error:
            verdict = Verdict("mismatch", _sentence(version, [str(error)]))
        else:
            verdict = Verdict("mismatch", _sentence(version, found)) if found else Verdict("ok")
        with self._lock:
            self._verdicts[_key(version)] = verdict
        return verdict

    def forget(self) -> None:
        """Check again before the next job: Triton was away and may have come back with another model."""
        with self._lock:
            self._verdicts.clear()
            self._labels.clear()

    def start(self) -> None:
        """Keep checking the active version from a thread of its own until ``stop``."""
        self._stopped.clear()
        threading.Thread(target=self._keep_checking, name="contract", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _keep_checking(self) -> None:
        while not self._stopped.is_set():
            verdict = self._check_active()
            if verdict != self.current:
                _tell(verdict)
            self.current = verdict
            self._stopped.wait(self._every if verdict.state == "ok" else SOON)

    def _check_active(self) -> Verdict:
        try:
            version = active_version()
        except DatabaseError as error:
            return Verdict("waiting", f"The database cannot be reached: {error}")
        finally:
            connections.close_all()
        if version is None:
            return Verdict("off", "No model version is active.")
        return self.check(version)

    def _differences(self, version: ModelVersion) -> list[str]:
        client, name, number = self._client(), version.name, str(version.version)
        metadata = client.metadata(name, number)
        config = client.config(name, number)
        key = _key(version)
        # The labels cost an inference, so they are asked for once per connection, not at every check.
        labels = self._labels.get(key) or client.labels(name, number)
        self._labels[key] = labels
        return differences(version, metadata, config, labels)

    def _keep_for(self, verdict: Verdict) -> float:
        return SOON if verdict.state == "waiting" else 3 * self._every


def _key(version: ModelVersion) -> Key:
    return (version.name, version.version, version.sha256, version.outlier_threshold)


def _sentence(version: ModelVersion, found: list[str]) -> str:
    return (
        f"Triton does not serve {version.name} version {version.version} as it is registered, "
        f"so no photograph is classified: {'; '.join(found)}."
    )


def _tell(verdict: Verdict) -> None:
    write = {"ok": log.info, "off": log.info, "waiting": log.warning, "mismatch": log.error}[verdict.state]
    write(f"contract.{verdict.state}", detail=verdict.detail)


#: The one watch of this process.
watch = ContractWatch(triton, every=settings.CONTRACT_CHECK_SECONDS)
