"""Makes every picture of the guide by running the window, offscreen.

``make pictures`` writes all of them, ``python docs/render.py FOLDER NAME...`` some.
One window goes from scene to scene, so that models are tried once.
To read this file, start from `SCENES`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from PIL import Image
from PySide6.QtCore import (
    QBuffer,
    QDeadlineTimer,
    QEvent,
    QEventLoop,
    QRect,
    Qt,
    qInstallMessageHandler,
)
from PySide6.QtGui import QCursor, QPixmap
from PySide6.QtWidgets import QApplication, QSpinBox, QWidget

from app import bootstrap
from app.bootstrap import Application
from app.controllers.sweeps.button import SweepButton
from app.rendering import theme
from app.state import events
from app.state.app_state import showing
from app.state.session.settings import Settings
from core.types import PruneRequest

FOLDER = Path(__file__).parent / "images"
SIZE = (1440, 900)
SCREENS = (  # what the desktop leaves of a screen, and by how much text is enlarged
    *((1024, 700, 1.0), (1280, 800, 1.0), (1366, 768, 1.0)),
    (1280, 720, 1.0),  # 1920 x 1080 at 150 %
    (1920, 1080, 1.0),  # 3840 x 2160 at 200 %
    (3840, 2160, 1.5),
)
_SHEET, _GUTTER = 320, 8  # pixels of a picture on the sheet of screens, and between
_SMOOTH = Image.Resampling.LANCZOS
LARGEST = 250_000  # bytes of a picture
_LIMIT = 1800.0  # seconds after which a scene counts as stuck
_EXACT = 64  # colours of a picture that stay as they are
_AREA = 2  # column of the list of nuclei
_START = PruneRequest("reconstruction", 0.8, recovery="refit")


class Stage:
    """The window, and what waits for it and takes its picture.

    Parameters
    ----------
    app
        The application.
    bench
        The window and what is behind it.
    folder
        Where the pictures go.
    """

    def __init__(self, app: QApplication, bench: Application, folder: Path) -> None:
        self.app, self.bench, self.folder = app, bench, folder
        self.window, self.controller = bench.window, bench.controller
        self._failures: list[str] = []
        bench.runner.failed.connect(lambda f: self._failures.append(f.message))

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        """Run the event loop until something is so."""
        end = time.monotonic() + _LIMIT
        while not ready():
            flags = QEventLoop.ProcessEventsFlag.AllEvents
            self.app.processEvents(flags, QDeadlineTimer(20))
            time.sleep(0.005)  # leave the processor to the worker
            if self._failures:
                raise SystemExit(f"{what}: {self._failures[0]}")
            if time.monotonic() > end:
                raise SystemExit(f"{what}: it did not end")

    def settle(self, what: str = "the window") -> None:
        """Wait until everything that was asked for is on show."""

        def still() -> bool:
            state = self.bench.store.state
            todo = state.busy or state.todo or state.opened is None
            return not todo and self.controller.settled

        self.wait(still, what)
        self.pause()

    def pause(self) -> None:
        """Let layouts and the last paint events through."""
        for _ in range(5):
            self.app.processEvents()

    def request(self, heuristic: str, sparsity: float, recovery: str = "refit") -> None:
        """Set the active pane."""
        self.controller.set_request(
            heuristic=heuristic, sparsity=sparsity, recovery=recovery
        )
        self.settle()

    def shoot(self, name: str, *widgets: QWidget) -> None:
        """Save the window, or as much of it as these widgets fill."""
        self.pause()
        save(self.folder / f"{name}.png", self._grab(widgets))

    def _grab(self, widgets: Sequence[QWidget]) -> QPixmap:
        if not widgets:
            return self.window.grab()
        area = QRect()
        for widget in widgets:
            corner = widget.mapTo(self.window, widget.rect().topLeft())
            area = area.united(QRect(corner, widget.size()))
        return self.window.grab(area)


def save(path: Path, pixmap: QPixmap) -> None:
    """Write a picture of the window."""
    write(path, to_image(pixmap))


def to_image(pixmap: QPixmap) -> Image.Image:
    """Return a picture of the window as an image."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    pixmap.save(buffer, "PNG")
    return Image.open(BytesIO(buffer.data().data())).convert("RGB")


