"""The demo view: its story, and what a slide takes."""

from dataclasses import replace

import fakes
import numpy as np
import pytest
from conftest import is_idle
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton

from app.controllers.presenter.heads import pruned_heads
from app.controllers.presenter.masks import MaskMaker, legend
from app.controllers.presenter.view import resolve
from app.plots.view import ChartView
from app.state import events
from app.state.demo import PAGES
from app.text.slides import SLIDES, meaning, rough, seconds_per_megapixel
from app.views.widgets.fitting import FittingLabel
from core.sources import DEFAULT_TILE
from core.types import PruneRequest


@pytest.fixture
def demo(qtbot, ready):
    ready.window.resize(1280, 800)
    ready.window.show()
    qtbot.waitExposed(ready.window)
    ready.controller.dispatch(events.DemoSwitched(True))
    return ready


def page_on_show(demo):
    labels = demo.window.demo.findChildren(QLabel)
    return next(each.text() for each in labels if each.text()[1:6] == " of 4")


def next_page(demo):
    buttons = demo.window.demo.findChildren(QAbstractButton)
    return next(each for each in buttons if each.text().startswith("Next"))


def test_arrows_tell_the_story(qtbot, demo):
    told = []
    for page in PAGES:
        qtbot.keyClick(demo.window, Qt.Key.Key_Right)
        state = demo.store.state
        assert state.request.sparsity == page.sparsity
        assert state.display.overlay == page.overlay
        told.append(page_on_show(demo))
    assert [t[:6] for t in told] == [f"{n} of 4" for n in range(1, 5)]
    qtbot.keyClick(demo.window, Qt.Key.Key_Right)  # the last page stays
    assert page_on_show(demo) == told[-1]
    assert not next_page(demo).isEnabled()
    qtbot.keyClick(demo.window, Qt.Key.Key_Left)
    assert page_on_show(demo) == told[-2]
    qtbot.waitUntil(lambda: is_idle(demo), timeout=20_000)


def test_arrows_pan_when_no_story_is_told(qtbot, demo):
    demo.controller.dispatch(events.DemoSwitched(False))
    sparsity = demo.store.state.request.sparsity
    qtbot.keyClick(demo.window.viewer.dense, Qt.Key.Key_Right)
    assert demo.store.state.request.sparsity == sparsity
    assert demo.window.viewer.dense._camera is not None


def test_no_jargon(qtbot, demo):
    demo.controller.set_request(sparsity=0.9)
    qtbot.waitUntil(lambda: is_idle(demo), timeout=20_000)
    words = " ".join(
        label.text().lower() for label in demo.window.demo.findChildren(QLabel)
    )
    for jargon in ("aji", "sparsity", "macs", "parameter", "latency", "channel"):
        assert jargon not in words
    assert "nuclei still found" in words
    assert "not for diagnosis" in words
    assert "nothing leaves this computer" in words


def test_the_right_picture_is_called_what_it_is(qtbot, demo):
    for sparsity, name in ((0.9, "The smaller model"), (0.0, "The same model")):
        demo.controller.set_request(sparsity=sparsity)
        qtbot.waitUntil(lambda: is_idle(demo), timeout=20_000)
        (head,) = pruned_heads(demo.store.state)
        assert head.titles == (name,)


def opened(mpp, instances, seconds=1.0):
    engine = fakes.FakeEngine()

    class Task:
        def step(self, *_):
            pass

        publish = step

    made = engine.open("demo", DEFAULT_TILE, Task(), before=None)
    picture = replace(made.picture, mpp=mpp)
    return replace(made, picture=picture, seconds={"instances": instances})


def measured(dense, pruned, pixels):
    request = PruneRequest("l2", 0.9)
    return fakes.timed(request, dense, dense / pruned, pixels=pixels)


def test_slide_time_by_hand():
    """1 µm pixels: 15 x 15 mm are 225 million of them."""
    tile = opened(1.0, instances=0.065536)  # 1 s a million pixels of 256 x 256
    timed = measured(4000.0, 1000.0, 1_000_000)
    assert seconds_per_megapixel(tile, timed) == pytest.approx((5.0, 2.0))
    words = meaning(tile, timed, SLIDES[0])
    assert "about 7.5 minutes on this computer instead of 19 minutes" in words
    assert "does not say" not in words


