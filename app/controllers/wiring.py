"""Which intent of which view leads to what: one line each, and nothing else."""

from typing import TYPE_CHECKING

from app.state import events

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
    window.plots.settingsChosen.connect(to.set_plots)
    window.plots.exportAsked.connect(lambda asked: to.exporter.save_chart(asked))
    window.messages.dismissed.connect(lambda: to.tell(None))
    say = to.dispatch
    window.messages.offerTaken.connect(to.take_offer)
    window.status.cancelAsked.connect(lambda: say(events.WorkCancelled()))
    window.asked.connect(say)
    window.unlockAsked.connect(lambda: to.set_request(locked=()))
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
    form.startAsked.connect(lambda: to.dispatch(events.TrainingStarted()))
    form.stopAsked.connect(lambda: to.dispatch(events.WorkCancelled()))
    window.trainingAsked.connect(lambda v: to.set_training(data=v))
    controls.advice.taken.connect(to.dispatch)
    controls.advanced.fieldChosen.connect(lambda n, v: to.set_request(**{n: v}))
    controls.advanced.ratiosAsked.connect(
        lambda: window.ratios.ask(controls.advanced.ratios)
    )
    window.ratios.chosen.connect(lambda v: to.set_request(ratios=v))
    controls.sparsityChosen.connect(to.set_sparsity)
    controls.exploreAsked.connect(lambda: to.dispatch(events.ExploreSwitched()))
    say = to.dispatch
    controls.paneChosen.connect(lambda v: say(events.PaneChosen(v)))
    controls.paneAdded.connect(lambda: say(events.PaneAdded()))
    controls.lockChosen.connect(lambda v: say(events.LockChosen(v)))
    window.demo.closed.connect(lambda: say(events.DemoSwitched(False)))
    window.demo.plot.chosen.connect(to.go_to)
    window.demo.stepChosen.connect(lambda v: say(events.StepChosen(v)))
    window.demo.storyAsked.connect(lambda v: say(events.PageTurned(v)))
    window.demo.slideChosen.connect(lambda v: say(events.SlideChosen(v)))
    window.reading.closed.connect(lambda: say(events.ReadingSwitched(False)))


def _connect_viewer(window: "Window", to: "Controller") -> None:
    viewer = window.viewer
    viewer.overlayChosen.connect(lambda v: to.set_display(overlay=v))
    viewer.visibleChosen.connect(lambda v: to.set_display(visible=v))
    viewer.opacityChosen.connect(lambda v: to.set_display(opacity=v))
    viewer.truthChosen.connect(lambda v: to.set_display(truth=v))
    say = to.dispatch
    viewer.paneChosen.connect(lambda v: say(events.PaneChosen(v)))
    viewer.paneClosed.connect(lambda v: say(events.PaneClosed(v)))
    _connect_seeing(window, to)


def _connect_seeing(window: "Window", to: "Controller") -> None:
    viewer, nuclei, layers = window.viewer, window.nuclei, window.layers
    viewer.swipeChosen.connect(lambda v: to.set_display(swipe=v))
    viewer.heatChosen.connect(lambda v: to.set_display(heat=v))
    viewer.hovered.connect(to.show_pointer)
    viewer.pointed.connect(to.show_nucleus)
    viewer.typesHidden.connect(lambda v: to.set_display(hidden_types=v))
    nuclei.hiddenChosen.connect(lambda v: to.set_display(hidden_kinds=v))
    # The list is filtered first, so that the nucleus gone to can be marked in it.
    nuclei.kindChosen.connect(layers.nuclei.set_kind)
    nuclei.kindChosen.connect(to.show_next)
    nuclei.listAsked.connect(layers.show_list)
    layers.nuclei.allAsked.connect(lambda: layers.nuclei.set_kind(None))
    layers.nuclei.placeChosen.connect(lambda x, y: viewer.go_to((x, y)))
    layers.network.lockToggled.connect(to.toggle_layer)
    layers.network.unlockAsked.connect(lambda: to.set_request(locked=()))


def _connect_files(window: "Window", to: "Controller") -> None:
    part, say = window.part, to.dispatch
    part.drawn.connect(lambda v: say(events.PartDrawn(v)))
    part.placed.connect(lambda x, y: say(events.PartPlaced(x, y)))
    part.pixelSized.connect(lambda v: say(events.SlidePixelSized(v)))
    part.opened.connect(to.open_part)
    part.left.connect(lambda: say(events.PartLeft()))
    window.viewer.mapMoved.connect(to.move_part)
    window.pixelSizeChosen.connect(to.set_pixel_size)
    window.openAsked.connect(to.open)
    window.reader_box.readerChosen.connect(to.set_reader)
    window.reader_box.thresholdsChosen.connect(to.set_thresholds)
    window.classesChosen.connect(to.name_classes)
    window.networkChosen.connect(to.open_network)
    window.besideAsked.connect(lambda v: say(events.ModelAdded(v)))
    window.calibrationAsked.connect(to.calibrate)
    window.labelsAsked.connect(to.open_labels)
