"""The services behind the portal, and the environment with their addresses for the portal."""

from __future__ import annotations

from embedded import confined, postgres, triton, valkey
from embedded.process import Spec
from embedded.settings import Settings
from embedded.state import VarFolder

NAMES = ("postgres", "valkey", "triton", *confined.NAMES)


def service_specs(var: VarFolder, settings: Settings) -> tuple[dict[str, Spec], dict[str, str]]:
    """The Specs by name, and the variables (DATABASE_URL, …) that name their addresses."""
    ports = var.ports()
    secrets = var.secrets()
    sockets = var.path / "sockets"
    specs = {
        "postgres": postgres.spec(var.path / "postgres", ports["postgres"], secrets["postgres"]),
        "valkey": valkey.spec(var.path / "valkey", ports["valkey"], secrets["valkey"]),
        "triton": triton.spec(
            var.path / "triton",
            settings.model_repository,
            settings.model_name,
            ports,
            settings.triton_timeout,
        ),
        **confined.specs(sockets),
    }
    environment = {
        "DATABASE_URL": postgres.url(ports["postgres"], secrets["postgres"]),
        "BROKER_URL": valkey.url(ports["valkey"], secrets["valkey"], 0),
        "CACHE_URL": valkey.url(ports["valkey"], secrets["valkey"], 1),
        "TRITON_GRPC_URL": f"127.0.0.1:{ports['triton_grpc']}",
        "TRITON_HTTP_URL": f"http://127.0.0.1:{ports['triton_http']}",
        "CONFINED_SOCKETS": str(sockets),
        "SECRET_KEY": secrets["django"],
        "MODEL_NAME": settings.model_name,
        "MODEL_REPOSITORY": str(settings.model_repository),
    }
    return specs, environment
