"""The box in which a model is chosen, with its card."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.state.session.model_choices import GROUPS, ModelChoice

_SIZE = 900, 580
_LIST = 330
_MARGIN = 12
_CHOICE = Qt.ItemDataRole.UserRole


class ModelBox(QDialog):
    """Models by where they come from; the card of the one that is marked.

    Parameters
    ----------
    choices
        In the order of their groups.
    current
        Source of the open model, marked at first.
    beside
        Whether a model can be shown beside the open one.
    parent
        Qt owner.
    """

    chosen = Signal(str)  # source to open
    besideChosen = Signal(str)  # source to show beside the open model
    fileAsked = Signal()
    folderAsked = Signal()
    networkAsked = Signal()  # a network of the user's own

    def __init__(
        self,
        choices: Sequence[ModelChoice],
        current: str = "",
        *,
        beside: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Choose a model")
        self.resize(*_SIZE)
        self._beside_possible, self._current = beside, current
        self._list = QListWidget()
        self._list.setAccessibleName("Models")
        self._card = QTextBrowser()
        self._card.setAccessibleName("Card of the model")
        self._card.setOpenExternalLinks(True)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self._list)
        split.addWidget(self._card)
        split.setSizes([_LIST, _SIZE[0] - _LIST])
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 14)
        column.setSpacing(12)
        column.addWidget(split, 1)
        column.addLayout(self._buttons())
        self._fill(choices, current)
        self._list.currentItemChanged.connect(lambda *_: self._show())
        self._list.itemActivated.connect(lambda _: self._accept())
        self._show()
        self._list.setFocus()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        file = QPushButton("Open file…")
        file.setToolTip("Open a model from a file.")
        file.clicked.connect(lambda: self._ask(self.fileAsked))
        folder = QPushButton("Open folder…")
        folder.setToolTip(
            "Open a model from its folder, as save_pretrained and bundles write it."
        )
        folder.clicked.connect(lambda: self._ask(self.folderAsked))
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        self._beside = QPushButton("Show beside")
        self._beside.setToolTip(
            "Show what this model finds in a pane of its own, beside the open one."
        )
        self._beside.clicked.connect(self._accept_beside)
        self._open = QPushButton("Open")
        self._open.setToolTip("Open this model in the place of the open one.")
        self._open.setDefault(True)
        self._open.clicked.connect(self._accept)
        row.addWidget(file)
        own = QPushButton("Own network…")
        own.setToolTip("Open a network whose Python code you have, after a question.")
        own.clicked.connect(lambda: self._ask(self.networkAsked))
        row.addWidget(folder)
        row.addWidget(own)
        row.addStretch(1)
        for button in (cancel, self._beside, self._open):
            row.addWidget(button)
        return row

    def _fill(self, choices: Sequence[ModelChoice], current: str) -> None:
        """List the models under the headings of their groups."""
        group = ""
        for choice in choices:
            if choice.group != group:
                group = choice.group
                self._list.addItem(_heading(GROUPS[choice.group]))
            item = QListWidgetItem(f"   {choice.title}")
            item.setData(_CHOICE, choice)
            self._list.addItem(item)
            if choice.source == current and self._list.currentRow() < 0:
                self._list.setCurrentItem(item)
        if self._list.currentRow() < 0 and self._list.count() > 1:
            self._list.setCurrentRow(1)

    @property
    def choice(self) -> ModelChoice | None:
        """The model that is marked."""
        if self._list.currentRow() < 0:
            return None
        found = self._list.currentItem().data(_CHOICE)
        return found if isinstance(found, ModelChoice) else None

    def _show(self) -> None:
        choice = self.choice
        self._card.setMarkdown(choice.card if choice else "")
        self._card.document().setDocumentMargin(_MARGIN)
        there = choice is not None and bool(choice.source)
        self._open.setEnabled(there)
        other = choice is not None and choice.source != self._current
        self._beside.setEnabled(there and other and self._beside_possible)

    def _accept(self) -> None:
        choice = self.choice
        if choice is not None and choice.source:
            self.accept()
            self.chosen.emit(choice.source)

    def _accept_beside(self) -> None:
        choice = self.choice
        if choice is not None and choice.source:
            self.accept()
            self.besideChosen.emit(choice.source)

    def _ask(self, signal: SignalInstance) -> None:
        self.accept()
        signal.emit()


def _heading(words: str) -> QListWidgetItem:
    """Return a heading, which cannot be marked."""
    item = QListWidgetItem(words)
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    font = item.font()
    font.setBold(True)
    item.setFont(font)
    return item
