"""Texts that fit where they stand, and that move nothing when they change."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget


class FittingLabel(QWidget):
    """Shows the first of several wordings that fits.

    Parameters
    ----------
    bold
        Drawn as a title rather than as a note.
    right
        Drawn at the right end.
    parent
        Qt owner.
    """

    def __init__(
        self, *, bold: bool = False, right: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._wordings: tuple[str, ...] = ("",)
        self._bold, self._right = bold, right
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._embolden()

    def _embolden(self) -> None:
        font = self.font()
        if self._bold and font.weight() != QFont.Weight.DemiBold:
            font.setWeight(QFont.Weight.DemiBold)
            self.setFont(font)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (
            QEvent.Type.ApplicationFontChange,
            QEvent.Type.FontChange,
        ):
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
        sides = Qt.AlignmentFlag
        side = sides.AlignRight if self._right else sides.AlignLeft
        words = self.fontMetrics().elidedText(
            self.wording, Qt.TextElideMode.ElideRight, self.width()
        )
        painter.drawText(self.rect(), int(side | sides.AlignVCenter), words)


class StillText(QWidget):
    """Wrapped text whose layout is asked again only when its height changes.

    A ``QLabel`` lays the whole window out anew for each text; while the slider is
    dragged, a predicted latency is a new text in each frame.

    Parameters
    ----------
    words
        The text.
    parent
        Qt owner.
    """

    def __init__(self, words: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._words = words
        self.setAccessibleName(words)

    @property
    def text(self) -> str:
        """What is written."""
        return self._words

    def set_text(self, words: str) -> None:
        """Write this; silent."""
        if words != self._words:
            before = self.heightForWidth(self.width())
            self._words = words
            self.setAccessibleName(words)
            if self.heightForWidth(self.width()) != before:
                self.updateGeometry()
            self.update()

    def heightForWidth(self, width: int) -> int:
        box = QRect(0, 0, width, _TALL)
        found = self.fontMetrics().boundingRect(box, _WRAPPED, self._words)
        return max(found.height(), self.fontMetrics().height())

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().height())

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(self.rect(), _WRAPPED, self._words)


_TALL = 10_000
_WRAPPED = int(
    Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
)
