"""gunicorn's settings. The command line wins over what is set here (``make run`` gives its own address and size)."""

import os
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108

bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
# Threads, because requests wait: for the database, for a slow upload, for the model's answer.
worker_class = "gthread"
workers = int(os.environ.get("HEMALENS_WEB_WORKERS") or 2)
threads = int(os.environ.get("HEMALENS_WEB_THREADS") or 4)
# A slow client's upload of 50 MB outlives this: with threads it is the worker's sign of life, not the request's limit.
timeout = 60
graceful_timeout = 25
keepalive = 5
# The sign of life is a file; on a disk, or a read-only root, writing it could block the worker.
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# django-structlog writes one line a request, with its id and the user's.
accesslog = None
errorlog = "-"
# Nobody steers gunicorn but its supervisor, and the socket would lie in the home folder.
control_socket_disable = True
