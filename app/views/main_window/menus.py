"""Menu bar, toolbar and keys, made from the table of commands.

To read this file, start from `Menus`.
"""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from app.rendering.icons import build_icon
from app.state.events import Event
from app.state.values import SampleTitle
from app.views.main_window.commands.command import Command
from app.views.main_window.commands.files import (
    EXPORT,
    RECENT,
    RECENT_SESSIONS,
    SAMPLES,
    list_recent,
    list_recent_sessions,
    list_samples,
)
from app.views.main_window.commands.table import COMMANDS, MENUS
from app.views.main_window.signals import WindowSignals
from app.views.widgets.actions import HELD, SUBJECT

COLOURS = "View/Colours"
_BUTTONS = {
    SAMPLES: ("images", "Tiles and models that come with the program."),
    EXPORT: ("download", "Save the model, the masks, the report or the settings."),
}
_SHORT = ("edit.undo", "edit.redo", "view.controls", "view.plots")  # an icon alone


class Menus(QObject):
    """The commands of a window as actions.

    Parameters
    ----------
    window
        Whose menu bar is filled, and which owns the keys.
    samples, models
        Tiles and models that come with the program.
    """

    def __init__(
        self,
        window: WindowSignals,
        samples: Sequence[SampleTitle],
        models: Sequence[SampleTitle],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._menus: dict[str, QMenu] = {}
        self._buttons: dict[str, _MenuButton] = {}
        self.actions: dict[str, QAction] = {}
        for title in MENUS:
            self._menus[title] = window.menuBar().addMenu(title)
        for command in (*list_samples(samples, models), *COMMANDS):
            self._add(command)
        self._add_colours()
        self.toolbar = self._build_toolbar()
        self.draw_icons()
        self.set_recent(())
        self.set_recent_sessions(())

    def _add(self, command: Command) -> QAction:
        """Add one command to its menu."""
        menu = self._menu(command.menu)
        if command.rule and menu.actions():
            menu.addSeparator()
        action = _build_action(command, self._window)
        menu.addAction(action)
        self._window.addAction(action)  # its keys work while the menu is closed
        self.actions[command.name] = action
        return action

    def _menu(self, path: str) -> QMenu:
        """Return a menu by its path; a menu within is made when first needed."""
        if path not in self._menus:
            above, _, title = path.rpartition("/")
            self._menus[path] = self._menu(above).addMenu(title)
        return self._menus[path]

    def _add_colours(self) -> None:
        """Let one of the colours be ticked."""
        group = QActionGroup(self)
        for action in self._menu(COLOURS).actions():
            action.setCheckable(True)
            group.addAction(action)

    def _build_toolbar(self) -> QToolBar:
        """Return the toolbar: commands that are marked so, and two menus."""
        bar = QToolBar("Main", self._window)
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        groups: dict[str, list[QAction]] = {title: [] for title in MENUS}
        for command in COMMANDS:
            if command.bar:
                group = command.menu.partition("/")[0]
                groups[group].append(self.actions[command.name])
        bar.addActions(groups["File"])
        bar.setIconSize(QSize(20, 20))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for path, (name, tip) in _BUTTONS.items():
            self._buttons[name] = _MenuButton(self._menu(path), tip)
            bar.addWidget(self._buttons[name])
        bar.addSeparator()
        bar.addActions(groups["Edit"])
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        bar.addActions([*groups["Run"], *groups["View"]])
        for name in _SHORT:
            button = bar.widgetForAction(self.actions[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
                button.setAccessibleName(self.actions[name].text())
        return bar

    def draw_icons(self) -> None:
        """Draw the icons in the colours of the window."""
        palette = self._window.palette()
        for command in COMMANDS:
            if command.icon:
                icon = build_icon(command.icon, palette)
                self.actions[command.name].setIcon(icon)
        for name, button in self._buttons.items():
            button.setIcon(build_icon(name, palette))

    # Setters: silent

    def set_flags(self, flags: Collection[str]) -> None:
        """Allow and tick commands by what is the case, see `Command`."""
        for command in COMMANDS:
            action = self.actions[command.name]
            if command.enabled:
                action.setEnabled(command.enabled in flags)
            if command.checked:
                action.setChecked(command.checked in flags)

    def set_recent(self, paths: Sequence[str]) -> None:
        """List the tiles that were opened from files, the latest first."""
        self._fill(RECENT, list_recent(paths))

    def set_recent_sessions(self, paths: Sequence[str]) -> None:
        """List the sessions that were opened or saved, the latest first."""
        self._fill(RECENT_SESSIONS, list_recent_sessions(paths))

    def _fill(self, path: str, commands: Sequence[Command]) -> None:
        """Give a menu these commands, in the place of others."""
        menu = self._menu(path)
        for action in menu.actions():
            menu.removeAction(action)
            action.deleteLater()
        for command in commands:
            menu.addAction(_build_action(command, self._window))
        menu.setEnabled(bool(commands))

    def recent(self) -> tuple[QAction, ...]:
        """Return the commands that open the tiles opened last."""
        return tuple(self._menu(RECENT).actions())

    def recent_sessions(self) -> tuple[QAction, ...]:
        """Return the commands that open the sessions of last time."""
        return tuple(self._menu(RECENT_SESSIONS).actions())

    def set_theme(self, theme: str) -> None:
        """Tick one of the colours."""
        action = self.actions.get(f"view.{theme}")
        if action is not None:
            action.setChecked(True)


def _build_action(command: Command, window: WindowSignals) -> QAction:
    """Return a command as an action of the window."""
    # Qt takes a single & for the sign before a letter that is underlined.
    action = QAction(command.title.replace("&", "&&"), window)
    keys = command.keys.split()
    action.setShortcuts([QKeySequence(key) for key in keys])
    said = f" ({_native(keys[0])})" if keys else ""
    action.setIconVisibleInMenu(False)  # menus are read by their words
    action.setToolTip(f"{command.tip.removesuffix('.')}{said}.")
    action.setCheckable(bool(command.checked))
    action.setAutoRepeat(not command.held)
    action.setProperty(SUBJECT, command.menu.partition("/")[0])
    action.setProperty(HELD, command.held)
    chosen = command.action
    if isinstance(chosen, Event):
        action.triggered.connect(lambda _=False: window.asked.emit(chosen))
    else:
        action.triggered.connect(lambda _=False: chosen(window))
    return action


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


class _MenuButton(QToolButton):
    """A button of the toolbar that opens a menu."""

    left = Signal()

    def __init__(self, menu: QMenu, tip: str) -> None:
        super().__init__()
        self.setText(menu.title())
        self.setAccessibleName(menu.title())
        self.setMenu(menu)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip(tip)
        menu.aboutToHide.connect(self._unlight)

    def _unlight(self) -> None:
        """Look as before the menu opened, wherever the pointer went meanwhile."""
        self.setDown(False)
        if not self.rect().contains(self.mapFromGlobal(self.cursor().pos())):
            self.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
        self.update()
