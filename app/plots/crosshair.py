"""The cross under the pointer, with the values there on both axes."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QPalette, QPen
from PySide6.QtWidgets import (
    QGraphicsLineItem,
    QGraphicsRectItem,
    QGraphicsScene,
    QGraphicsSimpleTextItem,
)

_ABOVE = 1000.0
_PAD = 3.0


class Crosshair:
    """Two thin lines and two labels, in pixels of the scene.

    Parameters
    ----------
    scene
        That they are drawn in, above everything.
    """

    def __init__(self, scene: QGraphicsScene) -> None:
        self._lines = (QGraphicsLineItem(), QGraphicsLineItem())
        self._labels = (_Label(), _Label())
        for item in (*self._lines, *self._labels):
            item.setZValue(_ABOVE)
            item.hide()
            scene.addItem(item)
        self._words = ("", "")

    @property
    def words(self) -> tuple[str, str]:
        """What the labels say: x and y; empty while there is no cross."""
        return self._words

    def set_looks(self, palette: QPalette, font: QFont) -> None:
        """Follow the theme and the font of the window."""
        colour = QColor(palette.text().color())
        colour.setAlpha(90)
        for line in self._lines:
            line.setPen(QPen(colour, 1))
        for label in self._labels:
            label.set_looks(palette, font)

    def show_at(self, place: QPointF, box: QRectF, words: tuple[str, str]) -> None:
        """Draw the cross.

        Parameters
        ----------
        place
            Where the pointer is.
        box
            The area of the chart.
        words
            Values of x and y there.
        """
        self._words = words
        x, y = round(place.x()) + 0.5, round(place.y()) + 0.5
        self._lines[0].setLine(x, box.top(), x, box.bottom())
        self._lines[1].setLine(box.left(), y, box.right(), y)
        across, up = self._labels
        across.set_words(words[0])
        left = min(x - across.width / 2, box.right() - across.width)
        across.setPos(max(left, box.left()), box.bottom() + 1)
        up.set_words(words[1])
        up.setPos(max(box.left() - up.width - 1, 0.0), y - up.height / 2)
        for item in (*self._lines, *self._labels):
            item.show()

    def hide(self) -> None:
        """Take it away."""
        if self._words != ("", ""):
            self._words = ("", "")
            for item in (*self._lines, *self._labels):
                item.hide()


class _Label(QGraphicsRectItem):
    """A short text on a ground of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._text = QGraphicsSimpleTextItem(self)
        self._text.setPos(_PAD, 0)

    @property
    def width(self) -> float:
        """In pixels."""
        return self.rect().width()

    @property
    def height(self) -> float:
        """In pixels."""
        return self.rect().height()

    def set_looks(self, palette: QPalette, font: QFont) -> None:
        self.setBrush(palette.text())
        self.setPen(QPen(palette.text().color(), 0))
        self._text.setBrush(palette.base())
        self._text.setFont(font)

    def set_words(self, words: str) -> None:
        if words != self._text.text():
            self._text.setText(words)
            size = self._text.boundingRect()
            self.setRect(0, 0, size.width() + 2 * _PAD, size.height())
