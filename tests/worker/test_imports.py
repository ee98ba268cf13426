"""Which libraries are loaded by whom: no torch in the worker, no Triton client in the portal."""

import subprocess
import sys

import pytest

PORTAL = """
import django, importlib, pkgutil
django.setup()
import portal
for module in pkgutil.walk_packages(portal.__path__, "portal."):
    importlib.import_module(module.name)
"""


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import worker.app, worker.tasks", ["torch", "torchvision", "training", "embedded"]),
        (PORTAL, ["torch", "torchvision", "tritonclient", "grpc", "worker", "training", "embedded"]),
    ],
    ids=["worker", "portal"],
)
def test_what_is_not_loaded(code: str, unwanted: list[str]) -> None:
    check = f"{code}\nimport sys\nprint(*[name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
