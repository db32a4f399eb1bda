"""Actions that drive the real window at random, and the checks between them."""

import logging
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.monkey_files import answer_boxes, write_files
from benchmarks.monkey_judge import find_lies

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.bootstrap import Application

STUCK = 60  # seconds without an answer
SETTLE = 120.0  # seconds of processor time in which all that was asked for is shown
IDLE = 60.0  # seconds that pass without any use of the processor: a dead lock
_MOVED = 0.5  # seconds of processor time that are work
_CHECK_EVERY = 20  # actions
_SIZES = ((1024, 700), (1280, 800), (1366, 768), (1920, 1080))
# these leave, or need somebody who watches
_LEFT_OUT = frozenset({"quit", "view.full"})


@dataclass
class Findings:
    """What went wrong, with the number of the action after which it was seen."""

    rows: list[str] = field(default_factory=list)
    action: int = 0
    last: str = ""

    def add(self, words: str) -> None:
        """Note something that went wrong."""
        self.rows.append(f"after action {self.action} ({self.last}): {words}")
        print(self.rows[-1], flush=True)


class _Log(logging.Handler):
    """Takes errors of the log for findings: nobody sees those of a thread."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.ERROR)
        self._findings = findings

    def emit(self, record: logging.LogRecord) -> None:
        self._findings.add(record.getMessage()[-3000:])


class Monkey:
    """Drives one window.

    Parameters
    ----------
    bench
        A window and what is behind it.
    folder
        Of files to open, and for exports.
    seed
        Of all choices.
    beats
        Its only item is set to the time whenever the window answers.
    """

    def __init__(
        self, bench: "Application", folder: Path, seed: int, beats: list[float]
    ) -> None:
        self.beats = beats
        self.bench, self.folder = bench, folder
        self.chance = random.Random(seed)
        self.findings = Findings()
        self.done = Counter[str]()
        self.checks = 0
        self._files = write_files(folder)
        actions: list[tuple[int, Callable[[], str]]] = [
            (6, self._command),
            (6, self._control),
            (3, self._key),
            (4, self._mouse),
            (1, self._drop),
            (1, self._resize),
        ]
        self._actions = [each for weight, each in actions for _ in range(weight)]

    def act(self) -> None:
        """Do one thing, and let the window answer."""
        from PySide6.QtWidgets import QApplication

        self.findings.action += 1
        action = self.chance.choice(self._actions)
        self.findings.last = action.__name__.strip("_")
        self.findings.last = action() or self.findings.last
        self.done[action.__name__.strip("_")] += 1
        end = time.monotonic() + self.chance.choice((0.0, 0.0, 0.01, 0.1, 0.4))
        QApplication.processEvents()
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.002)
        self._close_boxes()

    # Actions: each returns what it did

    def _command(self) -> str:
        actions = self.bench.window.menus.actions
        names = sorted(set(actions) - _LEFT_OUT)
        name = self.chance.choice([n for n in names if actions[n].isEnabled()])
        self.findings.last = name
        actions[name].trigger()
        return name

    def _control(self) -> str:
        from PySide6.QtWidgets import (
            QAbstractSlider,
            QAbstractSpinBox,
            QComboBox,
            QLineEdit,
        )

        found = self._shown()
        if not found:
            return "no control"
        widget = self.chance.choice(found)
        name = f"{type(widget).__name__} {widget.accessibleName() or widget.toolTip()}"
        self.findings.last = name[:80]
        if isinstance(widget, QComboBox):
            if widget.count():
                place = self.chance.randrange(widget.count())
                widget.setCurrentIndex(place)
                widget.activated.emit(place)
        elif isinstance(widget, QAbstractSlider):
            low, high = widget.minimum(), widget.maximum()
            widget.setValue(self.chance.randint(low, high))
        elif isinstance(widget, QAbstractSpinBox):
            widget.stepBy(self.chance.choice((-7, -1, 1, 7)))
        elif isinstance(widget, QLineEdit):
            widget.setText(self.chance.choice(("", "l2", "0.5", "no such", "<b>")))
        else:
            widget.click()
        return self.findings.last

    def _shown(self) -> list[Any]:
        """Return the controls that a user could use now, in a stable order."""
        from PySide6.QtWidgets import (
            QAbstractButton,
            QAbstractSlider,
            QAbstractSpinBox,
            QComboBox,
            QLineEdit,
            QScrollBar,
            QToolButton,
        )

        kinds = (
            QAbstractButton,
            QComboBox,
            QAbstractSlider,
            QAbstractSpinBox,
            QLineEdit,
        )
        found = []
        for widget in self.bench.window.findChildren(_widget()):
            if not isinstance(widget, kinds) or isinstance(widget, QScrollBar):
                continue
            if isinstance(widget, QToolButton) and widget.menu() is not None:
                continue  # waits for a choice
            if widget.isVisible() and widget.isEnabled():
                found.append(widget)
        return found

    def _key(self) -> str:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        key = self.chance.choice("BDFGHMSTVZ[]+-1234567890")
        modifier = self.chance.choice(
            (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        )
        self.findings.last = f"key {key}"
        focus = self.bench.window.focusWidget() or self.bench.window
        QTest.keyClick(focus, key, modifier)
        if key == "B":
            QTest.keyRelease(focus, key)
        return self.findings.last

    def _mouse(self) -> str:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        window = self.bench.window
        views = [*window.viewer.panes, *window.plots.findChildren(_widget())]
        views = [one for one in views if one.isVisible() and one.width() > 4]
        view = self.chance.choice(views) if views else window.viewer
        size = max(view.width(), 1), max(view.height(), 1)
        places = [QPoint(*map(self.chance.randrange, size)) for _ in range(3)]
        self.findings.last = f"mouse on {type(view).__name__}"
        if _opens_menu(view):
            return "nothing"
        QTest.mouseMove(view, places[0])
        if self.chance.random() < 0.5:
            QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=places[0])
        else:
            QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=places[0])
            QTest.mouseMove(view, places[1])
            QTest.mouseMove(view, places[2])
            QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=places[2])
        return self.findings.last

    def _drop(self) -> str:
        from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
        from PySide6.QtGui import QDropEvent

        names = self.chance.sample(self._files, self.chance.choice((1, 1, 2)))
        data = QMimeData()
        data.setUrls([QUrl(n) if "://" in n else QUrl.fromLocalFile(n) for n in names])
        self.findings.last = f"drop {[Path(n).name for n in names]}"
        self.bench.window.dropEvent(
            QDropEvent(
                QPointF(9, 9),
                Qt.DropAction.CopyAction,
                data,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            )
        )
        return self.findings.last

    def _resize(self) -> str:
        self.bench.window.resize(*self.chance.choice(_SIZES))
        return "resize"

    def _close_boxes(self) -> None:
        """Close what stands in the way, most of the time."""
        from PySide6.QtWidgets import QApplication, QDialog

        for widget in QApplication.topLevelWidgets():
            if widget is self.bench.window or not widget.isVisible():
                continue
            if self.chance.random() < 0.7:
                widget.reject() if isinstance(widget, QDialog) else widget.close()

    # Judging

    def settle(self) -> bool:
        """Wait until everything that was asked for is shown; False if it never is."""
        from PySide6.QtWidgets import QApplication

        from app.state import events

        store, control = self.bench.store, self.bench.controller
        store.dispatch(events.WorkCancelled())  # trainings would take minutes
        store.dispatch(events.Resumed())
        begun = used = measure_processor_time()
        moved = time.monotonic()
        while used - begun < SETTLE and time.monotonic() - moved < IDLE:
            for _ in range(20):
                QApplication.processEvents()
                self.beats[0] = time.monotonic()
                if control.settled:
                    return True
                time.sleep(0.005)
            now = measure_processor_time()
            if now - used > _MOVED:
                used, moved = now, time.monotonic()
        words = f"still busy after {used - begun:.0f} s of processor time"
        self.findings.add(f"{words} with {store.state.work}")
        return False

    def check(self) -> None:
        """Compare what the panes show with what the state says of them."""
        if not self.settle():
            return
        self.checks += 1
        for words in find_lies(self.bench):
            self.findings.add(words)


def measure_processor_time() -> float:
    """Return seconds that this process and those it started have used by now."""
    import psutil

    used = 0.0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            used += sum(process.cpu_times()[:2])
    return used


def _widget() -> "type[QWidget]":
    from PySide6.QtWidgets import QWidget

    return QWidget


def _opens_menu(view: Any) -> bool:
    """Return whether a click waits for a choice."""
    menu = getattr(view, "menu", None)
    return callable(menu) and menu() is not None


def drive(
    bench: "Application",
    folder: Path,
    seed: int,
    goes_on: Callable[[int], bool],
    beats: list[float],
) -> Monkey:
    """Drive a window that has something open.

    Parameters
    ----------
    bench
        A window and what is behind it.
    folder
        For files.
    seed
        Of all choices.
    goes_on
        Asked with the number of actions so far.
    beats
        Its only item is set to the time whenever the window answers.
    """
    monkey = Monkey(bench, folder, seed, beats)
    answer_boxes(folder, monkey.chance)
    handler = _Log(monkey.findings)
    logging.getLogger().addHandler(handler)
    before = sys.excepthook
    sys.excepthook = lambda kind, error, trace: monkey.findings.add(
        "".join(traceback.format_exception(kind, error, trace))[-3000:]
    )
    try:
        while goes_on(monkey.findings.action):
            monkey.act()
            if monkey.findings.action % _CHECK_EVERY == 0:
                monkey.check()
        monkey.check()
    finally:
        sys.excepthook = before
        logging.getLogger().removeHandler(handler)
    return monkey
