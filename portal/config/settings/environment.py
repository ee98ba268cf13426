"""Where settings come from: the process's environment, ``.env``, and the instance that `make run` started."""

import json
import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parents[3]

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def _join_running_instance(folder: Path) -> None:
    """Take over the environment that `make run` gave its processes.

    Raises ImproperlyConfigured where no instance runs in ``folder``.

    Only when asked, by ``manage.py --join`` or ``HEMALENS_JOIN=1``: a script that merely forgot its environment must
    not write into a laboratory that happens to run on the machine.
    """
    state = folder / "run.json"
    if not state.exists():
        raise ImproperlyConfigured(
            f"No instance runs in {folder}: start it with `make run`, or check HEMALENS_VAR."
        )
    for name, value in json.loads(state.read_text())["environment"].items():
        os.environ.setdefault(name, value)


if env.bool("HEMALENS_JOIN", default=False):
    _join_running_instance(Path(env.str("HEMALENS_VAR", default=str(BASE_DIR / "var"))))
elif "DATABASE_URL" not in os.environ:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. For the instance that `make run` started, say so: python manage.py --join COMMAND"
    )
