"""Words for people that others translate: this package knows no language but English."""


def gettext_noop(words: str) -> str:
    """Mark words for translation; whoever shows them translates."""
    return words
