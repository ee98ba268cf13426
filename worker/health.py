"""``python -m worker.health worker|mail|beat``: whether the process in this container still reports that it works.

For health checks of containers. Asking the workers themselves (``celery inspect``) takes seconds and a broker
round trip; the heartbeat in the cache is there already, and vanishes by itself when its writer stops.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")


def main(arguments: list[str]) -> int:
    """Return 0 when the heartbeat is there, 1 when it is not, 2 when the question is not understood."""
    django.setup()
    from celery.utils.nodenames import default_nodename
    from django.core.cache import cache

    from portal.inference.selectors import BEAT_HEARTBEAT, WORKER_HEARTBEAT_PREFIX, unserved_queues

    keys = {
        "worker": WORKER_HEARTBEAT_PREFIX + default_nodename(""),
        "mail": WORKER_HEARTBEAT_PREFIX + default_nodename("mail@"),
        "beat": BEAT_HEARTBEAT,
    }
    if len(arguments) != 1 or arguments[0] not in keys:
        sys.stderr.write("usage: python -m worker.health worker|mail|beat\n")
        return 2
    key = keys[arguments[0]]
    sign = cache.get(key)
    if sign is None:
        sys.stderr.write(f"no heartbeat at {key}, or no cache to read it from\n")
        return 1
    if left := unserved_queues([sign]):
        sys.stderr.write(f"takes no messages from {', '.join(left)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
