"""Make the virtual environment: ``python3 embedded/install.py local|dev|check``. Standard library only, run by the machine's Python.

Three steps (docs/decisions has the reasons): the hashed lock; torch by name and version, so that a CPU build is taken
where the machine offers one; and nvidia-pytriton without its dependencies, which would ask for an old NumPy. What was
installed is kept in ``.venv/installed.json``, so that nothing is done when nothing changed.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "installed.json")
TORCH = ["torch==2.13.0"]
UNDECLARED = ["torchvision==0.28.0", "nvidia-pytriton==0.7.0"]
NEEDED_MB = 4000


def problem():
    # type: () -> str
    """What keeps this machine from running Hemalens, as a sentence, or ""."""
    if sys.version_info[:2] != (3, 11):
        found = "{}.{}".format(*sys.version_info[:2])
        return (
            "Hemalens needs Python 3.11 and 'python3' is {}: install it (Debian 12: apt-get install python3 "
            "python3-venv), or name it, for example 'make run PYTHON=/usr/bin/python3.11'.".format(found)
        )
    if find_spec("ensurepip") is None or find_spec("venv") is None:
        return "Python's venv module is missing: install it (Debian: apt-get install python3-venv) and try again."
    if not has_libpython():
        return (
            "The library libpython3.11.so.1.0, which the model server loads, is missing: "
            "install it (Debian: apt-get install libpython3.11) and try again."
        )
    free = shutil.disk_usage(ROOT).free // 2**20
    if not os.path.exists(STAMP) and free < NEEDED_MB:
        return "Only {} MB are free on the disk of {}, and the installation needs {} MB: free some space.".format(
            free, ROOT, NEEDED_MB
        )
    return ""


def has_libpython():
    # type: () -> bool
    """Whether a process with Python's library folder on its path finds the shared libpython."""
    import ctypes
    import sysconfig

    name = "libpython3.11.so.1.0"
    if os.path.exists(os.path.join(sysconfig.get_config_var("LIBDIR") or "", name)):
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def wanted(lock):
    # type: (str) -> dict[str, str]
    """What an installation of ``lock`` consists of: the lock's hash and the names and versions beside it."""
    with open(os.path.join(ROOT, "requirements", lock + ".lock"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"lock": digest, "beside": " ".join(TORCH + UNDECLARED), "python": sys.version.split()[0]}


def main():
    # type: () -> int
    lock = sys.argv[1]
    found = problem()
    if found:
        print(found, file=sys.stderr)
        return 1
    if lock == "check":
        return 0
    kept = {}
    if os.path.exists(STAMP):
        with open(STAMP) as file:
            kept = json.load(file)
    # the lock for development holds all of the one for running: never take anything away again
    if any(kept.get(name) == wanted(name) for name in {lock, "dev"}):
        return 0
    print("Installing into {} ({}.lock); the first time this takes some minutes.".format(VENV, lock), flush=True)
    try:
        install(lock)
    except subprocess.CalledProcessError:
        print(
            "The installation failed; pip says why above. With the network and the disk in order, run the same command again.",
            file=sys.stderr,
        )
        return 1
    with open(STAMP, "w") as file:
        json.dump({lock: wanted(lock)}, file)
    return 0


def install(lock):
    # type: (str) -> None
    """Run the three steps. Raises CalledProcessError when one fails."""
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]
    locked = os.path.join(ROOT, "requirements", lock + ".lock")
    subprocess.run([*pip, "--require-hashes", "-r", locked], check=True)
    subprocess.run([*pip, *TORCH], check=True)
    subprocess.run([*pip, "--no-deps", *UNDECLARED], check=True)


if __name__ == "__main__":
    sys.exit(main())
