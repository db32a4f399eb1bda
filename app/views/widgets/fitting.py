"""A line of text that says as much as there is room for, and never half a word."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget


class FittingLabel(QWidget):
    """Shows the first of several wordings that fits.

    Parameters
    ----------
    bold
        Drawn as a title rather than as a note.
    parent
        Qt owner.
    """

    def __init__(self, *, bold: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wordings: tuple[str, ...] = ("",)
        self._bold = bold
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._embolden()

    def _embolden(self) -> None:
        font = self.font()
        if self._bold and font.weight() != QFont.Weight.DemiBold:
            font.setWeight(QFont.Weight.DemiBold)
            self.setFont(font)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._embolden()
            self._keep_title()
        super().changeEvent(event)

    def set_wordings(self, wordings: Sequence[str]) -> None:
        """Show the longest of these that fits; silent.

        Parameters
        ----------
        wordings
            The longest first; it is also the tooltip and what is read aloud.
        """
        if tuple(wordings) != self._wordings:
            self._wordings = tuple(wordings) or ("",)
            self.setToolTip(self._wordings[0])
            self.setAccessibleName(self._wordings[0])
            self._keep_title()
            self.update()

    def _keep_title(self) -> None:
        """Never cut a title: layouts ignore the hints of what may shrink."""
        if self._bold:
            advance = self.fontMetrics().horizontalAdvance
            self.setMinimumWidth(min(map(advance, self._wordings)) + 1)

    @property
    def wording(self) -> str:
        """What is written at the present width."""
        metrics = self.fontMetrics()
        for words in self._wordings:
            if metrics.horizontalAdvance(words) <= self.width():
                return words
        return self._wordings[-1]

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._wordings[0]), metrics.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().height())

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        role = QPalette.ColorRole
        faint = self.palette().color(role.PlaceholderText)
        painter.setPen(self.palette().color(role.Text) if self._bold else faint)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect(), int(flags), self.wording)
