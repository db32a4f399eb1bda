"""Names of files that belong together.

macOS writes accents as separate characters (NFD), everyone else as one (NFC): both
are the same name.
"""

import unicodedata


def plain_name(name: str) -> str:
    """Return a name in the one form by which names are compared."""
    return unicodedata.normalize("NFC", name)


def same_name(first: str, second: str) -> bool:
    """Whether two names are the same whatever their Unicode form."""
    return plain_name(first) == plain_name(second)
