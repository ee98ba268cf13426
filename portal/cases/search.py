"""Full-text search over cases: how texts and queries are cut into words. The same expressions make the indexes.

Words are not reduced to stems (the configuration is *simple*): notes come in any language, and a search is by
beginnings of words anyway. Punctuation is blanked first, since PostgreSQL's parser would take ``P-0815`` for a
signed number and ``a.b`` for the name of a host, so that an accession's parts are words of their own.
"""

import re

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import F, Func, TextField, Value

CONFIG = "simple"
_MARKS = "-_./@+"
_ACCESSION_DIGITS = 6
#: PostgreSQL takes words of up to 2 kB; as the beginning of one this much finds it.
_LONGEST = 100


def document(*fields: str) -> SearchVector:
    """What a search looks through: the fields' words as one tsvector."""
    words = (
        Func(
            F(field), Value(_MARKS), Value(" " * len(_MARKS)), function="TRANSLATE", output_field=TextField()
        )
        for field in fields
    )
    return SearchVector(*words, config=CONFIG)


def query(entered: str) -> SearchQuery | None:
    """Every word that was entered, each as the beginning of one; None where there is no word.

    A number finds an accession without its leading zeros, too.
    """
    terms = [_term(word[:_LONGEST]) for word in re.findall(r"[^\W_]+", entered.lower())[:12]]
    return SearchQuery(" & ".join(terms), search_type="raw", config=CONFIG) if terms else None


def _term(word: str) -> str:
    if word.isascii() and word.isdigit():
        return f"('{word}':* | '{word.zfill(_ACCESSION_DIGITS)}')"
    return f"'{word}':*"
