"""From people's own files to a pruned, scored, exported model, in the window alone."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtWidgets import QFileDialog, QPushButton

from app import bootstrap
from app.__main__ import main
from app.views.widgets.model_box import ModelBox
from app.worker.writing import ExportJob, write_folder
from core.job import Job
from core.models import load_model
from tests.core.images.conftest import shared
from tests.core.models.conftest import monai, smp

__all__ = ["monai", "shared", "smp"]
pytestmark = pytest.mark.timeout(1800)  # other programs may use the processor
MODELS = {
    "a HoVer-Net .tar": ("cases", "models", "no_upsample_buffer.tar"),
    "an ONNX file": ("models", "bioimageio_unet2d_nuclei_broad", "weights.onnx"),
    "an smp U-Net": (),
    "a MONAI bundle": (),
}
# torch's exporter takes minutes for larger networks: these are written as ONNX, too.
WINDOW_ONNX = ("an ONNX file",)
COMMAND_ONNX = ("a MONAI bundle", "a slide")


@pytest.fixture
def person(qtbot, qapp, settings, monkeypatch):
    """Someone in front of the window: chooses files, and waits."""
    from app.controllers import controller

    monkeypatch.setattr(controller, "IDLE_MS", 3_600_000)
    monkeypatch.setattr(controller, "REST_MS", 3_600_000)  # nothing is measured
    one = Person(qtbot, bootstrap.build(settings), monkeypatch)
    yield one
    one.window.close_unasked()
    one.window.deleteLater()


class Person:
    def __init__(self, qtbot, bench, monkeypatch):
        self.qtbot, self.bench, self.window = qtbot, bench, bench.window
        self._patch = monkeypatch.setattr
        self.window.show()

    @property
    def state(self):
        return self.bench.store.state

    def wait(self, ready):
        self.qtbot.waitUntil(ready, timeout=900_000)  # a guard, no limit

    def choose(self, command, path):
        """Run a command whose box for files is answered with a path."""
        answer = (str(path), "")
        for name in ("getOpenFileName", "getSaveFileName"):
            self._patch(QFileDialog, name, lambda *_: answer)
        self._patch(QFileDialog, "getExistingDirectory", lambda *_: str(path))
        self.window.command(command).trigger()

    def open(self, command, path):
        """Open a file and wait for it; a message would say why it cannot be."""
        before = self.state.opened
        self.choose(command, path)
        self.wait(
            lambda: (
                self.state.opening is None
                and (self.state.opened is not before or self.state.choosing is not None)
            )
        )

    def open_folder(self, path):
        """Open the folder of a model from the box of models."""
        before = self.state.opened
        self._patch(QFileDialog, "getExistingDirectory", lambda *_: str(path))
        self.window.command("open.models").trigger()
        buttons = self.window.findChild(ModelBox).findChildren(QPushButton)
        next(one for one in buttons if one.text() == "Open folder…").click()
        self.wait(lambda: not self.state.opening and self.state.opened is not before)

    def save(self, command, path):
        self.window.messages.dismissed.emit()
        self.choose(command, path)
        self.wait(lambda: path.exists() and not self.state.asked)
        self.wait(lambda: self.state.message is not None)
        assert "Saved" in self.state.message.text

    def prune(self, **changes):
        self.bench.controller.set_request(**changes)
        self.wait(lambda: self.state.current)


def save_smp(smp, path):
    torch.manual_seed(0)
    torch.save(smp.Unet("resnet18", encoder_weights=None).state_dict(), path)
    return path


def save_bundle(monai, folder):
    """A bundle as MONAI lays it out: a config that names the network, and weights."""
    torch.manual_seed(0)
    sizes = {"channels": [8, 16, 32], "strides": [2, 2], "norm": "batch"}
    sizes |= {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
    network = monai.UNet(**sizes)
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    definition = {"_target_": "monai.networks.nets.UNet", **sizes}
    for name, config in (("inference", {"network_def": definition}), ("metadata", {})):
        (folder / "configs" / f"{name}.json").write_text(json.dumps(config))
    return folder


def find_model(kind, shared, request, folder):
    """The file or folder that someone has."""
    if MODELS[kind]:
        return shared.joinpath(*MODELS[kind])
    if "smp" in kind:
        return save_smp(request.getfixturevalue("smp"), folder / "unet.pth")
    return save_bundle(request.getfixturevalue("monai"), folder / "bundle")


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_file_is_pruned_scored_and_exported(
    person, shared, tmp_path, request, kind
):
    model = find_model(kind, shared, request, tmp_path)
    labels = shared / "cases" / "labels"
    person.bench.controller.set_request(heuristic="l2", recovery="none")
    person.bench.controller.open("unet-tiny", str(labels / "tile.png"))
    person.wait(lambda: person.state.opened is not None)
    if model.is_dir():
        person.open_folder(model)
    else:
        person.open("open.model", model)
    said = person.state.message  # most of these weights are random
    assert said is None or "may be unlike what the model was trained on" in said.text
    assert person.state.opened.model.source == str(model)
    person.open("open.labels", labels / "consep.mat")
    assert person.state.opened.scores is not None
    person.prune(sparsity=0.8)
    found = person.state.outcome
    removed = 1 - found.counts.params / person.state.opened.counts.params
    assert removed == pytest.approx(0.8, abs=0.02)
    assert set(found.scores) >= {"aji", "pq", "dice"}
    person.save("save.model", tmp_path / "small.safetensors")
    again = load_model(tmp_path / "small.safetensors")
    assert again.plan is not None
    assert sum(p.numel() for p in again.module.parameters()) == found.counts.params
    if kind in WINDOW_ONNX:
        person.save("save.model", tmp_path / "small.onnx")
    # and the exported model is opened and pruned again, beside what it came from
    person.open("open.model", tmp_path / "small.safetensors")
    assert person.state.opened.model.pruned
    assert person.state.opened.counts.params == found.counts.params


@pytest.mark.slow
def test_a_slide_is_pruned_and_reported(person, shared, tmp_path):
    slide = shared / "data" / "slides" / "CMU-1-Small-Region.svs"
    person.bench.controller.set_request(heuristic="l2", recovery="none")
    person.bench.controller.open("unet-tiny", "sample:synthetic")
    person.wait(lambda: person.state.opened is not None)
    person.open("open.tile", slide)
    assert person.state.choosing is not None
    person.window.part.placed.emit(900.0, 1500.0)
    before = person.state.opened
    person.window.part.opened.emit()
    person.wait(lambda: person.state.opened is not before)
    person.prune(sparsity=0.8)
    person.save("save.model", tmp_path / "small.safetensors")
    assert load_model(tmp_path / "small.safetensors").plan is not None
    person.save("save.report", tmp_path / "report.html")
    source = person.state.opened.source
    said = (tmp_path / "report.html").read_text()
    assert f"#{source.view}" in said
    assert "0.499 \N{MICRO SIGN}m per pixel" in said
    assert "Same scale" in said
    session = person.state.opened.session
    leaving = ExportJob(
        session.bench, session.source, person.state.request, tile=session.tile
    )
    write_folder(tmp_path / "all", leaving, Job(), ["safetensors"])
    card = (tmp_path / "all" / "pruned.md").read_text()
    assert str(source.view.region[0]) in card


@pytest.mark.slow
@pytest.mark.parametrize("agreed", [False, True])
def test_an_own_network_is_run_only_after_a_consent(
    person, shared, tmp_path, monkeypatch, agreed
):
    from PySide6.QtWidgets import QMessageBox

    from app.views.main_window import own_network

    monkeypatch.setenv("PRUNESCOPE_ALLOWED_NETWORKS", "{}")
    code = tmp_path / "my_net.py"
    source = (shared / "cases" / "models" / "my_net.py").read_text()
    mark = tmp_path / "ran"
    code.write_text(f"{source}\nopen({str(mark)!r}, 'w').close()\n")
    assert own_network.find_names(code) == ["MyNet"]
    assert not mark.exists()  # names are read, nothing is run
    person.bench.controller.set_request(heuristic="l2", recovery="none")
    person.bench.controller.open("unet-tiny", "sample:synthetic")
    person.wait(lambda: person.state.opened is not None)
    files = [str(code), str(shared / "cases" / "models" / "my_net_state.pth")]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (files.pop(0), ""))
    said = []

    def answer(box):
        said.append(box.text())
        words = "Run it" if agreed else "Cancel"
        next(b for b in box.buttons() if b.text().replace("&", "") == words).click()

    monkeypatch.setattr(QMessageBox, "exec", answer)
    own_network.ask_network(person.window)
    assert str(code) in said[0]
    if not agreed:
        assert person.state.opening is None
        assert not mark.exists()
        return
    person.wait(lambda: "my_net" in person.state.opened.model.source)
    assert mark.exists()
    person.prune(sparsity=0.5)
    assert person.state.outcome.counts.params < person.state.opened.counts.params


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*MODELS, "a slide"])
def test_the_same_from_the_command_line(kind, shared, tmp_path, request, capsys):
    labels = shared / "cases" / "labels"
    line = ["--tile", str(labels / "tile.png"), "--labels", str(labels / "consep.mat")]
    model = "unet-tiny"
    if kind == "a slide":
        truth = np.kron(np.arange(64).reshape(8, 8), np.ones((16, 16), int))
        Image.fromarray(truth.astype(np.uint16)).save(tmp_path / "truth.png")
        slide = shared / "data" / "slides" / "CMU-1-Small-Region.svs"
        line = ["--tile", str(slide), "--region", "900,1500,128,128"]
        line += ["--labels", str(tmp_path / "truth.png")]
    else:
        model = str(find_model(kind, shared, request, tmp_path))
    out = tmp_path / "out"
    kinds = "safetensors,onnx" if kind in COMMAND_ONNX else "safetensors"
    line += ["--model", model, "--heuristic", "l2", "--recovery", "none"]
    line += ["--sparsity", "0.8", "--formats", kinds, "--out", str(out), "--json"]
    assert main(["prune", *line]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sparsity"]["params"] == pytest.approx(0.8, abs=0.02)
    assert set(found["scores"]["pruned"]) >= {"aji", "pq", "dice"}
    if "," in kinds:
        again = load_model(out / "pruned.onnx")
        assert sum(p.numel() for p in again.module.parameters()) > 0
    again = load_model(out / "pruned.safetensors")
    assert again.plan is not None
    count = sum(p.numel() for p in again.module.parameters())
    assert count == found["params"]["pruned"]
