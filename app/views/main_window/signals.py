"""What a user can ask the main window for: its signals, and nothing else.

Toolbar and boxes emit them, the window is one of them, `app.controllers.wiring` says
where each leads.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMainWindow, QWidget


class WindowSignals(QMainWindow):
    """A main window as those see it that only ask."""

    asked = Signal(object)  # an event of `app.state.events`
    openAsked = Signal(str, str)  # model, tile; empty: keep
    pixelSizeChosen = Signal(object, bool)  # micrometres or None, resample
    classesChosen = Signal(tuple)  # names of the open classifier's classes
    networkChosen = Signal(str, str)  # FILE.py:CLASS, agreed to be run; weights
    besideAsked = Signal(str)  # model to show beside the open one
    calibrationShown = Signal()  # the tiles that the model is calibrated on
    calibrationAsked = Signal(str)  # what to calibrate on; empty: the default
    folderChosen = Signal(str)  # folder whose tiles are scored
    labelsAsked = Signal(str)  # ground truth of the open tile
    sessionAsked = Signal(str)  # path of a session to open
    sessionSaveAsked = Signal(str)  # where to save it; empty: where it was saved last
    sessionPlaceAsked = Signal()  # where to save the session, chosen anew
    setupAsked = Signal(str)  # path of settings to use
    trainingAsked = Signal(str)  # folder of labelled tiles to fine-tune on
    exportAsked = Signal(str, str)  # what, see `Exporter.export`; path
    unlockAsked = Signal()  # every layer may be pruned
    chartAsked = Signal(str)  # key of a chart that is to be written
    hintsAsked = Signal(bool)
    sweepAsked = Signal()
    slideRunAsked = Signal()  # the window that runs whole slides
    runtimesAsked = Signal()  # the window that compares runtimes
    storyAsked = Signal(int)  # pages of the demo view's story to turn
    themeAsked = Signal(str)
    # Answered by the window itself
    blinkAsked = Signal(bool)  # dense masks in the pruned panes
    wholeAsked = Signal()  # the whole tile in every pane
    sideToggled = Signal(str)  # controls or plots: shown, or hidden again
    tableToggled = Signal()  # the table of models: shown, or hidden again
    paletteAsked = Signal()  # the search for commands
    pixelSizeAsked = Signal()  # the box in which it is typed
    readerAsked = Signal()  # the box that says how outputs are read
    classesAsked = Signal()  # the box in which classes are named
    modelsAsked = Signal()  # the box in which a model is chosen
    keysAsked = Signal()  # the sheet of keys
    escapeAsked = Signal()  # stop, or leave what is on show
    tableShown = Signal(bool)
    closing = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folders: dict[str, str] = {}  # where boxes open, by what they ask for
