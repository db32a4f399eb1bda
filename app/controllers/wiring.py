"""Which intent of which view leads to what: one line each, and nothing else."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.controllers.controller import Controller
    from app.views.main_window.window import Window


def connect(window: "Window", to: "Controller") -> None:
    """Connect the signals of every view of a window.

    Parameters
    ----------
    window
        Whose views ask.
    to
        What answers.
    """
    _connect_controls(window, to)
    _connect_viewer(window, to)
    _connect_files(window, to)
    window.plots.pointChosen.connect(to.go_to)
    window.table.rowChosen.connect(to.go_to)
    window.tableShown.connect(to.show_table)
    window.plots.pointHovered.connect(to.preview)
    window.plots.metricChosen.connect(lambda v: to.set_display(metric=v))
    window.messages.dismissed.connect(to.dismiss)
    window.status.cancelAsked.connect(to.cancel)
    window.demoAsked.connect(to.set_demo)
    window.undoAsked.connect(to.undo)
    window.redoAsked.connect(to.redo)
    window.closing.connect(to.close)


def _connect_controls(window: "Window", to: "Controller") -> None:
    controls = window.controls
    controls.heuristicChosen.connect(lambda v: to.set_request(heuristic=v))
    controls.scopeChosen.connect(lambda v: to.set_request(scope=v))
    controls.countChosen.connect(lambda v: to.set_request(count=v))
    controls.recoveryChosen.connect(lambda v: to.set_request(recovery=v))
    form = controls.training
    form.folderCleared.connect(lambda: to.set_training(data=""))
    form.minutesChosen.connect(lambda v: to.set_training(minutes=v))
    form.rateChosen.connect(lambda v: to.set_training(rate=v))
    window.trainingAsked.connect(lambda v: to.set_training(data=v))
    controls.sparsityChosen.connect(lambda v: to.set_request(sparsity=v))
    controls.exploreAsked.connect(to.explore)
    controls.paneChosen.connect(to.panes.activate)
    controls.paneAdded.connect(to.panes.add)
    controls.lockChosen.connect(to.panes.set_lock)
    window.demo.stepChosen.connect(lambda v: to.set_request(sparsity=v))


def _connect_viewer(window: "Window", to: "Controller") -> None:
    viewer = window.viewer
    viewer.overlayChosen.connect(lambda v: to.set_display(overlay=v))
    viewer.visibleChosen.connect(lambda v: to.set_display(visible=v))
    viewer.opacityChosen.connect(lambda v: to.set_display(opacity=v))
    viewer.truthChosen.connect(lambda v: to.set_display(truth=v))
    viewer.paneChosen.connect(to.panes.activate)
    viewer.paneClosed.connect(to.panes.close)
    window.paneAsked.connect(to.panes.activate)
    window.paneAdded.connect(to.panes.add)
    window.paneClosed.connect(to.panes.close_active)
    window.displayAsked.connect(to.switch_display)
    _connect_seeing(window, to)


def _connect_seeing(window: "Window", to: "Controller") -> None:
    viewer, nuclei, layers = window.viewer, window.nuclei, window.layers
    viewer.swipeChosen.connect(lambda v: to.set_display(swipe=v))
    viewer.heatChosen.connect(lambda v: to.set_display(heat=v))
    viewer.typesHidden.connect(lambda v: to.set_display(hidden_types=v))
    nuclei.hiddenChosen.connect(lambda v: to.set_display(hidden_kinds=v))
    # The list is filtered first, so that the nucleus gone to can be marked in it.
    nuclei.kindChosen.connect(layers.nuclei.set_kind)
    nuclei.kindChosen.connect(to.visits.next)
    nuclei.listAsked.connect(layers.show_list)
    layers.nuclei.allAsked.connect(lambda: layers.nuclei.set_kind(None))
    layers.nuclei.placeChosen.connect(lambda x, y: viewer.go_to((x, y)))
    layers.network.lockToggled.connect(to.toggle_layer)
    layers.network.unlockAsked.connect(lambda: to.set_request(locked=()))


def _connect_files(window: "Window", to: "Controller") -> None:
    window.openAsked.connect(to.open)
    window.labelsAsked.connect(to.open_labels)
    window.saveAsked.connect(to.exporter.save_model)
    window.tableAsked.connect(to.exporter.save_table)
    window.pictureAsked.connect(to.exporter.save_picture)
