"""Light and dark: one palette and one short style sheet for the whole program.

Widgets draw with palette roles only, so nothing else knows which one is on.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QApplication

from app.rendering.screen import current_text_scale

_FAMILY = "Source Sans Pro"
ICON_SIZES = (16, 24, 32, 48, 64, 128, 256)
_SIZE = 14  # pixels of text


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, by what they are for."""

    window: str
    base: str
    pane: str
    raised: str
    line: str
    grid: str
    text: str
    faint: str
    accent: str
    on_accent: str


LIGHT = Tokens(
    window="#f4f5f7",
    base="#ffffff",
    pane="#e3e6ea",
    raised="#ffffff",
    line="#d0d5db",
    grid="#eceff2",
    text="#1c232b",
    faint="#5c6773",
    accent="#0072b2",
    on_accent="#ffffff",
)
DARK = Tokens(
    window="#1b1f24",
    base="#14171b",
    pane="#0e1114",
    raised="#262c33",
    line="#3a424c",
    grid="#23292f",
    text="#e6eaef",
    faint="#9aa5b1",
    accent="#3d9fe0",
    on_accent="#0b0e11",
)


def tokens_for(theme: str) -> Tokens:
    """Return the colours of a theme; ``system`` follows the desktop."""
    if theme == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return DARK if scheme == Qt.ColorScheme.Dark else LIGHT
    return DARK if theme == "dark" else LIGHT


def palette_of(tokens: Tokens) -> QPalette:
    """Return the Qt palette of a theme."""
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, colour in (
        (roles.Window, tokens.window),
        (roles.WindowText, tokens.text),
        (roles.Base, tokens.base),
        (roles.AlternateBase, tokens.grid),
        (roles.Text, tokens.text),
        (roles.Button, tokens.raised),
        (roles.ButtonText, tokens.text),
        (roles.ToolTipBase, tokens.raised),
        (roles.ToolTipText, tokens.text),
        (roles.PlaceholderText, tokens.faint),
        (roles.Highlight, tokens.accent),
        (roles.HighlightedText, tokens.on_accent),
        (roles.Link, tokens.accent),
        (roles.Light, tokens.raised),
        (roles.Midlight, tokens.grid),
        (roles.Mid, tokens.line),
        (roles.Dark, tokens.pane),
        (roles.Shadow, tokens.pane),
    ):
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        faint = QColor(tokens.faint)
        faint.setAlpha(130)
        palette.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return palette


def sheet_of(tokens: Tokens) -> str:
    """Return the style sheet of a theme: only what a palette cannot say."""
    # Qt takes pictures of style sheets from files only
    name = "check-light.svg" if tokens is LIGHT else "check-dark.svg"
    check = Path(str(files("resources") / "icons" / name)).as_posix()
    sheet = (files("resources") / "style.qss").read_text(encoding="utf-8")
    return Template(sheet).substitute(asdict(tokens), check=check)


@cache
def load_fonts() -> None:
    """Make the shipped typeface known to Qt, once."""
    folder = files("resources") / "fonts"
    for face in ("Regular", "Semibold"):
        data = (folder / f"SourceSansPro-{face}.ttf").read_bytes()
        QFontDatabase.addApplicationFontFromData(data)


def load_icon() -> QIcon:
    """Return the program's icon in all its sizes."""
    icon = QIcon()
    for size in ICON_SIZES:
        pixels = QPixmap()
        pixels.loadFromData(
            (files("resources") / "icons" / f"prunescope-{size}.png").read_bytes()
        )
        icon.addPixmap(pixels)
    return icon


def font(scale: float = 1.0) -> QFont:
    """Return the text font of the program."""
    load_fonts()
    chosen = QFont(_FAMILY)
    chosen.setPixelSize(round(_SIZE * scale))
    return chosen


def enlarge(sheet: str, scale: float) -> str:
    """Return a style sheet whose lengths are larger; thin lines stay thin."""

    def grow(found: re.Match[str]) -> str:
        pixels = int(found[1])
        return f"{pixels if pixels < 2 else round(pixels * scale)}px"

    return re.sub(r"(\d+)px", grow, sheet)


def follow(app: QApplication, chosen: Callable[[], str]) -> None:
    """Change with the desktop, as long as ``chosen`` says ``system``."""

    def change() -> None:
        if chosen() == "system":
            apply(app, "system")

    app.styleHints().colorSchemeChanged.connect(change)


def apply(app: QApplication, theme: str, scale: float | None = None) -> None:
    """Dress the whole program in ``light``, ``dark`` or what the desktop has.

    Parameters
    ----------
    app
        The program.
    theme
        ``light``, ``dark`` or ``system``.
    scale
        By how much text is enlarged; as the first screen needs it when left out.
    """
    tokens = tokens_for(theme)
    scale = current_text_scale() if scale is None else scale
    app.setStyle("Fusion")
    app.setFont(font(scale))
    app.setPalette(palette_of(tokens))
    app.setStyleSheet(enlarge(sheet_of(tokens), scale))
