"""What the process that makes PDFs must not read."""

from pathlib import Path

import pytest

from confined import paper


def test_nothing_is_read_but_what_belongs_to_the_report(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    fetcher = paper._served_only({"report:qr": (b"<svg/>", "image/svg+xml")})
    assert fetcher.fetch("report:qr").read() == b"<svg/>"
    for address in (secret.as_uri(), "http://127.0.0.1:1/", "data:text/plain,x", "report:photograph/9"):
        with pytest.raises(ValueError, match="Not part of the report"):
            fetcher.fetch(address)
