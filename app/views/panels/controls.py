"""What is pruned, how, and how much of the model is left."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.state.repairs import misfits, uncounted
from app.state.values import ModelCard
from app.text import format as text
from app.views.widgets.advanced_form import AdvancedForm
from app.views.widgets.advice_bar import AdviceBar
from app.views.widgets.bars import Bar, Bars
from app.views.widgets.decimal_box import DecimalBox
from app.views.widgets.fitting import StillText
from app.views.widgets.pane_tabs import PaneTabs
from app.views.widgets.segments import Segments
from app.views.widgets.training_form import TrainingForm
from core.results import HeuristicInfo
from core.tables import COUNTS, MAX_SPARSITY, RECOVERIES, SCOPES
from core.types import Counts, PruneRequest, is_unstructured

LOCKS = (
    ("free", "Free", "Each pane has a sparsity of its own."),
    (
        "sparsity",
        "Same sparsity",
        "Moving the slider moves all panes to the same sparsity.",
    ),
    (
        "latency",
        "Same latency",
        "The other panes go to the sparsity that is as fast as the active pane, as "
        "predicted from what was measured.",
    ),
)
_STEPS = 1000
_COUNTED = (
    ("params", "Parameters"),
    ("macs", "Multiply-accumulates"),
    ("channels", "Channels"),
)
_BESIDE = (
    "This pane shows another model as it is. Any setting here prunes the open model "
    "in its place."
)
_SINGLE = "Unstructured (no speed-up from dense kernels)"


class Controls(QWidget):
    """The left column."""

    heuristicChosen = Signal(str)
    scopeChosen = Signal(str)
    countChosen = Signal(str)
    recoveryChosen = Signal(str)
    sparsityChosen = Signal(float)
    exploreAsked = Signal()
    paneChosen = Signal(int)  # place of the pane to edit
    paneAdded = Signal()
    lockChosen = Signal(str)  # free, sparsity or latency

    _request: PruneRequest | None = None  # on show

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sentences: dict[str, str] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 10, 12)
        column.setSpacing(6)
        self._name = _label("No model", "title")
        self._about = _label("", "faint")
        self._about.setWordWrap(True)
        column.addWidget(_label("MODEL", "section"))
        column.addWidget(self._name)
        column.addWidget(self._about)
        column.addWidget(_rule())
        self._panes = PaneTabs()
        self._panes.chosen.connect(self.paneChosen)
        self._panes.added.connect(self.paneAdded)
        column.addWidget(self._panes)
        self._add_heuristic(column)
        self._add_sparsity(column)
        self._add_recovery(column)
        column.addWidget(_rule())
        column.addWidget(_label("REMAINING SIZE", "section"))
        self._bars = Bars("Remaining size, of the dense model")
        column.addWidget(self._bars)
        column.addWidget(_label("LATENCY", "section"))
        self._latency = StillText(text.DASH)
        self._latency.setToolTip(
            "Dense and pruned network, timed in turns in a process of their own when "
            "the slider rests. The ratio is the trimmed mean of the ratios of paired "
            "calls, with its interval in brackets; the pruned time is the dense one "
            "over it."
        )
        column.addWidget(self._latency)
        self._warning = _label("", "faint")
        self._warning.setWordWrap(True)
        column.addWidget(self._warning)
        self.advice = AdviceBar()
        column.addWidget(self.advice)
        # Last, so that one more pane moves nothing.
        self._lock = Segments("What panes have in common", LOCKS)
        self._lock.chosen.connect(self.lockChosen)
        self._lock.hide()
        column.addWidget(self._lock)
        self.advanced = AdvancedForm()
        column.addWidget(self.advanced)
        column.addStretch(1)
        self._footer = self._build_footer()

    def _build_footer(self) -> QWidget:
        self._explore, self.training = self._build_primary(), TrainingForm()
        self.training.hide()
        footer = QWidget(self)
        rows = QVBoxLayout(footer)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(8)
        for widget in (self.training, self._explore):
            rows.addWidget(widget)
        return footer

    def _build_primary(self) -> QPushButton:
        button = QPushButton("Explore this curve", self)
        button.setProperty("role", "primary")
        button.setToolTip(
            "Tries a row of sparsities with these settings and fills the plots."
        )
        button.clicked.connect(self.exploreAsked)
        return button

    @property
    def primary(self) -> QWidget:
        """The action of the column; it stands below, and is never scrolled away.

        How a model is fine-tuned stands over it: there it moves none of the controls.
        """
        return self._footer

    def _add_heuristic(self, column: QVBoxLayout) -> None:
        column.addWidget(_label("HEURISTIC", "section"))
        self._heuristic = QComboBox()
        self._heuristic.setAccessibleName("Heuristic")
        self._heuristic.setToolTip("The rule that scores what may be removed.")
        self._heuristic.activated.connect(
            lambda index: self.heuristicChosen.emit(self._heuristic.itemData(index))
        )
        column.addWidget(self._heuristic)
        self._sentence = _label("", "faint")
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        # Two lines are kept free so that nothing jumps when the rule changes.
        self._sentence.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 2)
        column.addWidget(self._sentence)
        column.addWidget(_label("SCOPE", "section"))
        self._scope = Segments(
            "Scope", [(r.key, r.title, r.tip) for r in SCOPES.values()]
        )
        self._scope.chosen.connect(self.scopeChosen)
        column.addWidget(self._scope)

    def _add_sparsity(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        row.addWidget(_label("SPARSITY", "section"), 1)
        self._number = DecimalBox("Sparsity in per cent", 0.0, 100 * MAX_SPARSITY)
        self._number.setSuffix(" %")
        self._number.setKeyboardTracking(False)
        self._number.valueChanged.connect(
            lambda value: self.sparsityChosen.emit(value / 100)
        )
        row.addWidget(self._number)
        column.addLayout(row)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName("Sparsity")
        self._slider.setToolTip("Share of the dense model that is removed.")
        self._slider.setRange(0, round(MAX_SPARSITY * _STEPS))
        self._slider.setSingleStep(5)
        self._slider.setPageStep(50)
        self._slider.valueChanged.connect(
            lambda value: self.sparsityChosen.emit(value / _STEPS)
        )
        column.addWidget(self._slider)
        self._count = Segments(
            "Sparsity counts", [(r.key, r.title, r.tip) for r in COUNTS.values()]
        )
        self._count.chosen.connect(self.countChosen)
        column.addWidget(self._count)

    def _add_recovery(self, column: QVBoxLayout) -> None:
        column.addWidget(_label("RECOVERY", "section"))
        self._recovery = Segments(
            "Recovery", [(r.key, r.short, r.tip) for r in RECOVERIES.values()]
        )
        self._recovery.chosen.connect(self.recoveryChosen)
        column.addWidget(self._recovery)

    # Setters: silent

    def set_model(self, card: ModelCard | None) -> None:
        self._name.setText(card.name if card else "No model")
        self._about.setText(card.about if card else "")

    def set_heuristics(self, heuristics: tuple[HeuristicInfo, ...]) -> None:
        self._request = None  # the list is another: choose in it again
        with QSignalBlocker(self._heuristic):
            self._heuristic.clear()
            for heuristic in heuristics:
                if is_unstructured(heuristic.name):
                    self._add_group()
                index = self._heuristic.count()
                self._heuristic.addItem(heuristic.title, heuristic.name)
                tip = "\n".join(
                    part
                    for part in (heuristic.sentence, heuristic.paper, heuristic.needs)
                    if part
                )
                self._heuristic.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
                items = self._heuristic.model()
                if heuristic.needs and isinstance(items, QStandardItemModel):
                    items.item(index).setEnabled(False)
        self._sentences = {item.name: item.sentence for item in heuristics}

    def _add_group(self) -> None:
        """Head the heuristics that follow, once."""
        if self._heuristic.findText(_SINGLE) >= 0:
            return
        self._heuristic.insertSeparator(self._heuristic.count())
        self._heuristic.addItem(_SINGLE)
        items = self._heuristic.model()
        if isinstance(items, QStandardItemModel):
            items.item(self._heuristic.count() - 1).setEnabled(False)

    def set_request(self, request: PruneRequest) -> None:
        old, self._request = self._request, request
        with QSignalBlocker(self._slider), QSignalBlocker(self._number):
            self._slider.setValue(round(request.sparsity * _STEPS))
            self._number.setValue(request.sparsity * 100)
        if old is None or replace(old, sparsity=request.sparsity) != request:
            self._set_choices(request)  # a drag changes none of them

    def _set_choices(self, request: PruneRequest) -> None:
        with QSignalBlocker(self._heuristic):
            index = self._heuristic.findData(request.heuristic)
            self._heuristic.setCurrentIndex(index)
        sentence = self._sentences.get(request.heuristic, "")
        self._sentence.setText(_BESIDE if request.model else sentence)
        self._scope.set_choice(request.scope)
        self._count.set_reasons(uncounted(request.heuristic))
        self._recovery.set_reasons(misfits(request.heuristic))
        self._count.set_choice(request.count)
        self._recovery.set_choice(request.recovery)
        if request.training is not None:
            self.training.set_training(request.training)
        self.training.setVisible(request.training is not None)
        self.advanced.set_request(request)

    def set_panes(self, names: Sequence[str], active: int, *, full: bool) -> None:
        """Offer the panes, the active one pressed; ``full`` when no more fit."""
        self._panes.set_panes(names, active, full=full)
        self._lock.setVisible(len(names) > 1)

    def set_lock(self, lock: str) -> None:
        self._lock.set_choice(lock)

    def set_ready(self, ready: bool) -> None:
        """Allow what needs an open model."""
        for widget in (
            self._heuristic,
            self._scope,
            self._count,
            self._recovery,
            self.training,
            self.advanced,
            self._slider,
            self._number,
            self._explore,
            self._panes,
            self._lock,
        ):
            widget.setEnabled(ready)
        if ready:
            self._slider.setFocus()

    def set_exploring(self, left: int) -> None:
        """Show that an exploration runs, with ``left`` models to go."""
        self._explore.setText(f"Stop ({left} to go)" if left else "Explore this curve")

    def set_counts(
        self,
        dense: Counts | None,
        left: Counts | None,
        input_size: tuple[int, int] = (256, 256),
    ) -> None:
        """Show what is left, of the dense model's counts; None where it is unknown.

        ``input_size`` is what multiply-accumulates are counted for.
        """
        captions = {"macs": f"MACs {text.per_input(input_size)}"}
        self._bars.set_bars(
            tuple(
                _bar(
                    captions.get(name, caption),
                    getattr(dense, name) if dense else None,
                    getattr(left, name) if left else None,
                )
                for name, caption in _COUNTED
            )
        )

    def set_latency(self, words: str) -> None:
        """Show how fast the pruned network is."""
        self._latency.set_text(words)

    def set_advice(self, advice: Sequence[tuple[str, object]]) -> None:
        """Offer what could be done about the result, as buttons."""
        self.advice.set_advice(advice)

    def set_warnings(self, warnings: tuple[str, ...]) -> None:
        """Show what the pruning had to say, one sentence a line."""
        self._warning.setText("\n".join(warnings[:2]))
        self._warning.setToolTip("\n".join(warnings))


def _bar(caption: str, total: int | None, left: int | None) -> Bar:
    """Return the bar of one count, empty where what is left is not known."""
    if total is None:
        return Bar(caption, 0.0, text.DASH)
    if left is None:
        return Bar(caption, 0.0, f"{text.DASH} of {text.quantity(total)}")
    share = left / max(total, 1)
    words = f"{text.quantity(left)} of {text.quantity(total)}"
    return Bar(caption, share, f"{words}  ({text.percent(share)})")


def _label(words: str, role: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("role", role)
    return label


def _rule() -> QFrame:
    rule = QFrame()
    rule.setProperty("role", "rule")
    rule.setFixedHeight(1)
    return rule
