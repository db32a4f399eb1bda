"""The template of the report; everything that is put into it is escaped."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from core.printable import to_printable

_NAMES = ("page.html.jinja", "style.css")


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table of the report.

    Parameters
    ----------
    header
        Titles of the columns; nothing is shown when all are empty.
    rows
        Texts, as long as the header.
    kind
        ``"figures"`` stand right, ``"words"`` left.
    marked
        Number of the row that is emphasised, or -1.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: str = "figures"
    marked: int = -1


def fill_template(values: Mapping[str, object]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    values
        By the names that the template uses. Texts are escaped, and lose characters
        that cannot be seen; drawings of `app.plots.svg` are taken as they are.

    Raises
    ------
    jinja2.UndefinedError
        When a value is missing.
    """
    folder = files("app.export.report") / "templates"
    sources = {name: (folder / name).read_text(encoding="utf-8") for name in _NAMES}
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_NAMES[0]).render(values).lstrip()


def _shown(value: object) -> object:
    """Return a value as it may stand in the page."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return to_printable(value)
    return value
