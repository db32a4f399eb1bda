"""Actions of the window: each has a name, a key where it needs one, and a subject."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QToolBar, QToolButton, QWidget

Key = str | QKeySequence.StandardKey
SUBJECT = "subject"  # property: the heading of the sheet of keys


def action_of(
    owner: QWidget,
    caption: str,
    call: Callable[[], object],
    key: Key = "",
    subject: str = "",
) -> QAction:
    """Add an action to a window, reachable by its key everywhere in it.

    Parameters
    ----------
    owner
        The window.
    caption
        As menus, tooltips and the command palette show it.
    call
        What it does; Qt's "checked" argument does not reach it.
    key
        Shortcut; none when empty.
    subject
        Heading under which the sheet of keys lists it.
    """
    action = QAction(caption, owner)
    tip = caption.removesuffix("…")
    if key:
        action.setShortcut(key)
        tip += f" ({keys_of(action)})"
    action.setToolTip(tip)
    action.setProperty(SUBJECT, subject)
    action.triggered.connect(lambda _=False: call())
    owner.addAction(action)
    return action


def entry(menu: QMenu, caption: str, call: Callable[[], object]) -> QAction:
    """Add a line without a key to a menu."""
    action = menu.addAction(caption)
    action.triggered.connect(lambda _=False: call())
    return action


def menu_button(caption: str, tip: str, menu: QMenu) -> QToolButton:
    """Return a button of the toolbar that opens a menu."""
    button = QToolButton()
    button.setText(caption)
    button.setAccessibleName(caption)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolTip(tip)
    return button


def keys_of(action: QAction) -> str:
    """Return the shortcut of an action as it is printed on keyboards."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def all_actions(window: QObject) -> list[QAction]:
    """Return every action with a name once: those with keys first.

    Not among them are those that only open a menu, and Qt's own that hide toolbars.
    """
    own = {bar.toggleViewAction() for bar in window.findChildren(QToolBar)}
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
            row = keys_of(action), action.text().removesuffix("…")
            groups.setdefault(str(subject), []).append(row)
    return groups
