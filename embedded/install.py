"""Make the virtual environment: ``python3 embedded/install.py local|dev|check``.

Run by the machine's own Python: standard library only. There are three steps (see docs/decisions): the
hashed lock; torch by name and version, so that a CPU build is taken where the machine offers one; and
nvidia-pytriton without its dependencies, which would ask for an old NumPy. What was installed is kept in
``.venv/installed.json``, so that nothing is done when nothing changed.
"""

import ctypes
import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
TORCH = ["torch==2.13.0"]
UNDECLARED = ["torchvision==0.28.0", "nvidia-pytriton==0.7.0"]
NEEDED_MB = 4000
#: What WeasyPrint cannot do without when it makes a report into a PDF; and Debian's packages of it, of what makes it
#: quicker, and of a font.
PDF_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0")
PDF_PACKAGES = (
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-noto-core fonts-noto-cjk"
)


def problem() -> str:
    """What keeps this machine from running Hemalens, as a sentence, or ""."""
    if sys.version_info[:2] != (3, 11):
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return (
            f"Hemalens needs Python 3.11, and {sys.executable} is {found}: install it (Debian 12: apt-get "
            "install python3 python3-venv), or name it: 'make run PYTHON=/usr/bin/python3.11'."
        )
    if find_spec("ensurepip") is None or find_spec("venv") is None:
        return "Python's venv module is missing: install it (Debian: apt-get install python3-venv)."
    if not has_libpython():
        return (
            "The library libpython3.11.so.1.0, which the model server loads, is missing: "
            "install it (Debian: apt-get install libpython3.11)."
        )
    free = shutil.disk_usage(ROOT).free // 2**20
    if not STAMP.exists() and free < NEEDED_MB:
        return f"The installation needs {NEEDED_MB} MB and the disk of {ROOT} has {free} MB: free some space."
    return ""


def has_libpython() -> bool:
    """Whether a process with Python's library folder on its path finds the shared libpython."""
    name = "libpython3.11.so.1.0"
    return (Path(sysconfig.get_config_var("LIBDIR") or "") / name).exists() or loads(name)


def missing_for_pdf() -> str:
    """What keeps this machine from making PDFs of reports, as a sentence, or "". All else works without it."""
    missing = [name for name in PDF_LIBRARIES if not loads(name)]
    if not missing:
        return ""
    return (
        f"Reports cannot be made into PDFs here, {', '.join(missing)} is missing; all else works. "
        f"Debian: apt-get install {PDF_PACKAGES}."
    )


def loads(name: str) -> bool:
    """Whether a shared library is there."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def wanted(lock: str) -> "dict[str, str]":
    """What an installation of ``lock`` consists of: the lock's hash and the names and versions outside it."""
    digest = hashlib.sha256((ROOT / "requirements" / f"{lock}.lock").read_bytes()).hexdigest()
    return {"lock": digest, "beside": " ".join(TORCH + UNDECLARED), "python": sys.version.split()[0]}


def install(lock: str) -> None:
    """Run the three steps. Raises CalledProcessError when one fails."""
    python = str(VENV / "bin" / "python")
    if not Path(python).exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]
    locked = str(ROOT / "requirements" / f"{lock}.lock")
    subprocess.run([*pip, "--require-hashes", "-r", locked], check=True)
    subprocess.run([*pip, *TORCH], check=True)
    subprocess.run([*pip, "--no-deps", *UNDECLARED], check=True)


def main() -> int:
    """Check the machine and install what the named lock asks for, unless it is there.

    ``check`` installs nothing and fails as well where only the tests would.
    """
    lock = sys.argv[1]
    found = problem()
    if found:
        print(found, file=sys.stderr)
        return 1
    lacking = missing_for_pdf()
    if lacking:
        print(lacking, file=sys.stderr)
    if lock == "check":
        return 1 if lacking else 0
    kept = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    # the lock for development holds all of the one for running: never take anything away again
    if any(kept.get(name) == wanted(name) for name in (lock, "dev")):
        return 0
    print(f"Installing {lock}.lock into {VENV}: some minutes the first time.", flush=True)
    try:
        install(lock)
    except subprocess.CalledProcessError:
        print(
            "The installation failed; pip says why above. Fix that, then run the same command.",
            file=sys.stderr,
        )
        return 1
    STAMP.write_text(json.dumps({lock: wanted(lock)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
