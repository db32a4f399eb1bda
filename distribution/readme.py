"""The README for sites that have none of the repository's files beside it."""

import re

_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def to_anywhere(text: str, address: str = "") -> str:
    """Return Markdown whose pictures and links work from wherever it is shown.

    Parameters
    ----------
    text
        Of the README; its pictures and links are relative to the repository.
    address
        Where the repository's files are, such as the address of raw files at a tag.
        Without one, a picture becomes its caption and a link its words: a site would
        show broken ones.
    """
    base = f"{address.rstrip('/')}/" if address else ""

    def picture(found: re.Match[str]) -> str:
        words, target = found.groups()
        if _is_absolute(target):
            return found[0]
        return f"![{words}]({base}{target})" if base else f"*Picture: {words}.*"

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        if _is_absolute(target) or target.startswith("#"):
            return found[0]
        return f"[{words}]({base}{target})" if base else words

    return _LINK.sub(link, _PICTURE.sub(picture, text))


def _is_absolute(target: str) -> bool:
    return target.startswith(("https://", "http://"))
