"""Actions of a window as palette and sheet of keys list them."""

from collections.abc import Iterable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDockWidget, QToolBar

SUBJECT = "subject"  # property: the heading of the sheet of keys
HELD = "held"  # property: it lasts as long as its key is held


def keys_of(action: QAction) -> str:
    """Return the shortcut of an action as it is printed on keyboards."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def caption_of(action: QAction) -> str:
    """Return the words of an action, without Qt's signs for underlined letters."""
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")


def all_actions(window: QObject) -> list[QAction]:
    """Return every action with a name once: those with keys first.

    Not among them are those that only open a menu, and Qt's own that hide toolbars
    and docks.
    """
    own = {bar.toggleViewAction() for bar in window.findChildren(QToolBar)}
    own |= {dock.toggleViewAction() for dock in window.findChildren(QDockWidget)}
    found: dict[str, QAction] = {}
    for action in window.findChildren(QAction):
        named = action.text() and not action.isSeparator() and action.menu() is None
        if named and action not in own:
            found.setdefault(action.text(), action)
    return sorted(found.values(), key=lambda action: action.shortcut().isEmpty())


def by_subject(actions: Iterable[QAction]) -> dict[str, list[tuple[str, str]]]:
    """Return keys and what they do, under the headings of the sheet of keys."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in actions:
        subject = action.property(SUBJECT)
        if subject and not action.shortcut().isEmpty():
            row = keys_of(action), caption_of(action).removesuffix("…")
            groups.setdefault(str(subject), []).append(row)
    return groups
