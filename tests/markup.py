"""Pages as text, whatever lines their templates are broken into."""

import re


def tight(html: str) -> str:
    """The page without white space beside its tags and with single blanks elsewhere."""
    return re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s+", " ", html))
