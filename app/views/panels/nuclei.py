"""What became of the nuclei: a count per kind that leads from one to the next."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.rendering.palette import KIND_COLOUR, KIND_SENTENCE
from app.state.values import KINDS, Kind
from app.text.changes import KIND_WORD, describe_count, describe_partition
from app.text.format import DASH, counted
from app.views.widgets.dimming import set_dimmed
from app.views.widgets.type_legend import switch_icon
from core.metrics import NucleusChanges
from core.tables import TASKS
from core.tables.metrics import TaskName

CAPTIONS = KIND_WORD
_TIP = "Click to go to the next one, and to list only these."

_PATCH_TIP = (
    "Whether the pruned model gives a patch the class of the dense model. Click to go "
    "to the next one, and to list only these."
)


class NucleiBar(QWidget):
    """The row below the panes."""

    kindChosen = Signal(str)  # go to the next nucleus of this kind, and list them
    hiddenChosen = Signal(tuple)  # kinds that the difference overlay leaves out
    listAsked = Signal(bool)  # the list, or the network

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 8)
        column.setSpacing(4)
        self._chips = QWidget()
        row = QHBoxLayout(self._chips)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        column.addWidget(self._chips)
        self._task: TaskName = "nuclei"
        self._captions = dict(CAPTIONS)
        self._buttons: dict[Kind, QToolButton] = {}
        self._eyes: dict[Kind, QToolButton] = {}
        self._hidden: tuple[Kind, ...] = ()
        self._late, self._partition = "", " "
        for kind in KINDS:
            eye, button = self._chip(kind)
            chip = QHBoxLayout()
            chip.setSpacing(0)
            chip.addWidget(eye)
            chip.addWidget(button)
            row.addLayout(chip)
        row.addStretch(1)
        self._sum = QLabel(" ")
        self._sum.setProperty("role", "faint")
        self._sum.setToolTip(
            "Each nucleus of the dense model counts once. A part of a merge or split "
            "that is still found counts as kept."
        )
        self._sum.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._below = QWidget()
        self._below.setLayout(self._build_sum())
        column.addWidget(self._below)
        self._list = QToolButton()
        self._list.setText("List")
        self._list.setCheckable(True)
        self._list.setProperty("segment", "only")
        self._list.setToolTip("List the nuclei that changed, in place of the network.")
        self._list.toggled.connect(self.listAsked)
        row.addWidget(self._list)
        self._keep_room()
        self.set_changes(None)
        self.set_hidden((), offered=False)

    def _build_sum(self) -> QHBoxLayout:
        """Return the line of the sum, with what is hidden where something is."""
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._sum, 1)
        self._words = QLabel()
        row.addWidget(self._words)
        self._every = QToolButton()
        self._every.setText("Show all")
        self._every.setProperty("chip", "true")
        self._every.setToolTip("Show nuclei of every kind in the overlay again.")
        self._every.clicked.connect(lambda: self.hiddenChosen.emit(()))
        keep = self._every.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # the row is as high without it
        self._every.setSizePolicy(keep)
        row.addWidget(self._every)
        return row

    def _chip(self, kind: Kind) -> tuple[QToolButton, QToolButton]:
        eye = QToolButton()
        eye.setProperty("chip", "true")
        eye.setStyleSheet("padding: 3px")  # else the swatch shrinks to a dot
        eye.setCheckable(True)
        eye.setIcon(switch_icon(KIND_COLOUR[kind], hatched=kind == "lost"))
        eye.setIconSize(QSize(12, 12))
        eye.setFixedWidth(26)
        eye.setAccessibleName(f"Show nuclei: {CAPTIONS[kind]}")
        eye.setToolTip(f"Show or hide {CAPTIONS[kind]} nuclei in the overlay.")
        eye.toggled.connect(partial(self._on_eye, kind))
        button = QToolButton()
        button.setProperty("segment", "last")
        button.clicked.connect(lambda _=False: self.kindChosen.emit(kind))
        self._buttons[kind], self._eyes[kind] = button, eye
        return eye, button

    # Setters: silent

    def set_plain(self, on: bool) -> None:
        """Leave out the list and the sum, for an audience."""
        for widget in (self._list, self._below):
            widget.setVisible(not on)

    def set_task(self, task: TaskName) -> None:
        """Speak of nuclei or of patches: a patch keeps its class, or has another."""
        if task == self._task:
            return
        self._task = task
        words = TASKS[task]
        self._list.setToolTip(
            "List the nuclei that changed, in place of the network."
            if task == "nuclei"
            else "List the patches with their classes, in place of the network."
        )
        for kind in KINDS:
            there = task == "nuclei" or kind in ("kept", "retyped")
            self._buttons[kind].setVisible(there)
            self._eyes[kind].setVisible(there)
            self._captions[kind] = CAPTIONS[kind]
        if task == "patch":
            self._captions |= {"kept": words.same, "retyped": words.other}
        self._keep_room()

    def _keep_room(self) -> None:
        """Make chips wide enough for most counts, so that they stay in place."""
        for kind, button in self._buttons.items():
            digits = 3 if kind in ("kept", "lost") else 1
            words = button.text()
            button.ensurePolished()
            button.setText(f"{'0' * digits} {self._captions[kind]}")
            button.setMinimumWidth(button.sizeHint().width())
            button.setText(words)

    def set_changes(
        self, changes: NucleusChanges | None, *, types: bool = False
    ) -> None:
        """Show how many events there are of each kind, and the sum of all nuclei."""
        for kind, button in self._buttons.items():
            count = changes.count(kind) if changes else None
            shown = DASH if count is None else f"{count.events:,}"
            button.setText(f"{shown} {self._captions[kind]}")
            button.setEnabled(count is not None and count.events > 0)
            said = f"{describe_count(kind, count)}. " if count is not None else ""
            if self._task == "nuclei":
                button.setToolTip(f"{said}{KIND_SENTENCE[kind]} {_TIP}")
            else:
                button.setToolTip(_PATCH_TIP)
        self._partition = describe_partition(changes, self._task) if changes else " "
        self._write_sum()
        self._types = types
        self._buttons["retyped"].setVisible(types)
        self._eyes["retyped"].setVisible(types)

    def set_late(self, words: str) -> None:
        """Dim the counts and say whose they are, while they are of other settings."""
        self._late = words
        self._write_sum()
        set_dimmed(self._chips, bool(words))

    def _write_sum(self) -> None:
        """Write what became of all nuclei, and whose they are."""
        words, late = self._partition, self._late
        self._sum.setText(f"{late} · {words}" if late else words)

    def set_hidden(self, hidden: tuple[Kind, ...], *, offered: bool) -> None:
        """Mark the kinds that are left out; offered in the difference overlay only."""
        self._hidden = hidden
        for kind, eye in self._eyes.items():
            with QSignalBlocker(eye):
                eye.setChecked(kind not in hidden)
            eye.setEnabled(offered)
        names = ", ".join(CAPTIONS[kind] for kind in hidden)
        self._words.setText(f"{counted(len(hidden), 'kind')} hidden: {names}")
        for widget in (self._words, self._every):
            widget.setVisible(bool(hidden) and offered)

    def set_listed(self, on: bool) -> None:
        """Mark whether the list is on show."""
        with QSignalBlocker(self._list):
            self._list.setChecked(on)

    # What the user does

    def _on_eye(self, kind: Kind, shown: bool) -> None:
        others = [each for each in self._hidden if each != kind]
        hidden = others if shown else [*others, kind]
        self.hiddenChosen.emit(tuple(each for each in KINDS if each in hidden))