def test_an_unknown_pixel_size_is_said():
    tile, timed = opened(None, 0.0), measured(4000.0, 1000.0, 1_000_000)
    words = meaning(tile, timed, SLIDES[0])  # 0.25 µm: 16 times the pixels
    assert "1 hour on this computer instead of 4 hours" in words
    assert "the tile does not say" in words


def test_no_difference_is_not_told_as_one():
    timed = replace(measured(4000.0, 3000.0, 1_000_000), verdict="no difference")
    words = meaning(opened(1.0, 0.0), timed, SLIDES[0])
    assert "takes about 15 minutes on this computer with either model" in words


def test_what_is_not_known_is_not_told():
    tile = opened(0.25, 0.1)
    assert meaning(tile, measured(4.0, 1.0, 0), SLIDES[0]) == ""
    assert "Measuring" in meaning(tile, None, SLIDES[0])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (40, "40 seconds"),
        (59, "1 minute"),
        (150, "2.5 minutes"),
        (3600, "1 hour"),
        (5400, "1.5 hours"),
        (40_000, "11 hours"),
        (200_000, "2.5 days"),
    ],
)
def test_durations_as_one_says_them(seconds, words):
    assert rough(seconds) == words


def test_the_slide_is_chosen_and_remembered(qtbot, demo, settings):
    demo.window.demo.slideChosen.emit("biopsy")
    assert settings.slide == "biopsy"


def test_types_that_are_a_guess_are_named_and_not_shown_to_an_audience(qtbot, ready):
    state = ready.store.state
    note = "Types were learned on synthetic tiles only."
    model = replace(state.opened.model, types_note=note)
    known = replace(state, opened=replace(state.opened, model=model))
    bench = resolve(known).drawn
    assert legend(bench)
    shown = resolve(replace(known, story=replace(known.story, on=True))).drawn
    assert legend(shown) == {}
    masks = [MaskMaker().make(drawn)[0][0].colours for drawn in (bench, shown)]
    assert not np.array_equal(masks[0].line, masks[1].line)
    ready.window.viewer.set_legend(legend(bench), (), note)
    labels = ready.window.viewer.findChildren(FittingLabel)
    assert any(label.toolTip() == note for label in labels)


def test_the_story_leaves_the_settings_alone(qtbot, ready):
    ready.window.show()
    ready.controller.set_request(sparsity=0.35)
    ready.controller.set_display(overlay="fill", visible=False)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    before = ready.store.state
    ready.controller.dispatch(events.DemoSwitched(True))
    for page in PAGES:
        ready.controller.dispatch(events.PageTurned(1))
        assert ready.store.state.display.overlay == page.overlay
    ready.controller.dispatch(events.DemoSwitched(False))
    after = ready.store.state
    assert after.request == before.request
    assert after.display == before.display
    # also when no page changed more than how masks are drawn
    ready.controller.dispatch(events.DemoSwitched(True))
    ready.controller.set_display(overlay="difference")
    ready.controller.dispatch(events.DemoSwitched(False))
    assert ready.store.state.display == before.display


def test_an_audience_sees_the_pictures_first(qtbot, demo):
    window = demo.window
    demo.window.demo.stepChosen.emit(0.9)
    qtbot.waitUntil(lambda: is_idle(demo), timeout=20_000)
    assert window.menus.toolbar.isHidden()
    assert window.menuBar().isHidden()
    assert window.status.isHidden()
    assert window.viewer.height() > window.height() / 2
    view = window.demo.plot.findChild(ChartView)
    assert [point.key.sparsity for point in view.chart.points].count(0.9) == 1
    said = " ".join((view.chart.x.title, view.chart.y.title, view.chart.empty))
    assert "params" not in said
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    qtbot.keyClick(window, Qt.Key.Key_F11)
    (leave,) = [b for b in window.demo.findChildren(QPushButton) if b.text() == "Leave"]
    qtbot.mouseClick(leave, Qt.MouseButton.LeftButton)
    assert window.menus.toolbar.isVisible()
    assert window.status.isVisible()
