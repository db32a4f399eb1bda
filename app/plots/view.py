"""A live chart: a `Chart` drawn by pyqtgraph.

The only modules that import pyqtgraph are this one and those that it imports; it
is loaded after the window is on screen, see `app.plots.loading`.
To read this file, start from `ChartView.set_chart`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGraphicsRectItem, QLabel, QToolTip, QWidget

from app.plots.axis_item import ChartAxis
from app.plots.chart import Axis, Chart, Point
from app.plots.crosshair import Crosshair
from app.plots.decorations import Decorations
from app.plots.scales import limits, position, spoken, value_at
from app.plots.series_items import CurveItems, StrongMarks, WeakMarks, places

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEAR = 10.0  # pixels within which a point is meant
_STILL = 4.0  # pixels that a hand may move during a click
_DEEPEST = 1e-5  # of the whole: the smallest part that can be looked at
_ZOOM = 1.25  # of one key press
Limits = tuple[float, float, float, float]


class _Box(pg.ViewBox):
    """The area of the points: the wheel zooms, a drag pans."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.disableAutoRange()
        self.setDefaultPadding(0.0)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        if ev.button() == Qt.MouseButton.RightButton:
            ev.ignore()  # the menu is there
        else:
            super().mouseDragEvent(ev, axis)


def _sentence(viewport: QWidget) -> QLabel:
    """Return what is written while there is no point."""
    label = QLabel(viewport)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setProperty("role", "faint")
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return label


