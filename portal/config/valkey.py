"""Valkey may be away, or take connections and not answer; nobody who waits for a page waits for it.

Cache and broker hold nothing that is not in the database too: what fails here is a miss, or is sent later. After a
failure neither is asked for some seconds, so one call in many waits, and not for long. See docs/decisions/0017.
"""

import threading
from collections.abc import Callable
from functools import cache as remember
from time import monotonic
from typing import Any

import redis
import structlog
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

#: One call to Valkey, in seconds: it answers in thousandths. A page asks cache and broker at most once each.
CALL_SECONDS = 0.5
#: For so long after a failure nobody asks.
PAUSE_SECONDS = 5.0


class Breaker:
    """Remembers that something does not answer. After the pause one caller tries, the others go on without."""

    def __init__(self, name: str, pause: float = PAUSE_SECONDS) -> None:
        self.name, self.pause = name, pause
        self._lock = threading.Lock()
        self._until: float | None = None

    def may_try(self) -> bool:
        """Whether to ask now; after a pause one caller asks, and the others go on without."""
        with self._lock:
            if self._until is None:
                return True
            if monotonic() < self._until:
                return False
            self._until = monotonic() + self.pause
            return True

    def failed(self, error: Exception) -> None:
        """It did not answer."""
        with self._lock:
            is_news, self._until = self._until is None, monotonic() + self.pause
        if is_news:
            log.warning("valkey.away", part=self.name, error=f"{type(error).__name__}: {error}")

    def answered(self) -> None:
        """It did."""
        if self._until is None:
            return
        with self._lock:
            was_away, self._until = self._until is not None, None
        if was_away:
            log.info("valkey.back", part=self.name)


cache_breaker, broker_breaker = Breaker("cache"), Breaker("broker")


def options() -> dict[str, Any]:
    """How a connection that somebody waits for is made: short times, and no second try."""
    return {
        "socket_connect_timeout": CALL_SECONDS,
        "socket_timeout": CALL_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def broker_answers() -> bool:
    """Whether a message can be handed over now without waiting for it."""
    if not broker_breaker.may_try():
        return False
    try:
        _broker(settings.BROKER_URL).ping()
    except (redis.RedisError, OSError) as error:
        broker_breaker.failed(error)
        return False
    broker_breaker.answered()
    return True


@remember
def _broker(url: str) -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(url, **options())
    return client


class PatientCache(RedisCache):
    """Django's cache in Valkey, where a failure is a miss: nothing that is kept here is kept here alone."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params | {"OPTIONS": options() | params.get("OPTIONS", {})})

    def _ask(self, call: Callable[[], Any], otherwise: Any) -> Any:
        if not cache_breaker.may_try():
            return otherwise
        try:
            found = call()
        except (redis.RedisError, OSError) as error:
            cache_breaker.failed(error)
            return otherwise
        cache_breaker.answered()
        return found

    def add(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """As Django's; a failure counts as added, since locks in the cache are only a courtesy."""
        # As if nobody else had: locks in the cache are courtesy, what must hold is held by the database.
        return bool(self._ask(lambda: super(PatientCache, self).add(key, *args, **kwargs), True))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """As Django's; a failure is a miss."""
        return self._ask(lambda: super(PatientCache, self).get(key, default, version), default)

    def set(self, key: Any, *args: Any, **kwargs: Any) -> None:
        """As Django's; a failure is ignored."""
        self._ask(lambda: super(PatientCache, self).set(key, *args, **kwargs), None)

    def touch(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """As Django's; a failure is a miss."""
        return bool(self._ask(lambda: super(PatientCache, self).touch(key, *args, **kwargs), False))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """As Django's; a failure is a miss."""
        return bool(self._ask(lambda: super(PatientCache, self).delete(key, version), False))

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """As Django's; a failure is a miss."""
        found: dict[Any, Any] = self._ask(lambda: super(PatientCache, self).get_many(keys, version), {})
        return found

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """As Django's; a failure is a miss."""
        return bool(self._ask(lambda: super(PatientCache, self).has_key(key, version), False))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError where there is nothing to add to, as Django's caches do."""
        found = self._ask(lambda: super(PatientCache, self).incr(key, delta, version), None)
        if found is None:
            raise ValueError(f"Key '{key}' not found")
        return int(found)

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """As Django's; a failure is ignored."""
        failed = self._ask(lambda: super(PatientCache, self).set_many(data, *args, **kwargs), list(data))
        return list(failed)

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        """As Django's; a failure is ignored."""
        self._ask(lambda: super(PatientCache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        """As Django's; a failure is ignored."""
        self._ask(super().clear, None)
