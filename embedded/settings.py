"""Settings of ``make run``, read from the environment (and ``.env``); ``.env.example`` documents each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import EmbeddedError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Checked settings. Times are in seconds, sizes in megabytes."""

    var: Path = ROOT / "var"
    host: str = "127.0.0.1"
    port: int = 8000
    site_url: str = ""
    model_name: str = "leukemia_vgg16"
    model_repository: Path = ROOT / "triton_models"
    triton_timeout: float = 180.0
    web_workers: int = 2
    web_threads: int = 4
    worker_concurrency: int = 2
    min_free_mb: int = 500
    restart: bool = True
    reload: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings. Raises EmbeddedError naming the variable whose value cannot be used."""
        default = cls()
        return cls(
            var=_path(environment, "HEMALENS_VAR", default.var),
            host=environment.get("HOST", "").strip() or default.host,
            port=_integer(environment, "PORT", default.port, 0, 65535),
            site_url=environment.get("SITE_URL", "").strip(),
            model_name=environment.get("MODEL_NAME", "").strip() or default.model_name,
            model_repository=_path(environment, "MODEL_REPOSITORY", default.model_repository),
            triton_timeout=_integer(
                environment, "HEMALENS_TRITON_TIMEOUT", int(default.triton_timeout), 1, 3600
            ),
            web_workers=_integer(environment, "HEMALENS_WEB_WORKERS", default.web_workers, 1, 64),
            web_threads=_integer(environment, "HEMALENS_WEB_THREADS", default.web_threads, 1, 64),
            worker_concurrency=_integer(
                environment, "HEMALENS_WORKER_CONCURRENCY", default.worker_concurrency, 1, 64
            ),
            min_free_mb=_integer(environment, "HEMALENS_MIN_FREE_MB", default.min_free_mb, 0, 10**9),
            restart=_choice(environment, "HEMALENS_RESTART", "1", ("0", "1")) == "1",
        )


def _path(environment: Mapping[str, str], name: str, default: Path) -> Path:
    value = environment.get(name, "").strip()
    return (ROOT / value).resolve() if value else default


def _integer(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = environment.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise EmbeddedError(
            f"{name} must be a whole number from {low} to {high}, not {value!r}: set it again."
        )
    return int(value)


def _choice(environment: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = environment.get(name, "").strip() or default
    if value not in choices:
        raise EmbeddedError(f"{name} must be one of {', '.join(choices)}, not {value!r}: set it again.")
    return value
