"""Wait until PostgreSQL answers at DATABASE_URL, at most DATABASE_WAIT_SECONDS (120); then say what it said last."""

import os
import sys
import time

import psycopg


def main() -> int:
    """Return 0 as soon as a connection was made, 1 at the deadline."""
    patience = float(os.environ.get("DATABASE_WAIT_SECONDS") or 120)
    deadline = time.monotonic() + patience
    while True:
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5):
                return 0
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                sys.stderr.write(
                    f"PostgreSQL has not let us in for {patience:.0f} s: check that it runs and that "
                    f"POSTGRES_PASSWORD is the one its volume was made with. It said: {error}\n"
                )
                return 1
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
