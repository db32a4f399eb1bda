"""Slides through the real window: an overview, a rectangle, a tile, a map."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest import is_idle
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton

from app import bootstrap
from app.state import events
from app.views.widgets.decimal_box import DecimalBox
from app.views.widgets.overview_map import OverviewMap
from app.views.widgets.pixel_size import PixelSizeBox
from core.images import read_tile
from core.images.samples import load_sample
from tests.core.images.conftest import shared

MODEL = "unet-tiny"  # 0.5 µm per pixel, untrained
__all__ = ["shared"]


def write_slide(path, *, sized=True):
    """A pyramid of tissue, 2304 x 1792 pixels at 0.5 µm, and three levels."""
    tile = load_sample("synthetic").tile.pixels
    pixels = np.tile(tile, (7, 9, 1))[:1792, :2304]
    with tifffile.TiffWriter(path) as tiff:
        options = {"photometric": "rgb", "tile": (256, 256), "metadata": None}
        for step in (1, 2, 4):
            size = {"resolution": (1e4 / 0.5 / step,) * 2, "resolutionunit": 3}
            tiff.write(
                np.ascontiguousarray(pixels[::step, ::step]),
                subfiletype=int(step > 1),
                **options,
                **(size if sized else {}),
            )
    return pixels


@pytest.fixture
def window(qtbot, settings, monkeypatch):
    """A window over the real engine, closed with its worker."""
    from app.controllers import controller

    monkeypatch.setattr(controller, "IDLE_MS", 3_600_000)
    monkeypatch.setattr(controller, "REST_MS", 3_600_000)  # nothing is measured
    bench = bootstrap.build(settings)
    bench.controller.set_request(heuristic="l2", recovery="none")
    bench.window.resize(1280, 800)
    bench.window.show()
    yield bench
    bench.window.close_unasked()
    bench.window.deleteLater()


def is_open(bench):
    state = bench.store.state
    whole = state.opened is not None and state.opened.part is None
    return whole and state.opening is None


def open_overview(qtbot, bench, path):
    bench.controller.open(MODEL, str(path))
    qtbot.waitUntil(lambda: bench.store.state.choosing is not None, timeout=60_000)


def drag(qtbot, widget, start, end):
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(widget, (start + end) / 2)
    qtbot.mouseMove(widget, end)
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)


def click(bench, words):
    buttons = bench.window.part.findChildren(QPushButton)
    next(one for one in buttons if one.text() == words).click()


def texts(widget):
    from PySide6.QtWidgets import QLabel

    return " / ".join(one.text() for one in widget.findChildren(QLabel))


def test_a_part_of_a_slide_becomes_a_tile(qtbot, window, tmp_path):
    pixels = write_slide(tmp_path / "slide.tif")
    open_overview(qtbot, window, tmp_path / "slide.tif")
    part = window.window.part
    assert part.isVisible()
    assert not window.window.viewer.isVisible()
    assert "2,304 \u00d7 1,792 pixels" in texts(part)
    assert "0.5 µm per pixel" in texts(part)
    place = part.view.to_screen((512, 256, 600, 400)).toRect()
    window.store.dispatch(events.PartDrawn((0, 0, 1, 1)))  # nothing in the way
    drag(qtbot, part.view, place.topLeft(), place.bottomRight())
    drawn = window.store.state.choosing.region
    assert drawn == pytest.approx((512, 256, 600, 400), abs=8)
    assert f"a tile of {drawn[2]:,}".lower() in texts(part).lower()
    click(window, "Open this part")
    qtbot.waitUntil(lambda: is_open(window), timeout=120_000)
    state, view = window.store.state, window.window
    x, y, width, height = drawn
    assert state.opened.picture.size == (width, height)
    source = state.opened.source
    assert source.view.region == drawn
    shown = read_tile(tmp_path / "slide.tif", region=drawn).pixels
    assert np.array_equal(shown, pixels[y : y + height, x : x + width])
    assert view.viewer.isVisible()
    assert not part.isVisible()
    assert f"slide.tif at {x:,}, {y:,}" in view.windowTitle()


def test_the_map_moves_the_tile_and_the_overview_comes_back(qtbot, window, tmp_path):
    write_slide(tmp_path / "slide.tif")
    window.controller.open(MODEL, f"{tmp_path / 'slide.tif'}#region=0,0,300,200")
    qtbot.waitUntil(lambda: is_open(window), timeout=120_000)
    view = window.window
    shown = view.viewer.findChild(OverviewMap)
    assert shown.isVisible()
    middle = QPoint(shown.width() // 2, shown.height() // 2)
    drag(qtbot, shown, QPoint(4, 4), middle)
    qtbot.waitUntil(
        lambda: "region=0,0" not in window.store.state.opened.source.text,
        timeout=120_000,
    )
    qtbot.waitUntil(lambda: is_open(window), timeout=120_000)
    region = window.store.state.opened.source.view.region
    assert region[2:] == (300, 200)
    assert region[:2] == pytest.approx((1152 - 150, 896 - 100), abs=30)
    view.command("open.part").trigger()
    assert view.part.isVisible()
    assert window.store.state.choosing.region == region
    view.command("run.cancel").trigger()
    assert not view.part.isVisible()
    assert window.store.state.opened.picture.size == (300, 200)


def test_the_size_of_a_part_is_bounded_with_a_sentence(qtbot, window, tmp_path):
    from tests.core.images.makers import write_flat_pyramid

    write_flat_pyramid(tmp_path / "large.tif", 12_000)
    open_overview(qtbot, window, tmp_path / "large.tif")
    part = window.window.part
    click(window, "Whole slide")
    assert "Too large" in texts(part)
    assert "25" in texts(part)
    click(window, "Open this part")
    assert window.store.state.choosing is not None  # the button is off
    part.view.placed.emit(6000.0, 6000.0)
    assert "Too large" not in texts(part)
    assert "512 \u00d7 512 µm" in texts(part)


def test_a_part_that_cannot_be_read_leaves_the_overview(qtbot, window, tmp_path):
    write_slide(tmp_path / "slide.tif")
    open_overview(qtbot, window, tmp_path / "slide.tif")
    (tmp_path / "slide.tif").unlink()
    click(window, "Open this part")
    qtbot.waitUntil(lambda: window.store.state.message is not None, timeout=60_000)
    assert window.window.part.isVisible()


def test_a_missing_pixel_size_is_typed_with_a_comma(qtbot, window, tmp_path):
    write_slide(tmp_path / "slide.tif", sized=False)
    open_overview(qtbot, window, tmp_path / "slide.tif")
    part = window.window.part
    assert "pixel size unknown" in texts(part)
    box = next(w for w in part.findChildren(DecimalBox)
               if w.accessibleName() == "Pixel size of the slide")  # fmt: skip
    assert box.isVisible()
    box.selectAll()
    qtbot.keyClicks(box, "0,25")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert window.store.state.choosing.pixel_size == 0.25
    click(window, "Open this part")
    qtbot.waitUntil(lambda: is_open(window), timeout=120_000)
    opened = window.store.state.opened
    # level 1 is the one of 0.5 µm then, which the model wants
    view = opened.source.view
    assert (view.level, view.pixel_size) == (1, 0.5)
    assert not opened.scale.resampled


def test_the_pixel_size_of_a_tile_is_typed_and_results_follow(qtbot, window, tmp_path):
    from PIL import Image

    Image.fromarray(load_sample("synthetic").tile.pixels[:200, :300]).save(
        tmp_path / "tile.png"
    )
    window.controller.open(MODEL, str(tmp_path / "tile.png"))
    qtbot.waitUntil(lambda: is_open(window), timeout=120_000)
    assert not window.store.state.opened.scale.resampled

    def type_size(words, *, resample=True):
        window.window.command("open.size").trigger()
        asked = window.window.findChild(PixelSizeBox)
        asked.findChild(DecimalBox).lineEdit().setText(words)
        from PySide6.QtWidgets import QCheckBox, QDialogButtonBox

        asked.findChild(QCheckBox).setChecked(resample)
        buttons = asked.findChild(QDialogButtonBox)
        buttons.button(QDialogButtonBox.StandardButton.Ok).click()
        qtbot.waitUntil(lambda: window.store.state.opening is not None)
        qtbot.waitUntil(lambda: is_open(window), timeout=120_000)

    type_size("1,0")
    state = window.store.state
    assert (state.opened.scale.tile, state.opened.scale.resampled) == (1.0, True)
    assert state.opened.picture.size == (300, 200)
    assert state.opened.prediction.labels.shape == (200, 300)
    assert "resampled to 0.5" in texts_of_status(window)
    type_size("1", resample=False)
    state = window.store.state
    assert (state.opened.scale.tile, state.opened.scale.resampled) == (1.0, False)
    assert "not resampled" in texts_of_status(window)
    assert "Not resampled, as asked" in state.message.text


def texts_of_status(bench):
    from PySide6.QtWidgets import QToolButton

    status = bench.window.status
    return " / ".join(one.text() for one in status.findChildren(QToolButton))


@pytest.mark.parametrize(
    ("name", "levels"),
    [("CMU-1-Small-Region.svs", 1), ("fluorescence.ndpi", 7), ("dicom_cmu1_small", 12)],
)
def test_real_slides_show_an_overview_and_open(qtbot, window, shared, name, levels):
    open_overview(qtbot, window, shared / "data" / "slides" / name)
    choosing = window.store.state.choosing
    assert len(choosing.slide.levels) == levels
    assert choosing.slide.picture is not None
    click(window, "Open this part")
    qtbot.waitUntil(lambda: is_open(window), timeout=120_000)
    opened = window.store.state.opened
    view = opened.source.view
    wide = choosing.region[2] * choosing.slide.mpp
    assert opened.picture.size[0] * opened.picture.mpp == pytest.approx(wide, rel=0.02)
    assert view.region is not None
    assert window.window.viewer.findChild(OverviewMap).isVisible()


def test_a_copied_slide_is_read_again(qtbot, window, tmp_path):
    """The overview that is kept belongs to the file as it was."""
    write_slide(tmp_path / "a.tif")
    open_overview(qtbot, window, tmp_path / "a.tif")
    first = window.store.state.choosing.slide
    window.store.dispatch(events.PartLeft())
    Path(tmp_path / "a.tif").unlink()
    write_slide(tmp_path / "b.tif", sized=False)
    shutil.copyfile(tmp_path / "b.tif", tmp_path / "a.tif")
    open_overview(qtbot, window, tmp_path / "a.tif")
    assert first.mpp == 0.5
    assert window.store.state.choosing.slide.mpp is None
    assert not is_idle(window)


def test_the_status_bar_says_what_is_under_the_pointer(qtbot, ready):
    ready.window.show()
    qtbot.waitExposed(ready.window)
    view = ready.window.viewer.dense
    x, y = map(float, ready.store.state.opened.nuclei.centres[0])
    size = view.width(), view.height()
    scale = view.camera.scale
    spot = QPoint(
        round((x - view.camera.x) * scale + size[0] / 2),
        round((y - view.camera.y) * scale + size[1] / 2),
    )
    status = ready.window.status
    qtbot.mouseMove(view, QPoint(2, 2))
    qtbot.mouseMove(view, spot)
    words = status.place
    found = [float(n) for n in re.findall(r"[\d.]+", words)[:4]]
    assert found == pytest.approx([x, y, x / 4, y / 4], abs=1.1)
    assert "RGB 110 70 150" in words
    assert "nucleus 1, a" in words
    assert f"{scale * 100:.0f} %" in words


def test_boxes_for_files_open_where_they_were(bench, settings, tmp_path):
    from app.state.session.settings import Settings

    (tmp_path / "slides").mkdir()
    bench.window.folders["tile"] = str(tmp_path / "slides")
    bench.window.folders["model"] = str(tmp_path / "gone")
    bench.window.close_unasked()
    again = Settings(tmp_path / "settings.json")
    assert again.folders == {"tile": str(tmp_path / "slides")}


def test_a_map_of_the_tile_shows_what_is_seen_and_moves_it(qtbot, ready):
    ready.window.show()
    viewer = ready.window.viewer
    shown = viewer.findChild(OverviewMap)
    viewer.show_whole()
    assert not shown.isVisible()
    viewer.dense.zoom(4.0)
    assert shown.isVisible()
    corner = QPoint(round(shown.width() * 0.25), round(shown.height() * 0.75))
    qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=corner)
    cameras = [view.camera for view in viewer.panes]
    assert cameras[0] == cameras[1]
    assert cameras[0].x == pytest.approx(64, abs=4)
    assert cameras[0].y == pytest.approx(192, abs=4)
    assert not ready.store.state.opening  # a click opens nothing here
    viewer.show_whole()
    assert not shown.isVisible()
