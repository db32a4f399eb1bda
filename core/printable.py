"""Names from files and from other people, made safe for what they are written into.

A name may hold markup, a formula, an escape sequence or characters that turn the
direction of the text. It is shown as what it is, and steers nothing.
"""

import re

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_FORMULA = ("=", "+", "-", "@")
_MARKDOWN = re.compile(r"([\\`*\[\]<>#|~&]|(?<!\w)_|_(?!\w))")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_TICKS = re.compile(r"`+")


def to_printable(text: str, instead: str = UNKNOWN) -> str:
    """Return text on one line, without characters that cannot be seen.

    Parameters
    ----------
    text
        Of any origin.
    instead
        Stands for each line end, escape, direction mark, character of zero width and
        byte of a file name that is no UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else instead for letter in text)


def to_cell(text: str) -> str:
    """Return text as a cell of a CSV file that no spreadsheet takes for a formula.

    A cell that would be one is given an apostrophe, by which spreadsheets mark text.
    Source: OWASP, CSV injection.
    """
    words = to_printable(text, " ")
    return f"'{words}" if words.lstrip()[:1] in _FORMULA and words.strip() else words


def to_markdown(text: str) -> str:
    """Return text as Markdown that shows just this text, also in a table."""
    return _MARKDOWN.sub(r"\\\1", to_printable(text))


def to_markdown_code(text: str) -> str:
    """Return text as Markdown code; backticks inside are fenced by more of them."""
    words = to_printable(text)
    longest = max((len(run) for run in _TICKS.findall(words)), default=0)
    fence = "`" * (longest + 1)
    space = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{space}{words}{space}{fence}"


def without_tags(markdown: str) -> str:
    """Return Markdown of somebody else without HTML and without invisible signs."""
    lines = (to_printable(line.replace("\t", "    ")) for line in markdown.split("\n"))
    return "\n".join(_TAG.sub("&lt;", line) for line in lines)
