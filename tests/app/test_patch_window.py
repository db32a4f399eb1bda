"""A patch classifier through the real window: classes, probabilities, accuracy."""

from dataclasses import replace

import numpy as np
import pytest
import skimage
import torch
from conftest import is_idle
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QTableView, QToolButton

from app import bootstrap
from core.metrics import score_patches
from core.models import LoadedModel, save_model
from core.models.catalogue import entries
from core.models.resnet import ResNet18
from core.tables import metrics_for

KINDS = ("stroma", "tumour", "other")


@pytest.fixture
def classifier(tmp_path):
    torch.manual_seed(0)
    spec = replace(
        entries()["resnet18"].spec,
        name="small classifier",
        config={"classes": 3, "base": 4},
        classes=KINDS,
        window=(64, 64),
    )
    path = tmp_path / "patches.safetensors"
    save_model(path, LoadedModel(ResNet18(classes=3, base=4).eval(), spec))
    return path


@pytest.fixture
def folder(tmp_path):
    """One folder a class, six patches."""
    place, tissue = tmp_path / "data", skimage.data.immunohistochemistry()
    for index in range(6):
        (place / KINDS[index % 3]).mkdir(parents=True, exist_ok=True)
        part = tissue[index * 70 : index * 70 + 64, 100:164]
        Image.fromarray(part).save(place / KINDS[index % 3] / f"p{index}.png")
    return place


def cells(table, column):
    model = table.model()
    rows = range(model.rowCount())
    return [model.index(row, column).data() for row in rows]


def button(window, words):
    return next(b for b in window.findChildren(QToolButton) if b.text() == words)


@pytest.mark.slow
def test_classes_probabilities_and_accuracy(qtbot, qapp, settings, classifier, folder):
    bench = bootstrap.build(settings)
    bench.window.show()
    bench.controller.set_request(heuristic="l2", sparsity=0.7)
    bench.controller.open(str(classifier), str(folder))
    qtbot.waitUntil(lambda: is_idle(bench), timeout=120_000)
    state, window = bench.store.state, bench.window
    assert state.message is None
    patches = state.outcome.patches
    assert [p.target for p in patches] == [p.name.split("/")[0] for p in patches]

    # accuracy of the pruned model is that of its probabilities, on the plots too
    truth = [KINDS.index(p.target) for p in patches]
    expected = score_patches(truth, np.array([p.pruned for p in patches]))
    assert state.outcome.scores["accuracy"] == expected.accuracy
    assert state.trials[0].scores["accuracy"] == expected.accuracy
    assert state.display.metric == "accuracy"
    box = next(b for b in window.findChildren(QComboBox) if b.findData("accuracy") >= 0)
    offered = [box.itemData(row) for row in range(box.count())]
    assert offered == [row.key for row in metrics_for("patch")]

    # each patch is listed with both classes and both probabilities
    button(window, "List").click()
    table = next(t for t in window.findChildren(QTableView) if t.isVisible())
    heads = [table.model().headerData(n, Qt.Orientation.Horizontal) for n in range(5)]
    assert heads == ["What", "Class", "Probability", "Known class", "Patch"]
    assert set(cells(table, 4)) == {p.name for p in patches}
    changed = [p.name for p in patches if p.changed]
    assert cells(table, 0).count("other class") == len(changed)
    assert set(cells(table, 4)[: len(changed)]) == set(changed)  # changed ones first

    # a click goes to the patch
    places = []
    window.layers.nuclei.placeChosen.connect(lambda x, y: places.append((x, y)))
    table.selectRow(table.model().rowCount() - 1)
    x, y = places[-1]
    label = int(state.opened.prediction.labels[int(y), int(x)])
    assert patches[label - 1].name == cells(table, 4)[-1]
    camera = window.viewer.pruned.camera
    assert (camera.x, camera.y) == pytest.approx((x, y), abs=1)

    # what a classifier does not have cannot be chosen, and the tip says why
    swipe = button(window, "Swipe")
    assert not swipe.isEnabled()
    assert "no masks" in swipe.toolTip()
    words = " ".join(b.text() for b in window.findChildren(QToolButton))
    assert "same class" in words

    bench.window.close()
    bench.window.deleteLater()


@pytest.mark.slow
def test_classes_are_named_in_the_window(qtbot, qapp, settings, tmp_path, folder):
    """A file of weights knows no names: they are typed, kept, and judged by."""
    from PySide6.QtWidgets import QDialogButtonBox, QPlainTextEdit

    from app.views.widgets.class_names import ClassNamesBox

    torch.manual_seed(0)
    path = tmp_path / "weights.pth"
    torch.save(ResNet18(classes=3).state_dict(), path)
    bench = bootstrap.build(settings)
    bench.controller.set_request(heuristic="l2", recovery="none")
    bench.controller.open(str(path), "sample:immunohistochemistry")
    qtbot.waitUntil(lambda: bench.store.state.opened is not None, timeout=120_000)
    assert len(bench.store.state.opened.model.classes) == 3
    bench.window.show()
    bench.window.command("model.classes").trigger()
    box = bench.window.findChild(ClassNamesBox)
    text, buttons = box.findChild(QPlainTextEdit), box.findChild(QDialogButtonBox)
    accept = buttons.button(QDialogButtonBox.StandardButton.Ok)
    text.setPlainText("one\ntwo")
    assert not accept.isEnabled()
    text.setPlainText("\n".join(KINDS))
    accept.click()
    qtbot.waitUntil(
        lambda: (
            bench.store.state.opening is None
            and bench.store.state.opened.model.classes == KINDS
        ),
        timeout=120_000,
    )
    assert (tmp_path / "weights.classes.txt").read_text().split() == list(KINDS)
    bench.controller.open("", str(folder))
    qtbot.waitUntil(
        lambda: (
            bench.store.state.opening is None
            and bench.store.state.opened.source.name == str(folder)
        ),
        timeout=120_000,
    )
    assert bench.store.state.message is None
    assert bench.store.state.opened.scores is not None
    bench.window.close_unasked()
    bench.window.deleteLater()
