"""The real services, started as the tests of the other parts use them."""

import os

import psycopg
import redis


def test_postgres_answers_and_speaks_utf8() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.info.server_version >= 180000


def test_valkey_keeps_messages_on_disk_and_asks_for_a_password() -> None:
    url = os.environ["BROKER_URL"]
    with redis.Redis.from_url(url) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    port = url.rpartition(":")[2].partition("/")[0]
    with redis.Redis(port=int(port)) as stranger:
        try:
            stranger.ping()
        except redis.AuthenticationError:
            return
    raise AssertionError("Valkey answered without a password")
