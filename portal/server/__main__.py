"""``python -m portal.server``: serve on HOST and PORT with HEMALENS_WEB_WORKERS processes until stopped.

With HEMALENS_RELOAD=1 it is one process, which restarts when the source changes; requests wait in the meantime.
"""

import os

import uvicorn

from portal.server import bounds


def main() -> None:
    """Run the processes; SIGTERM and SIGINT let the requests under way end first."""
    reload = os.environ.get("HEMALENS_RELOAD") == "1"
    uvicorn.run(
        "portal.server.application:application",
        host=os.environ.get("HOST") or "127.0.0.1",
        port=int(os.environ.get("PORT") or 8000),
        workers=1 if reload else int(os.environ.get("HEMALENS_WEB_WORKERS") or 2),
        reload=reload,
        reload_dirs=["portal", "smear", "confined"] if reload else None,
        http="portal.server.protocol:BoundedProtocol",
        ws="none",
        lifespan="on",
        loop="asyncio",
        # Whose address counts is for Django to say (TRUST_PROXY_HEADERS).
        proxy_headers=False,
        server_header=False,
        # The portal logs as its settings say, and writes one line a request itself, with its id and the user's.
        log_config=None,
        access_log=False,
        limit_concurrency=bounds.CONNECTIONS,
        timeout_keep_alive=bounds.IDLE_SECONDS,
        timeout_graceful_shutdown=bounds.STOP_SECONDS,
        # A process that is busy decoding on a full machine answers late; it is not to be killed for that.
        timeout_worker_healthcheck=60,
    )


if __name__ == "__main__":
    main()
