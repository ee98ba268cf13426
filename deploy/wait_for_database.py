"""Wait until PostgreSQL answers at DATABASE_URL, at most DATABASE_WAIT_SECONDS (120); then say what it said last.

A database that cannot hold every text is refused at once.
"""

import os
import sys
import time

import psycopg


def _check_encoding(connection: psycopg.Connection) -> int:
    """Return 1, with words, where the database cannot hold every text: it would fail later, at the first °."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding == "UTF8":
        return 0
    sys.stderr.write(
        f"The database's encoding is {encoding}, which cannot hold every text. Create it again as UTF8: "
        "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.\n"
    )
    return 1


def main() -> int:
    """Return 0 as soon as a connection was made to a UTF-8 database, 1 at the deadline or to another."""
    patience = float(os.environ.get("DATABASE_WAIT_SECONDS") or 120)
    deadline = time.monotonic() + patience
    while True:
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
                return _check_encoding(connection)
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
