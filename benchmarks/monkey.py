"""Random driving of the real window: ``python -m benchmarks.monkey --minutes 30``.

Commands, controls, keys, plots, panes and drops, seeded, on an offscreen screen. An
uncaught exception, a window that does not answer for a minute, a pane that shows what
does not belong to what is named, growth of memory, or what is left behind is a finding.
At the end the row of ``docs/trust.md`` is printed.
"""

import argparse
import faulthandler
import gc
import logging
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.monkey_files import answer_boxes, write_files
from benchmarks.monkey_judge import find_lies

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.bootstrap import Application

MOST_MB = 100  # of growth
STUCK = 60  # seconds without an answer
_SETTLE = 120.0  # seconds in which everything that was asked for must be shown
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
    """

    def __init__(self, bench: "Application", folder: Path, seed: int) -> None:
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
        end = time.monotonic() + _SETTLE
        while time.monotonic() < end:
            QApplication.processEvents()
            if control.settled:
                return True
            time.sleep(0.005)
        self.findings.add(f"still busy after {_SETTLE:g} s with {store.state.work}")
        return False

    def check(self) -> None:
        """Compare what the panes show with what the state says of them."""
        if not self.settle():
            return
        self.checks += 1
        for words in find_lies(self.bench):
            self.findings.add(words)


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
    memory: Callable[[], float] | None = None,
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
    memory
        Megabytes in use; growth is judged after the first quarter.
    """
    monkey = Monkey(bench, folder, seed)
    answer_boxes(folder, monkey.chance)
    handler = _Log(monkey.findings)
    logging.getLogger().addHandler(handler)
    before = sys.excepthook
    sys.excepthook = lambda kind, error, trace: monkey.findings.add(
        "".join(__import__("traceback").format_exception(kind, error, trace))[-3000:]
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


def _in_use() -> float:
    import psutil

    from core.latency import release_memory

    gc.collect()
    release_memory()
    return float(psutil.Process().memory_info().rss) / 2**20


def _watch(beats: list[float]) -> None:
    """End the program, and say where it stands, when the window answers no more."""
    while True:
        time.sleep(1)
        if beats and time.monotonic() - beats[0] > STUCK + _SETTLE:
            faulthandler.dump_traceback()
            os._exit(3)


def _find_left(folder: Path, threads: set[int]) -> list[str]:
    """Return what a closed window has left behind."""
    import psutil

    names = [t.name for t in threading.enumerate() if t.ident not in threads]
    children = [p.name() for p in psutil.Process().children(recursive=True)]
    hidden = [str(p) for p in folder.rglob(".*") if p.is_file()]
    locks = [str(p) for p in folder.rglob("*.lock")]
    return [
        f"{what} left: {found}"
        for what, found in (
            ("threads", names),
            ("processes", children),
            ("hidden files", hidden),
            ("locks", locks),
        )
        if found
    ]


def main(arguments: list[str]) -> int:
    """Drive, judge, print; 1 when there are findings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monkey")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="unet-tiny")
    asked = parser.parse_args(arguments)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as name:
        for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(name) / kind.lower())
        return _run(asked, Path(name))


def _run(asked: argparse.Namespace, home: Path) -> int:
    from PySide6.QtWidgets import QApplication

    from app import bootstrap
    from app.state.session.settings import Settings

    app = QApplication(["monkey"])
    threads = {t.ident or 0 for t in threading.enumerate()}
    folder = home / "files"
    folder.mkdir()
    settings = Settings()
    bench = bootstrap.build(settings)
    kept = bootstrap.keep_session(bench, settings)
    bench.window.show()
    bench.controller.open(asked.model, "")
    while bench.store.state.opened is None or not bench.controller.settled:
        app.processEvents()
        time.sleep(0.01)
    begun = time.monotonic()
    beats, sizes = [begun], list[float]()
    threading.Thread(target=_watch, args=(beats,), daemon=True, name="watch").start()
    threads |= {t.ident or 0 for t in threading.enumerate() if t.name == "watch"}

    def goes_on(_: int) -> bool:
        beats[0] = time.monotonic()
        share = (beats[0] - begun) / (60 * asked.minutes)
        if share > 0.25 and not sizes:
            sizes.append(_in_use())
        return share < 1

    monkey = drive(bench, folder, asked.seed, goes_on)
    findings = monkey.findings
    grown = _in_use() - (sizes or [0.0])[0]
    if grown > MOST_MB:
        findings.add(f"memory grew by {grown:.0f} MB")
    bench.window.close_unasked()
    if kept is not None:
        kept.close()
    bench.engine.close()
    app.processEvents()
    for words in _find_left(home, threads):
        findings.add(words)
    for row in findings.rows:
        print(row[:400])
    print(dict(monkey.done))
    print(summarise(monkey, asked, grown))
    sys.stdout.flush()
    os._exit(1 if findings.rows else 0)


def summarise(monkey: Monkey, asked: argparse.Namespace, grown: float) -> str:
    """Return the row of ``docs/trust.md``."""
    wrong, today = len(monkey.findings.rows), datetime.now(UTC).date().isoformat()
    good = (
        "no exception, dead lock or pane that shows what it does not name, nothing left"
    )
    found = f"{wrong} findings" if wrong else good
    return (
        "| The window is driven at random: commands, controls, keys, plots, drops "
        f"| {monkey.findings.action:,} actions in {asked.minutes:g} min, "
        f"{monkey.checks} comparisons of panes and state, seed {asked.seed}, "
        f"on {today} | {found}; memory {grown:+.0f} MB after the first quarter | "
        f"`python -m benchmarks.monkey --minutes {asked.minutes:g} "
        f"--seed {asked.seed}` |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
