"""Where the browser of the tests is."""

from __future__ import annotations

import os
import shutil

import pytest


def chromium() -> str:
    """The path of Debian's Chromium. Without one the tests fail on CI and are skipped, visibly, anywhere else."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        words = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return path
