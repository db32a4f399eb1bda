"""Settings that leave the window and come back, there or on the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import is_idle

from app.cli.arguments import parse
from app.state.app_state import AppState, Pane, showing
from app.state.display import Display
from app.state.session.setup_file import read_display, read_setup, setup_text
from core.errors import InputError
from core.types import FineTune, PruneRequest

ASKED = PruneRequest("l1", 0.7, "layer", "macs", "bn", 8, 2, 5, ("a", "b"))


def written(folder, **changes):
    state = AppState(panes=(Pane(ASKED),), display=Display(overlay="fill", opacity=0.5))
    values = json.loads(setup_text(state))
    values |= {"model": "m.safetensors", "tile": "t.png", "labels": "l.png"}
    values |= changes
    path = folder / "s.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_a_setup_comes_back(tmp_path):
    found = read_setup(written(tmp_path))
    assert found.request == ASKED
    assert (found.model, found.tile, found.labels) == (
        "m.safetensors",
        "t.png",
        "l.png",
    )
    display = read_display(Display(), found.display)
    assert display == Display(overlay="fill", opacity=0.5)


def test_training_comes_back(tmp_path):
    request = PruneRequest("l2", 0.5, recovery="finetune", training=FineTune(steps=9))
    path = tmp_path / "s.json"
    path.write_text(setup_text(showing(request)))
    assert read_setup(path).request == request
    assert parse(["--settings", str(path)]).request == request


@pytest.mark.parametrize("command", [[], ["prune"]])
def test_the_command_line_takes_a_setup(command, tmp_path):
    found = parse([*command, "--settings", written(tmp_path)])
    assert found.request == ASKED
    assert (found.model, found.source.pair) == ("m.safetensors", "t.png|l.png")
    assert found.given


def test_options_win_over_the_setup(tmp_path):
    line = ["prune", "--settings", written(tmp_path), "--sparsity", "0.2"]
    found = parse([*line, "--tile", "other.png", "--seed", "1"])
    assert found.request == replace(ASKED, sparsity=0.2, seed=1)
    assert found.source.pair == "other.png"  # the labels were those of the tile before
    assert found.model == "m.safetensors"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"prunescope": 9}, "no settings file"),
        ({"request": {"heuristic": "l2"}}, "sparsity"),
        ({"request": {"heuristic": "l2", "sparsity": "much"}}, "no number"),
        ({"request": {"heuristic": "l2", "sparsity": 2}}, "between"),
        ({"request": {"heuristic": "l2", "sparsity": 0.5, "seed": 1.5}}, "whole"),
        ({"request": {"heuristic": "l2", "sparsity": 0.5, "count": "x"}}, "none of"),
        ({"request": {"heuristic": "l2", "sparsity": 0.5, "hue": 1}}, "hue"),
        ({"request": []}, "object"),
        ({"model": 3}, "no text"),
    ],
)
def test_a_bad_setup_is_one_line(changes, word, tmp_path, capsys):
    path = written(tmp_path, **changes)
    with pytest.raises(InputError, match=word):
        read_setup(path)
    with pytest.raises(SystemExit) as stop:
        parse(["prune", "--settings", path])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


HOSTILE = Path(__file__).parents[3] / "shared/cases/hostile"
STRANGE = ("settings_*.json", "deep.json", "number.json")
CASES = [path for each in STRANGE for path in sorted(HOSTILE.glob(each))]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_hostile_settings_are_one_sentence(path, ready, capsys):
    ready.window.setupAsked.emit(str(path))
    assert path.name in ready.store.state.message.text
    assert "\n" not in ready.store.state.message.text
    with pytest.raises(SystemExit) as stop:
        parse(["prune", "--settings", str(path)])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "display", [{"opacity": float("inf")}, {"hidden_types": "x"}, {"hue": 1}, []]
)
def test_a_bad_display_is_said(display, ready, tmp_path):
    path = tmp_path / "s.json"
    values = json.loads(setup_text(ready.store.state)) | {"display": display}
    path.write_text(json.dumps(values))
    before = ready.store.state.display
    ready.window.setupAsked.emit(str(path))
    assert ready.store.state.display == before
    assert ready.store.state.message.kind == "error"


@pytest.mark.parametrize("text", [None, "{", "[1]", "\x00"])
def test_a_file_that_is_none(text, tmp_path):
    path = tmp_path / "s.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError):
        read_setup(path)


def test_the_window_exports_and_uses_a_setup(qtbot, ready, tmp_path):
    path = str(tmp_path / "s.json")
    ready.controller.set_request(sparsity=0.3, heuristic="l2")
    ready.controller.set_display(overlay="fill")
    ready.window.exportAsked.emit("settings", path)
    assert "Saved" in ready.store.state.message.text
    kept = ready.store.state
    ready.controller.set_request(sparsity=0.8, heuristic="random")
    ready.controller.set_display(overlay="outline")
    ready.window.setupAsked.emit(path)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    assert ready.store.state.request == kept.request
    assert ready.store.state.display == kept.display
    (tmp_path / "bad.json").write_text("{")
    ready.window.setupAsked.emit(str(tmp_path / "bad.json"))
    assert "no settings file" in ready.store.state.message.text
    assert ready.store.state.request == kept.request
