"""Where the browser of the tests is."""

from __future__ import annotations

import os
import shutil

import pytest


def chromium() -> str:
    """The path of Debian's Chromium, the one without windows if it is there.

    Without one the tests fail on CI and are skipped, visibly, anywhere else.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None:
        words = "no Chromium on this machine: apt-get install chromium-headless-shell"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return path
