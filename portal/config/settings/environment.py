"""Where settings come from: the process's environment, ``.env``, and the instance that `make run` started."""

import json
import os
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parents[3]

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def _join_running_instance(folder: Path) -> None:
    """Let `manage.py` find the system that `make run` started: it notes there what its processes were told."""
    state = folder / "run.json"
    if "DATABASE_URL" not in os.environ and state.exists():
        for name, value in json.loads(state.read_text())["environment"].items():
            os.environ.setdefault(name, value)


_join_running_instance(Path(env.str("HEMALENS_VAR", default=str(BASE_DIR / "var"))))
