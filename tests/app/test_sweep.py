"""The sweep window: real widgets, a real process, a real store."""

import os
from pathlib import Path

import numpy as np
import psutil
import pytest
import skimage
import stores
from fakes import FakeEngine
from finding import captioned, named, segments
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QCheckBox, QPushButton, QSpinBox

from app.cli.arguments import parse
from app.controllers.sweeps import sweeping
from app.controllers.sweeps.process import order_of
from app.controllers.sweeps.sweeping import (
    Sweeping,
    count_images,
    default_store,
    same_model,
)
from app.plots.data import PlotData
from app.plots.state_data import Caption
from app.state.machines import Machines
from app.state.plot_settings import PlotSettings
from app.views.panels.sweep import SweepWindow
from app.views.widgets.store_list import StoreList
from app.worker.runner import Runner
from core.results import TrialIdentity
from core.sources import Source
from core.store import TrialStore, read_store
from core.sweep.messages import SweepCommand
from core.tables import COUNTS, RECOVERIES
from core.types import FineTune, PruneRequest

LONG = 240_000  # ms, for a busy machine; nothing waits that long when it works


class Quiet:
    def step(self, *_):
        pass

    def publish(self, _):
        pass


@pytest.fixture
def tile(tmp_path):
    """A tile with labels beside it: a score is defined whatever a model finds."""
    path = tmp_path / "images" / "t.png"
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    Image.fromarray(skimage.data.immunohistochemistry()[:64, 100:164]).save(path)
    blocks = np.kron(np.arange(16).reshape(4, 4), np.ones((16, 16)))
    Image.fromarray(blocks.astype(np.uint8)).save(tmp_path / "labels" / "t.png")
    return path


@pytest.fixture
def opened(tile):
    return FakeEngine().open(
        "unet-tiny", Source.of_tile(str(tile)), Quiet(), before=None
    )


@pytest.fixture
def went():
    return []


@pytest.fixture
def bare(qapp):
    """A sweep window that nothing is joined to."""
    return SweepWindow()


@pytest.fixture
def joined(qtbot, bare, went, monkeypatch, tmp_path):
    monkeypatch.setattr(
        sweeping, "default_store", lambda _: tmp_path / "new" / "run.sqlite"
    )
    runner = Runner()
    both = Sweeping(bare, runner, went.append)
    yield both
    both.close()
    assert runner.close()
    assert not both.process.running


@pytest.fixture
def window(joined, bare):
    return bare


def button(window, words):
    (found,) = [b for b in window.findChildren(QPushButton) if b.text() == words]
    return found


def mark(window, *names):
    """Mark these heuristics as a user would, and no others."""
    rows = named(window, "Heuristics")
    for row in range(rows.count()):
        item = rows.item(row)
        if item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            on = item.data(Qt.ItemDataRole.UserRole) in names
            state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
            item.setCheckState(state)


def spin(window, name, value):
    (found,) = [s for s in window.findChildren(QSpinBox) if s.accessibleName() == name]
    found.setValue(value)


def small(window, *, step=45):
    """Choose 2 heuristics x 3 sparsities, without latency."""
    mark(window, "l2", "random")
    spin(window, "Step of sparsity", step)
    (box,) = [b for b in window.findChildren(QCheckBox) if "latency" in b.text()]
    box.setChecked(False)


def accuracy(window):
    return window.charts.frames["accuracy"].chart


def points(window):
    return len(list(accuracy(window).points))


# ---------------------------------------------------------------------- widgets


def test_nothing_can_start_before_a_model_is_open(window):
    assert not button(window, "Start sweep").isEnabled()
    assert named(window, "Size of the sweep").text() == "Open a model first."


def test_the_controls_make_up_a_wish(joined, window, opened, tmp_path):
    joined.set_opened(opened)
    spy = QSignalSpy(window.wishChanged)
    small(window)
    wish = window.form.wish
    assert wish.heuristics == ("l2", "random")
    assert wish.sparsities == (0.0, 0.45, 0.9)
    assert wish.out == str(tmp_path / "new" / "run.sqlite")
    assert not wish.latency
    assert spy.count() >= 3
    assert (
        named(window, "Size of the sweep")
        .text()
        .startswith("6 trials on 1 tile, roughly ")
    )
    assert button(window, "Start sweep").isEnabled()
    mark(window)
    assert named(window, "Size of the sweep").text() == "Choose at least one heuristic."
    assert not button(window, "Start sweep").isEnabled()


