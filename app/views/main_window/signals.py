"""What a user can ask the main window for: its signals, and nothing else.

Toolbar and boxes emit them, the window is one of them, `app.controllers.wiring` says
where each leads.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMainWindow


class WindowSignals(QMainWindow):
    """A main window as those see it that only ask."""

    openAsked = Signal(str, str)  # model, tile; empty: keep
    labelsAsked = Signal(str)  # ground truth of the open tile
    setupAsked = Signal(str)  # path of settings to use
    trainingAsked = Signal(str)  # folder of labelled tiles to fine-tune on
    saveAsked = Signal(str)  # path of the pruned model
    exportAsked = Signal(str, str)  # what, see `Exporter.export`; path
    hintsAsked = Signal(bool)
    sweepAsked = Signal()
    tableAsked = Signal(str)
    pictureAsked = Signal(str)
    demoAsked = Signal(bool)
    displayAsked = Signal(str)  # hide, fill, difference or truth
    themeAsked = Signal(str)
    undoAsked = Signal()
    redoAsked = Signal()
    paneAsked = Signal(int)  # place of the pane to edit
    paneAdded = Signal()
    paneClosed = Signal()  # the active one
    wholeAsked = Signal()  # the whole tile in every pane
    tableToggled = Signal()  # the table of models: shown, or hidden again
    tableShown = Signal(bool)
    paletteAsked = Signal()  # the search for commands
    keysAsked = Signal()  # the sheet of keys
    closing = Signal()