class ChartView(pg.GraphicsView):
    """Draws charts and tells what is done to their points.

    Parameters
    ----------
    parent
        Qt owner.
    """

    chosen = Signal(object)  # key of a point that was clicked or stepped to
    hovered = Signal(object)  # key of the point under the pointer, None when it leaves
    menuAsked = Signal(QPoint)  # global position

    _built = False  # pyqtgraph sends events before the parts are there

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.setAntialiasing(True)  # of plain Qt items; others say what they need
        self._chart = Chart("", "", Axis(""), Axis(""))
        self._limits: Limits = (0.0, 1.0, 0.0, 1.0)
        self._zoomed = False
        self._hovered: Point | None = None
        self._pressed: QPointF | None = None
        self._places: NDArray[np.float64] | None = None  # when they are asked for
        self._points: list[Point] = []
        self._curves: list[CurveItems] = []
        layout = pg.GraphicsLayout()
        layout.setContentsMargins(0, 4, 18, 0)
        layout.setSpacing(0)
        self.setCentralItem(layout)
        self._box = _Box()
        self._axes = (ChartAxis("bottom"), ChartAxis("left"))
        layout.addItem(self._axes[1], 0, 0)
        layout.addItem(self._box, 0, 1)
        layout.addItem(self._axes[0], 1, 1)
        for axis in self._axes:
            axis.linkToView(self._box)
            axis.setZValue(-1000)  # the grid lies below the points
            self._box.sigResized.connect(axis.renew_cache)
        self._ground = QGraphicsRectItem()
        self._ground.setZValue(-2000)
        self._ground.setPen(QPen(Qt.PenStyle.NoPen))
        self.scene().addItem(self._ground)
        self._box.sigResized.connect(lambda: self._ground.setRect(self.area()))
        self._weak, self._strong = WeakMarks(self._box), StrongMarks(self._box)
        self._decorations = Decorations(self._box)
        self._cross = Crosshair(self.scene())
        self._empty = _sentence(self.viewport())
        self._box.sigRangeChangedManually.connect(self._on_zoomed)
        self._box.sigRangeChanged.connect(self._on_range)
        self._built = True
        self._set_looks()
        self._fit()

    # What is shown

    @property
    def chart(self) -> Chart:
        """What is drawn."""
        return self._chart

    @property
    def limits(self) -> Limits:
        """Ends of what is visible: left, right, bottom, top, as positions."""
        (left, right), (bottom, top) = self._box.viewRange()
        return left, right, bottom, top

    @property
    def zoomed(self) -> bool:
        """Whether the user looks at a part."""
        return self._zoomed

    @property
    def cross(self) -> tuple[str, str]:
        """The values that the crosshair says; empty while there is none."""
        return self._cross.words

    def set_chart(self, chart: Chart) -> None:
        """Draw a chart; silent.

        A part that the user looks at stays as long as the axes are the same, and a
        point under the pointer as long as it is still there.
        """
        before, self._chart = self._chart, chart
        if (before.x, before.y) != (chart.x, chart.y):
            self._zoomed = False
            self._axes[0].set_axis(chart.x)
            self._axes[1].set_axis(chart.y)
            self._limits = limits(chart)
        self._points = list(chart.points)
        self._places = None
        if self._hovered is not None:
            key = self._hovered.key
            self._hovered = next((p for p in self._points if p.key == key), None)
        self._draw()
        if not self._zoomed:
            self._fit()

    def view_all(self) -> None:
        """Show everything again."""
        self._zoomed = False
        self._fit()

    def _draw(self) -> None:
        chart, ground = self._chart, self.palette().base().color()
        while len(self._curves) < len(chart.series):
            self._curves.append(CurveItems(self._box))
        for layer, items in enumerate(self._curves):
            if layer < len(chart.series):
                items.draw(chart.series[layer], chart, layer)
            else:
                items.hide()
        marked = [series for series in chart.series if series.marked]
        self._weak.draw([each for each in marked if not each.strong], chart, ground)
        self._strong.draw([each for each in marked if each.strong], chart, ground)
        self._decorations.draw(chart, self._hovered)
        empty = not self._points and chart.ring is None
        self._empty.setText(chart.empty if empty else "")
        self._empty.setVisible(empty)

    def _fit(self) -> None:
        """Set the range to the whole chart; nothing happens while it stays so."""
        self._limits = limits(self._chart, self._limits)
        left, right, bottom, top = self._limits
        if self.limits == self._limits:
            return
        width, height = right - left, top - bottom
        self._box.setLimits(
            minXRange=width * _DEEPEST,
            maxXRange=width * 4,
            minYRange=height * _DEEPEST,
            maxYRange=height * 4,
        )
        self._box.setRange(xRange=(left, right), yRange=(bottom, top), padding=0)

    def _on_zoomed(self, *_: object) -> None:
        self._zoomed = True

    def _on_range(self, *_: object) -> None:
        self._decorations.place(self._chart)

    # Looks

    def _set_looks(self) -> None:
        palette, font = self.palette(), self.font()
        self.setBackground(palette.window().color())
        self._ground.setBrush(palette.base())
        for axis in self._axes:
            axis.set_looks(palette, font)
        self._decorations.set_looks(palette, font)
        self._cross.set_looks(palette, font)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        kinds = QEvent.Type
        if self._built and event.type() in {
            kinds.PaletteChange,
            kinds.FontChange,
            kinds.StyleChange,
        }:
            self._set_looks()
            self._draw()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._built:
            self._empty.setGeometry(self.viewport().rect().adjusted(56, 8, -16, -28))

    # Where things are

    def area(self) -> QRectF:
        """Return the area of the points, in pixels of the viewport."""
        rect = self._box.mapRectToScene(self._box.boundingRect())
        return QRectF(rect)

    def pixel(self, x: float, y: float) -> QPoint:
        """Return where values of the axes are drawn, in pixels of the viewport."""
        chart = self._chart
        place = QPointF(position(x, chart.x), position(y, chart.y))
        return QPointF(self._box.mapViewToScene(place)).toPoint()

    def _near(self, place: QPointF) -> Point | None:
        """Return the point that is meant; the foremost of two at one place."""
        if not self._points:
            return None
        if self._places is None:
            self._places = np.column_stack(places(self._points, self._chart))
        left, right, bottom, top = self.limits
        area = self.area()
        xs = area.left() + (self._places[:, 0] - left) / (right - left) * area.width()
        up = (self._places[:, 1] - bottom) / (top - bottom) * area.height()
        far = np.abs(xs - place.x()) + np.abs(area.bottom() - up - place.y())
        best = len(far) - 1 - int(np.argmin(far[::-1]))
        return self._points[best] if far[best] < _NEAR else None

    # What the user does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = event.position() if left else None
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press and a release at one place choose the point there."""
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        if (event.position() - pressed).manhattanLength() < _STILL:
            point = self._near(event.position())
            if point is not None:
                self.chosen.emit(point.key)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        super().mouseDoubleClickEvent(event)
        self.view_all()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        place = event.position()
        area = self.area()
        if event.buttons() or not area.contains(place):
            self._leave()
            return
        view = self._box.mapSceneToView(place)
        left, right, bottom, top = self.limits
        chart = self._chart
        x, y = value_at(view.x(), chart.x), value_at(view.y(), chart.y)
        # how much a pixel is, there
        dx = value_at(view.x() + (right - left) / max(area.width(), 1), chart.x) - x
        dy = value_at(view.y() + (top - bottom) / max(area.height(), 1), chart.y) - y
        words = spoken(x, chart.x, dx), spoken(y, chart.y, dy)
        self._cross.show_at(place, area, words)
        point = self._near(place)
        if point is not self._hovered:
            self._hover(point)
            tip = point.tip() if point else ""
            QToolTip.showText(event.globalPosition().toPoint(), tip, self)

    def _hover(self, point: Point | None) -> None:
        """Mark a point and say so, or that there is none any more."""
        pointing = Qt.CursorShape.PointingHandCursor
        self.viewport().setCursor(pointing if point else Qt.CursorShape.CrossCursor)
        before, self._hovered = self._hovered, point
        self._decorations.draw(self._chart, point)
        key = point.key if point else None
        if key != (before.key if before else None):
            self.hovered.emit(key)

    def _leave(self) -> None:
        self._cross.hide()
        if self._hovered is not None:
            self._hover(None)

    def leaveEvent(self, event: QEvent) -> None:
        self._leave()
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._leave()
        self.menuAsked.emit(event.globalPos())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go from point to point, plus and minus zoom."""
        key = Qt.Key(event.key())
        turn = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key)
        zoom = {
            Qt.Key.Key_Plus: 1 / _ZOOM,
            Qt.Key.Key_Equal: 1 / _ZOOM,
            Qt.Key.Key_Minus: _ZOOM,
        }.get(key)
        if turn is not None and self._step(turn):
            event.accept()
        elif zoom is not None:
            self._box.scaleBy((zoom, zoom))
            self._zoomed = True
        elif key == Qt.Key.Key_Home:
            self.view_all()
        else:
            QWidget.keyPressEvent(self, event)

    def _step(self, turn: int) -> bool:
        """Choose the next point of the foremost curve; False if it has none."""
        series = self._chart.series
        points = series[-1].points if series else ()
        if not points:
            return False
        now = self._chart.ring.key if self._chart.ring else None
        start = -1 if turn > 0 else len(points)
        at = next((i for i, p in enumerate(points) if p.key == now), start)
        self.chosen.emit(points[min(max(at + turn, 0), len(points) - 1)].key)
        return True
