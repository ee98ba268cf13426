"""``python -m confined pictures|paper``: one of the servers. With ``--check``: whether the one that runs answers."""

import argparse
import logging
import os
import sys
import tempfile
from pathlib import Path

# Before NumPy is imported: a pool of threads would not survive a fork, and its stacks count as memory.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

from confined import bounds, client
from confined.server import Server, listen


def main() -> int:
    """The exit status; 0 when the server was asked to stop, or answers."""
    parser = argparse.ArgumentParser(prog="python -m confined")
    parser.add_argument("name", choices=("pictures", "paper"))
    parser.add_argument("--check", action="store_true", help="ask the running server for a sign of life")
    options = parser.parse_args()
    folder = Path(os.environ.get("CONFINED_SOCKETS") or Path(tempfile.gettempdir()) / "hemalens-sockets")
    if options.check:
        return _check(client.server_in(folder, options.name))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        server = _pictures(folder) if options.name == "pictures" else _paper(folder)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the setting to correct
        return 2
    server.serve()
    return 0


def _check(server: client.Client) -> int:
    try:
        server.ping(timeout=5.0)
    except client.ServerGone as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the container's health check
        return 1
    return 0


def _pictures(folder: Path) -> Server:
    from confined import pictures

    within = bounds.of_pictures(os.environ)
    return Server(listen(folder / "pictures.sock"), pictures.JOBS, within)


def _paper(folder: Path) -> Server:
    from confined import paper

    within = bounds.of_paper(os.environ)
    return Server(listen(folder / "paper.sock"), paper.JOBS, within, prepare=paper.prepare)


if __name__ == "__main__":
    sys.exit(main())