def test_counts_locks_and_training_are_part_of_the_wish(joined, window, opened):
    joined.set_opened(opened)
    small(window)
    keep = captioned(window, "Keep locked layers")
    minutes = named(window, "Minutes of fine-tuning")
    assert not keep.isEnabled()
    assert window.form.wish.locked == ()
    joined.set_locked(("encoder.0",))
    assert window.form.wish.locked == ("encoder.0",)
    keep.click()
    joined.set_locked(("encoder.0", "encoder.1"))  # no is no, whatever is locked next
    assert window.form.wish.locked == ()
    for key in COUNTS:
        segments(window, "Sparsity counts")[COUNTS[key].title].click()
        assert window.form.wish.count == key
    window.show()
    short = window.form.wish.seconds(1, 0.1, 2)
    assert not minutes.isVisible()
    captioned(window, RECOVERIES["finetune"].short).click()
    assert minutes.isVisible()
    minutes.setValue(3.0)
    longer = window.form.wish.seconds(1, 0.1, 2)
    assert longer - short > 6 * 3 * 60  # six models are trained
    window.close()


def test_the_machines_are_part_of_the_wish(joined, window, opened):
    joined.set_opened(opened)
    small(window)
    size = named(window, "Size of the sweep")
    assert window.form.wish.machines.asked() == ("", 0)
    machines = segments(window, "Machines")
    machines["Workers here"].click()
    spin(window, "Workers", 3)
    assert window.form.wish.machines.asked() == ("", 3)
    assert size.text().startswith("6 trials on 1 tile, on 3 workers here.")
    machines["Cluster"].click()
    assert size.text() == "Type the scheduler's address, such as tcp://node1:8786."
    assert not button(window, "Start sweep").isEnabled()
    address = named(window, "Address of the scheduler")
    QTest.keyClicks(address, "tcp://node1:8786")
    assert window.form.wish.machines.asked() == ("tcp://node1:8786", 0)
    assert "on the workers of tcp://node1:8786" in size.text()
    order = SweepCommand.from_json(order_of("unet-tiny", window.form.wish, ""))
    assert (order.scheduler, order.workers) == ("tcp://node1:8786", 0)
    said = Machines("workers", "", 3).arguments()
    common = [
        "sweep",
        "--model",
        "m",
        "--data",
        "d",
        "--heuristics",
        "l2",
        "--sparsities",
        "0.5",
        "--out",
        "o",
    ]
    assert parse([*common, *said]).workers == 3


def test_what_the_open_model_lacks_cannot_be_marked(joined, window, opened):
    joined.set_opened(opened)
    missing = {each.name for each in opened.heuristics if each.needs}
    assert missing
    assert not missing & set(window.form.wish.heuristics)