def write(path: Path, image: Image.Image) -> None:
    """Write a picture with a palette of its own, small enough for a page."""
    for bits in (5, 4):
        small = image.quantize(palette=_palette(image, bits), dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size <= LARGEST:
            break
    else:
        raise SystemExit(f"{path.name} is too large: crop the scene")
    sys.stdout.write(f"{path.name}  {path.stat().st_size // 1000} kB\n")
    sys.stdout.flush()


def _palette(image: Image.Image, bits: int) -> Image.Image:
    """Return 256 colours for a picture.

    The commonest, those of the window, stay as they are. The others are chosen among
    all that occur, each counted once, however few its pixels: the mark of a kind of
    nuclei is as much to be seen as the tissue.
    """
    pixels = np.asarray(image).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    order = np.argsort(-counts)
    exact, others = colours[order[:_EXACT]], colours[order[_EXACT:]]
    _, first = np.unique(others >> (8 - bits), axis=0, return_index=True)
    chosen = [exact.ravel()]
    if len(first):
        seen = Image.fromarray(others[first][None])
        few = seen.quantize(256 - len(exact), Image.Quantize.MEDIANCUT, kmeans=2)
        chosen.append(np.asarray(few.getpalette(), np.uint8))
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate(chosen)[: 3 * 256].tolist())
    return palette


# Scenes: each begins where the one before it ended, and leaves one pane at 80 %.


def main_window(stage: Stage) -> None:
    """What the README shows: dense beside pruned, with the curves."""
    stage.controller.set_display(overlay="difference")
    stage.settle()
    stage.shoot("window")


def plots(stage: Stage) -> None:
    """The three plots from near."""
    stage.shoot("plots", stage.window.plots)


def difference(stage: Stage) -> None:
    """The difference where it is interesting, with the list of nuclei."""
    window = stage.window
    stage.request("reconstruction", 0.95)
    window.nuclei.listAsked.emit(True)
    window.nuclei.kindChosen.emit("lost")
    table = window.layers.nuclei.table
    table.sortByColumn(_AREA, Qt.SortOrder.DescendingOrder)
    table.selectRow(1)
    table.selectRow(0)  # a change of row is what moves the panes there
    stage.settle()
    stage.shoot("difference", window.viewer, window.nuclei, window.layers)
    window.nuclei.listAsked.emit(False)
    window.viewer.show_whole()
    stage.request("reconstruction", 0.8)


def heat(stage: Stage) -> None:
    """Where the raw outputs differ, whatever the threshold makes of it."""
    stage.request("reconstruction", 0.95)
    stage.controller.set_display(visible=False)
    stage.window.viewer.heatChosen.emit("foreground")
    stage.settle()
    stage.shoot("heat", stage.window.viewer)
    stage.window.viewer.heatChosen.emit("")
    stage.controller.set_display(visible=True)
    stage.request("reconstruction", 0.8)


def network(stage: Stage) -> None:
    """What is left of each layer, one of them locked."""
    drawing = stage.window.layers.network
    opened = stage.bench.store.state.opened
    layers = opened.layers if opened else ()
    wide = max(
        (each for each in layers if not each.protected), key=lambda layer: layer.width
    )
    drawing.lockToggled.emit(wide.name)
    stage.settle()
    stage.shoot("network", stage.window.layers)
    drawing.lockToggled.emit(wide.name)
    stage.settle()


def panes(stage: Stage) -> None:
    """Four ways to remove the same share, over the same tile."""
    others = (("l2", "refit"), ("random", "refit"), ("reconstruction", "none"))
    for heuristic, recovery in others:
        stage.controller.dispatch(events.PaneAdded())
        stage.controller.set_request(heuristic=heuristic, recovery=recovery)
    stage.controller.set_display(overlay="difference")
    stage.settle()
    stage.shoot("panes")
    for _ in others:
        stage.controller.dispatch(events.PaneClosed())
    stage.request("reconstruction", 0.8)


def sweep(stage: Stage) -> None:
    """A sweep that has run from the window, with its curves."""
    stage.window.sweepAsked.emit()
    (button,) = stage.window.findChildren(SweepButton)
    panel = button.panel
    assert panel is not None
    asked = {"First sparsity": 50, "Last sparsity": 90, "Step of sparsity": 20}
    for spin in panel.findChildren(QSpinBox):
        spin.setValue(asked.get(spin.accessibleName(), spin.value()))
    panel.form.set_store("demo.sqlite")
    ended: list[str] = []
    assert button.sweeping is not None
    button.sweeping.process.ended.connect(ended.append)
    button.sweeping.process.failed.connect(lambda said, _: ended.append(said))
    panel.startAsked.emit(panel.form.wish)
    stage.wait(lambda: bool(ended), "the sweep")
    end = time.monotonic() + 2  # until the file has been read once more
    stage.wait(lambda: time.monotonic() > end, "the curves")
    save(stage.folder / "sweep.png", panel.grab())
    panel.close()


