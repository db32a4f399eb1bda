"""The box in which the classes of a classifier are named."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

_WIDTH = 420


class ClassNamesBox(QDialog):
    """Asks for one name a line, in the order of the outputs.

    Parameters
    ----------
    names
        To begin with: as many as there are classes.
    place
        File in which they are kept.
    parent
        Qt owner.
    """

    chosen = Signal(tuple)  # names
    fileAsked = Signal()  # the names stand in a file

    def __init__(
        self, names: Sequence[str], place: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Names of classes")
        self.setMinimumWidth(_WIDTH)
        self._count = len(names)
        words = QLabel(
            f"One name a line, in the order of the {self._count} classes. They are "
            f"kept in {place} beside the model, where the command line finds them, too."
        )
        words.setWordWrap(True)
        self._text = QPlainTextEdit("\n".join(names))
        self._text.setAccessibleName("Names of classes")
        self._text.textChanged.connect(self._check)
        self._said = QLabel()
        self._said.setProperty("role", "faint")
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
        for widget in (words, self._text, self._said, self._buttons):
            column.addWidget(widget)
        self._check()

    def set_text(self, text: str) -> None:
        """Put the text of a file in the box."""
        self._text.setPlainText(text.strip())

    @property
    def names(self) -> tuple[str, ...]:
        """What stands in the box."""
        lines = (line.strip() for line in self._text.toPlainText().splitlines())
        return tuple(line for line in lines if line)

    def _check(self) -> None:
        found, wanted = len(set(self.names)), self._count
        fits = found == wanted == len(self.names)
        words = f"{found} different names for {wanted} classes."
        self._said.setText("" if fits else words)
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(fits)

    def _accept(self) -> None:
        self.accept()
        self.chosen.emit(self.names)
