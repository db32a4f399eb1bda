"""The box in which shares of single layers are typed, or read from a file."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.text.format import counted
from app.text.ratios import Ratios, read_ratios, write_ratios
from core.errors import InputError

_WIDTH = 460
_EXAMPLES = 3  # names of layers that are shown


class RatioBox(QDialog):
    """Asks for one layer and its share a line.

    Parameters
    ----------
    parent
        Qt owner.
    """

    chosen = Signal(tuple)  # pairs of a name and a share
    fileAsked = Signal()  # the shares stand in a file

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Ratio for each layer")
        self.setMinimumWidth(_WIDTH)
        self._layers: tuple[str, ...] = ()
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._text = QPlainTextEdit()
        self._text.setAccessibleName("Ratio for each layer")
        self._text.textChanged.connect(self._check)
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._said.setProperty("role", "faint")
        self._said.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 2)
        roles = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(roles.Ok | roles.Cancel)
        file = self._buttons.addButton(
            "From a file…", QDialogButtonBox.ButtonRole.ActionRole
        )
        file.clicked.connect(self.fileAsked)
        self._buttons.accepted.connect(self._accept)
        self._buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        for widget in (self._words, self._text, self._said, self._buttons):
            column.addWidget(widget)
        self._ratios: Ratios = ()
        self._check()

    def set_layers(self, layers: Sequence[str]) -> None:
        """Say which layers the open model has."""
        self._layers = tuple(layers)
        some = ", ".join(self._layers[:_EXAMPLES])
        self._words.setText(
            "One layer a line, with the share of its channels that is removed: "
            "NAME = 0.5. The beginning of a name stands for all its layers. "
            f"This model has {counted(len(self._layers), 'layer')}, such as {some}."
        )

    def ask(self, ratios: Ratios) -> None:
        """Open with some ratios."""
        self.set_text(write_ratios(ratios))
        self._check()
        self.open()

    def set_text(self, text: str) -> None:
        """Put the text of a file in the box."""
        self._text.setPlainText(text.strip())

    def _check(self) -> None:
        """Say what stands in the box, and allow only what can be used."""
        said, fits = "", True
        try:
            self._ratios = read_ratios(self._text.toPlainText(), self._layers)
            many = counted(len(self._ratios), "layer")
            said = f"{many} with a ratio." if self._ratios else "No layer has a ratio."
        except InputError as error:
            said, fits = str(error), False
        self._said.setText(said)
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(fits)

    def _accept(self) -> None:
        self.accept()
        self.chosen.emit(self._ratios)