def demo(stage: Stage) -> None:
    """The three steps of the view for an audience."""
    stage.window.resize(1280, 800)
    stage.controller.dispatch(events.DemoSwitched(True))
    for number, sparsity in enumerate((0.0, 0.5, 0.9), 1):
        stage.window.demo.stepChosen.emit(sparsity)
        if number == 3:  # where there is something to tell apart
            stage.controller.set_display(overlay="difference")
        stage.settle()
        stage.shoot(f"demo-{number}")


def reading(stage: Stage) -> None:
    """A place of the blinded reading."""
    stage.window.demo.readingAsked.emit()
    stage.pause()
    stage.shoot("reading")
    stage.window.reading.closed.emit()
    stage.controller.dispatch(events.DemoSwitched(False))
    stage.window.resize(*SIZE)
    stage.settle()


def screens(stage: Stage) -> None:
    """The window on every screen, light and dark, as one sheet."""
    window, pictures = stage.window, []
    for wide, high, scale in SCREENS:
        for colours in ("light", "dark"):
            theme.apply(stage.app, colours, scale)
            window.resize(wide, high)
            stage.settle()
            pictures.append(to_image(window.grab()))
    theme.apply(stage.app, "light", 1.0)
    window.resize(*SIZE)
    stage.settle()
    write(stage.folder / "screens.png", on_one_sheet(pictures))


def on_one_sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures in two columns, each as wide as the column."""
    small = [
        each.resize((_SHEET, round(each.height * _SHEET / each.width)), _SMOOTH)
        for each in pictures
    ]
    rows = [small[start : start + 2] for start in range(0, len(small), 2)]
    highs = [max(each.height for each in row) + _GUTTER for row in rows]
    sheet = Image.new("RGB", (2 * _SHEET + 3 * _GUTTER, sum(highs) + _GUTTER), "#888")
    top = _GUTTER
    for row, high in zip(rows, highs, strict=True):
        for column, each in enumerate(row):
            sheet.paste(each, (_GUTTER + column * (_SHEET + _GUTTER), top))
        top += high
    return sheet


SCENES: dict[str, Callable[[Stage], None]] = {
    scene.__name__: scene
    for scene in (
        main_window,
        plots,
        difference,
        heat,
        network,
        panes,
        demo,
        reading,
        screens,
        sweep,
    )
}


@contextmanager
def a_stage(folder: Path) -> Iterator[Stage]:
    """Open the window with its defaults, the demo model and the first tile."""
    qInstallMessageHandler(_quiet)
    app = QApplication.instance() or QApplication(["prunescope"])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        # Pictures show the defaults, and leave no settings or stores behind.
        os.chdir(scratch)
        settings = Settings(Path(scratch) / "settings.json")
        settings.set_hints(False)
        bench = bootstrap.build(settings, state=showing(_START))
        try:
            # An offscreen pointer rests on the first button otherwise.
            QCursor.setPos(0, SIZE[1] * 2)
            bench.window.resize(*SIZE)
            bench.window.show()
            yield Stage(app, bench, folder)
        finally:
            bench.window.close()
            bench.window.deleteLater()
            app.sendPostedEvents(bench.window, QEvent.Type.DeferredDelete.value)
            os.chdir(home)


def _quiet(kind: object, _: object, message: str) -> None:
    """Pass on what Qt says, but not what an offscreen window cannot do."""
    if "This plugin does not support" not in message:
        sys.stderr.write(f"{message}\n")


def main(arguments: Sequence[str]) -> None:
    """Render scenes, as the command line asks."""
    parser = argparse.ArgumentParser(description="Make pictures of the guide.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("names", nargs="*", help=f"all of: {', '.join(SCENES)}")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - SCENES.keys():
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    folder, names = given.folder.resolve(), given.names or tuple(SCENES)
    folder.mkdir(parents=True, exist_ok=True)
    with a_stage(folder) as stage:
        stage.controller.open("demo", "")
        stage.settle("opening")
        if {"main_window", "plots"} & set(names):
            stage.controller.dispatch(events.ExploreSwitched())
            stage.settle("exploring")
        for name in names:
            SCENES[name](stage)


if __name__ == "__main__":
    main(sys.argv[1:])
