"""Room for messages and hints that is always kept, so that they move nothing."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRect, QSize
from PySide6.QtGui import QMoveEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_EDGE = 4  # pixels around a notice


class NoticeRow(QWidget):
    """An empty row over which notices lie; one that needs more room grows upwards.

    Parameters
    ----------
    notices
        The later ones lie over the earlier ones.
    parent
        In which the row lies, and the notices over it.
    """

    def __init__(self, notices: Sequence[QWidget], parent: QWidget) -> None:
        super().__init__(parent)
        self._ground, self._notices = parent, tuple(notices)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for notice in self._notices:
            notice.setParent(parent)
            notice.hide()
            notice.installEventFilter(self)

    def sizeHint(self) -> QSize:
        """Return room for one line with buttons beside it."""
        return QSize(0, self.fontMetrics().lineSpacing() + 22 + 2 * _EDGE)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Place a notice that is shown, or wants another size.

        Not when it is resized: its layout would then be given the sizes in the wrong
        order, and what stands in it would lie outside of it.
        """
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        for notice in self._notices:
            if notice.isHidden():
                continue
            room = self._ground.rect().adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
            least = self.sizeHint().height() - 2 * _EDGE
            wanted = notice.sizeHint().height()
            if notice.hasHeightForWidth():
                wanted = notice.heightForWidth(room.width())
            high = min(max(wanted, least), room.height())
            place = QRect(room.left(), room.bottom() + 1 - high, room.width(), high)
            if notice.geometry() != place:
                notice.setGeometry(place)
            notice.raise_()
