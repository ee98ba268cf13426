"""``python -m worker --queues=default,quick``: a Celery worker, with what every one of ours is started with."""

import sys

from worker.app import app

if __name__ == "__main__":
    # One instance has one or two workers: they have nothing to tell each other.
    app.worker_main(["worker", "--loglevel=info", "--without-gossip", "--without-mingle", *sys.argv[1:]])
