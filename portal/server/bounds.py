"""How long a client may take, and how much it may hold: seconds and bytes, counted by each process for itself."""

import os


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


#: Connections in all; beyond them the answer is 503.
CONNECTIONS = 500
#: Connections of one address, unless a proxy is in front: then all come from there, and it counts for itself.
CONNECTIONS_PER_ADDRESS = _number("WEB_CONNECTIONS_PER_ADDRESS", 100)
BEHIND_PROXY = os.environ.get("TRUST_PROXY_HEADERS", "").strip().lower() in ("1", "true", "yes", "on")

#: From the connection, or the first byte of a further request, to the end of its headers.
HEADER_SECONDS = _number("WEB_HEADER_SECONDS", 20)
#: The longest silence within a body.
STALL_SECONDS = _number("WEB_STALL_SECONDS", 20)
#: A whole body may take GRACE_SECONDS, and one second more for every SLOWEST_RATE bytes it declares.
GRACE_SECONDS = _number("WEB_BODY_SECONDS", 60)
SLOWEST_RATE = 16 * 1024
#: The longest that a client may take to read CHUNK bytes of its answer.
READ_SECONDS = _number("WEB_READ_SECONDS", 60)
CHUNK = 64 * 1024

IDLE_SECONDS = 5
STOP_SECONDS = 25

#: Of a body or an answer, what is kept in memory; the rest lies on the disk (TMPDIR) until it is used.
IN_MEMORY = 512 * 1024
#: Bodies of all requests together that have not been answered yet.
HELD_BYTES = 2 * 1024**3
#: What is still read and dropped after a body that was refused unread, so that its sender sees the answer.
DRAIN_SECONDS = 30
DRAIN_BYTES = 2 * 1024**3
