"""Light and dark: one palette and one short style sheet for the whole program.

Widgets draw with palette roles only, so nothing else knows which one is on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

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
    t = tokens
    # Qt takes pictures of style sheets from files only
    name = "check-light.svg" if tokens is LIGHT else "check-dark.svg"
    check = Path(str(files("resources") / "icons" / name)).as_posix()
    return f"""
    QToolTip {{ color: {t.text}; background: {t.raised};
        border: 1px solid {t.line}; padding: 4px; }}
    QCheckBox::indicator, QListView::indicator {{ width: 13px; height: 13px;
        border: 1px solid {t.faint}; border-radius: 3px; background: {t.base}; }}
    QCheckBox::indicator:checked, QListView::indicator:checked {{
        border-color: {t.accent}; background: {t.accent}; image: url("{check}"); }}
    QCheckBox::indicator:focus {{ border: 1px solid {t.text}; }}
    QCheckBox::indicator:disabled, QListView::indicator:disabled {{
        border-color: {t.line}; background: {t.window}; }}
    QSlider:horizontal {{ min-height: 18px; }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px;
        background: {t.line}; }}
    QSlider::sub-page:horizontal {{ border-radius: 2px; background: {t.accent}; }}
    QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -6px 0;
        border-radius: 8px; border: 2px solid {t.accent}; background: {t.base}; }}
    QSlider::handle:horizontal:focus {{ background: {t.accent};
        border-color: {t.text}; }}
    QSlider::sub-page:horizontal:disabled {{ background: {t.line}; }}
    QSlider::handle:horizontal:disabled {{ border-color: {t.line}; }}
    QToolBar {{ background: {t.window}; border: none;
        border-bottom: 1px solid {t.line}; padding: 4px 8px; spacing: 4px; }}
    QToolBar QToolButton {{ padding: 4px 10px; border-radius: 5px; border: none; }}
    QToolBar QToolButton:hover, QToolBar QToolButton:focus {{ background: {t.line}; }}
    QToolBar QToolButton:checked {{ background: {t.line}; }}
    QToolBar QToolButton::menu-indicator {{ image: none; }}
    QToolButton[segment] {{ background: {t.raised}; color: {t.text};
        border: 1px solid {t.line}; padding: 3px 4px; }}
    QToolButton[segment="first"] {{ border-top-left-radius: 5px;
        border-bottom-left-radius: 5px; }}
    QToolButton[segment="middle"] {{ border-left: none; }}
    QToolButton[segment="last"] {{ border-left: none; border-top-right-radius: 5px;
        border-bottom-right-radius: 5px; }}
    QToolButton[segment]:checked {{ background: {t.accent}; color: {t.on_accent};
        border-color: {t.accent}; }}
    QToolButton[segment]:disabled {{ color: {t.faint}; }}
    QToolButton[segment]:checked:disabled {{ background: {t.line};
        border-color: {t.line}; }}
    QToolButton[segment]:focus {{ border: 1px solid {t.text}; }}
    QToolButton[chip="true"] {{ background: {t.raised}; color: {t.text};
        border: 1px solid {t.line}; border-radius: 5px; padding: 3px 8px; }}
    QToolButton[chip="true"]:hover, QToolButton[chip="true"]:focus {{
        border-color: {t.accent}; }}
    QToolButton[chip="true"]:disabled {{ color: {t.faint}; }}
    QToolButton[role="axis"] {{ color: {t.faint}; border: none; padding: 0 2px; }}
    QToolButton[role="axis"]:hover, QToolButton[role="axis"]:focus {{
        color: {t.text}; }}
    QToolButton[role="axis"]::menu-indicator {{ image: none; }}
    QToolButton[role="legend"] {{ color: {t.faint}; border: none; padding: 1px 4px;
        border-radius: 4px; text-decoration: line-through; }}
    QToolButton[role="legend"]:checked {{ color: {t.text}; background: none;
        text-decoration: none; }}
    QToolButton[role="legend"]:hover, QToolButton[role="legend"]:focus {{
        background: {t.line}; }}
    QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent};
        border: 1px solid {t.accent}; border-radius: 5px; padding: 6px 12px;
        font-weight: 600; }}
    QPushButton[role="primary"]:hover, QPushButton[role="primary"]:focus {{
        border-color: {t.text}; }}
    QPushButton[role="primary"]:disabled {{ background: {t.line};
        border-color: {t.line}; color: {t.faint}; }}
    QPushButton:checked {{ background: {t.accent}; color: {t.on_accent};
        border: 1px solid {t.accent}; border-radius: 4px; }}
    QDialog#palette {{ border: 1px solid {t.line}; }}
    QLabel[role="key"] {{ color: {t.faint}; }}
    QLabel[role="section"] {{ color: {t.faint}; font-size: 12px; }}
    QLabel[role="title"] {{ font-weight: 600; }}
    QLabel[role="faint"], QCheckBox[role="faint"] {{ color: {t.faint}; }}
    QLabel[role="big"] {{ font-size: 30px; font-weight: 600; }}
    QLabel[role="story"] {{ font-size: 17px; color: {t.faint}; }}
    QFrame[role="rule"] {{ background: {t.line}; max-height: 1px; border: none; }}
    QLabel[role="failure"] {{ background: {t.raised}; border: 1px solid {t.line};
        border-left: 3px solid #d55e00; padding: 5px 8px; }}
    QFrame[role="message"] {{ background: {t.raised}; border: 1px solid {t.line};
        border-left: 4px solid #d55e00; border-radius: 4px; }}
    QFrame[role="message"][kind="info"] {{ border-left-color: {t.accent}; }}
    QFrame[role="message"][kind="warning"] {{ border-left-color: #e69f00; }}
    QStatusBar {{ border-top: 1px solid {t.line}; }}
    QStatusBar::item {{ border: none; }}
    QProgressBar {{ background: {t.line}; border: none; border-radius: 3px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
    QScrollBar {{ background: transparent; border: none; margin: 0; }}
    QScrollBar:vertical {{ width: 10px; }}
    QScrollBar:horizontal {{ height: 10px; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 28px; }}
    QScrollBar::handle:horizontal {{ min-width: 28px; }}
    QScrollBar::handle:hover {{ background: {t.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}
    QMenuBar {{ background: {t.window}; padding: 2px 6px; }}
    QMenuBar::item {{ padding: 3px 8px; border-radius: 4px; background: none; }}
    QMenuBar::item:selected {{ background: {t.line}; }}
    QSplitter::handle {{ background: {t.window}; }}
    QScrollArea {{ border: none; }}
    """


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