def test_a_folder_is_counted(joined, window, opened, tmp_path):
    joined.set_opened(opened)
    mark(window, "l2")
    segments(window, "Tiles")["Folder"].click()
    assert named(window, "Size of the sweep").text() == "Choose a folder of tiles."
    (tmp_path / "data" / "images").mkdir(parents=True)
    window.form.set_folder(str(tmp_path / "data"))
    window.form.changed.emit(window.form.wish)
    assert "holds no images" in named(window, "Size of the sweep").text()
    (tmp_path / "full" / "images").mkdir(parents=True)
    for name in "abc":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.png").rename(tmp_path / "full" / "images" / f"{name}.png")
    window.form.set_folder(str(tmp_path / "full"))
    window.form.changed.emit(window.form.wish)
    assert "on 3 tiles" in named(window, "Size of the sweep").text()
    assert window.form.wish.data == str(tmp_path / "full")
    classes = tmp_path / "classes"
    for name in ("fat", "tumour"):
        (classes / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(classes / name / "a.png")
    assert count_images(classes) == 2
    assert count_images(tmp_path / "nothing") == 0


def test_setters_are_silent(joined, window, opened):
    spies = [
        QSignalSpy(signal)
        for signal in (
            window.wishChanged,
            window.charts.settingsChosen,
            window.startAsked,
        )
    ]
    joined.set_opened(opened)
    window.form.set_store("x.sqlite")
    window.form.set_folder("y")
    window.charts.set_data(PlotData(), PlotSettings(score="pq"), Caption())
    assert [spy.count() for spy in spies] == [0, 0, 0]


def test_every_control_says_what_it_does(window):
    kinds = (QPushButton, QCheckBox, QSpinBox)
    for widget in (each for kind in kinds for each in window.findChildren(kind)):
        assert widget.toolTip().endswith("."), widget


def test_closing_hides_and_keeps(window, qtbot):
    window.show()
    window.close()
    assert window.isHidden()
    window.show()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.isHidden()


# ------------------------------------------------------------------- the process


def test_a_sweep_fills_the_plots_is_cancelled_and_goes_on(
    joined, window, opened, qtbot, went
):
    joined.set_opened(opened)
    small(window, step=10)  # enough of them that it is not over when cancelled
    out = Path(window.form.wish.out)
    qtbot.mouseClick(button(window, "Start sweep"), Qt.MouseButton.LeftButton)
    assert button(window, "Cancel").isEnabled()
    assert not window.form.isEnabled()
    # points come while the sweep runs, not only when it is over
    qtbot.waitUntil(lambda: points(window) > 0, timeout=LONG)
    pid = joined.process.pid
    qtbot.mouseClick(button(window, "Cancel"), Qt.MouseButton.LeftButton)
    # at once: nothing is waited for
    assert not joined.process.running
    assert window.form.isEnabled()
    assert "Cancelled" in named(window, "What the sweep does").text()
    qtbot.waitUntil(lambda: not psutil.pid_exists(pid) if pid else True, timeout=LONG)
    kept = len(read_store(out).records)
    assert kept >= 1
    window.form.changed.emit(window.form.wish)
    assert "Goes on where it stopped" in named(window, "Size of the sweep").text()
    qtbot.mouseClick(button(window, "Start sweep"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: "Done." in named(window, "What the sweep does").text(), timeout=LONG
    )
    total = len(read_store(out).records)
    assert total > max(kept, 8)
    qtbot.waitUntil(lambda: points(window) == total, timeout=LONG)
    assert (
        f"{total - kept} trials computed" in named(window, "What the sweep does").text()
    )
    # a click on a point goes to that state
    point = next(accuracy(window).points)
    window.charts.frames["accuracy"].chosen.emit(point.key)
    assert went == [point.key.request]


def test_what_the_panel_says_is_what_is_pruned(joined, window, opened, qtbot):
    joined.set_opened(opened)
    joined.set_locked(("encoder.0",))
    small(window)
    mark(window, "l2")
    spin(window, "First sparsity", 40)
    spin(window, "Last sparsity", 40)
    segments(window, "Sparsity counts")[COUNTS["macs"].title].click()
    for row in RECOVERIES.values():
        captioned(window, row.short).setChecked(row.key == "finetune")
    named(window, "Minutes of fine-tuning").setValue(0.1)
    out = Path(window.form.wish.out)
    qtbot.mouseClick(button(window, "Start sweep"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: "Done." in named(window, "What the sweep does").text(), timeout=LONG
    )
    (record,) = read_store(out).records
    training = FineTune(minutes=0.1)
    assert record.trial.request == PruneRequest(
        *("l2", 0.4, "network", "macs", "finetune"),
        locked=("encoder.0",),
        training=training,
    )
    assert abs(1 - record.pruned.macs / record.dense.macs - 0.4) < 0.1


def test_closing_ends_a_running_sweep(qtbot, opened, tmp_path):
    window, runner = SweepWindow(), Runner()
    both = Sweeping(window, runner, lambda _: None)
    both.set_opened(opened)
    window.form.set_store(str(tmp_path / "a.sqlite"))
    small(window)
    both.start(window.form.wish)
    qtbot.waitUntil(lambda: both.process.running, timeout=LONG)
    qtbot.waitUntil(lambda: both.process.pid > 0, timeout=LONG)
    pid = both.process.pid
    both.close()
    assert runner.close()
    assert not psutil.pid_exists(pid)


def test_a_sweep_that_cannot_be_says_why(joined, window, opened, qtbot, tmp_path):
    joined.set_opened(opened)
    small(window)
    (tmp_path / "a.sqlite").mkdir()
    window.form.set_store(str(tmp_path / "a.sqlite"))
    qtbot.mouseClick(button(window, "Start sweep"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: "is a folder" in named(window, "Message").text(), timeout=LONG
    )
    assert button(window, "Start sweep").isEnabled()
    (tmp_path / "file").touch()
    window.form.set_store(str(tmp_path / "file" / "b.sqlite"))
    qtbot.mouseClick(button(window, "Start sweep"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: "cannot be made" in named(window, "Message").text(), timeout=LONG
    )
    assert window.form.isEnabled()


@pytest.mark.skipif(os.name == "nt", reason="signals are others on Windows")
def test_a_process_that_dies_is_told(joined, window, opened, qtbot):
    joined.set_opened(opened)
    small(window)
    joined.start(window.form.wish)
    qtbot.waitUntil(lambda: joined.process.pid > 0, timeout=LONG)
    psutil.Process(joined.process.pid).kill()
    qtbot.waitUntil(
        lambda: "ended by itself" in named(window, "Message").text(), timeout=LONG
    )
    assert window.form.isEnabled()


# ----------------------------------------------------------------- earlier stores


def test_stores_of_two_machines_lie_over_each_other(
    joined, window, opened, qtbot, tmp_path
):
    joined.set_opened(opened)
    first = stores.write(tmp_path / "first.sqlite")
    second = stores.write(
        tmp_path / "second.sqlite", stores.requests(("l2",)), machine="AMD EPYC"
    )
    for path in (first, second, first):  # opened twice, it is drawn once
        window.openAsked.emit(str(path))
    qtbot.waitUntil(lambda: points(window) == 40, timeout=LONG)
    rows = window.findChild(StoreList).rows
    assert [row.name for row in rows] == ["first.sqlite", "second.sqlite"]
    assert rows[0].about == "Intel Xeon, 4 cores · 30 trials · 1 tile"
    assert rows[1].about.startswith("AMD EPYC, 4 cores")
    assert rows[0].dash != rows[1].dash
    box = window.charts.score
    names = [box.itemText(k) for k in range(box.count())]
    assert names == ["AJI", "PQ", "Dice", "F1"]
    before = next(accuracy(window).points).y
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert next(accuracy(window).points).y != before
    window.findChild(StoreList).closeAsked.emit(0)
    assert points(window) == 10
    assert first.exists()


def test_points_of_another_model_say_so(
    joined, window, opened, went, tmp_path, monkeypatch
):
    joined.set_opened(opened)
    other = TrialIdentity("other.safetensors", "w", "", PruneRequest("l2", 0.5))
    window.charts.pointChosen.emit(other)
    assert "open that model first" in named(window, "Message").text()
    assert went == []
    window.charts.pointChosen.emit(TrialIdentity("unet-tiny", "w", "", other.request))
    assert went == [other.request]
    assert named(window, "Message").text() == ""
    model = tmp_path / "m.safetensors"
    model.touch()
    monkeypatch.chdir(tmp_path)
    assert same_model("m.safetensors", str(model))
    assert not same_model("m.safetensors", "n.safetensors")


def test_trials_without_any_score_say_so(joined, window, qtbot, tmp_path):
    """As of a network that finds nothing, before or after."""
    bare = stores.record(PruneRequest("l2", 0.5), tiles=(), latency=None)
    with TrialStore(tmp_path / "a.sqlite") as store:
        store.add(bare)
    window.openAsked.emit(str(tmp_path / "a.sqlite"))
    qtbot.waitUntil(
        lambda: "finds a nucleus" in named(window, "Message").text(), timeout=LONG
    )


def test_what_is_no_store_says_so(joined, window, qtbot, tmp_path):
    window.openAsked.emit(str(tmp_path / "none.sqlite"))
    qtbot.waitUntil(
        lambda: "does not exist" in named(window, "Message").text(), timeout=LONG
    )
    assert points(window) == 0


def test_where_results_go_by_default():
    assert default_store("demo").name == "demo.sqlite"
    assert default_store("/a/b/net.safetensors").name == "net.sqlite"


# ------------------------------------------------------------ from the main window


@pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise")
def test_the_button_opens_it_with_what_is_open(bench, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "default_store", lambda _: tmp_path / "run.sqlite")
    main = bench.window
    action = main.command("run.sweep")
    action.trigger()
    (panel,) = main.findChildren(SweepWindow)
    assert panel.isVisible()
    bench.controller.open("demo", "")
    qtbot.waitUntil(lambda: bench.store.state.opened is not None)
    assert "trials on 1 tile" in named(panel, "Size of the sweep").text()
    # a click on a point of the open model's sweep goes there
    request = PruneRequest("l2", 0.35, recovery="bn")
    source = bench.store.state.opened.model.source
    panel.charts.pointChosen.emit(TrialIdentity(source, "w", "", request))
    assert bench.store.state.request == request
    action.trigger()  # a second time it is the same one
    assert main.findChildren(SweepWindow) == [panel]
