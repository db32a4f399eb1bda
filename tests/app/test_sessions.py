"""Sessions come back whole, whatever happened; U5 of the list of faults."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import is_idle
from fakes import FakeEngine, counts_at, timed, trial
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from app.controllers import autosave as saving
from app.controllers.autosave import Autosave, find_slot
from app.state import events
from app.state.app_state import AppState, Pane
from app.state.display import Display
from app.state.history import Arrangement, History
from app.state.plot_settings import AxisChoice, PlotSettings
from app.state.reduce import reduce
from app.state.session.session_file import (
    find_missing,
    read_session,
    session_text,
    to_session,
    write_session,
)
from app.state.store import Store
from core.errors import InputError
from core.results import LayerStep
from core.sources import DEFAULT_TILE, Source
from core.types import FineTune, PruneRequest

HERE = Path(__file__).parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="POSIX signals")


class Nobody:
    """Who waits for work without listening."""

    def step(self, *_):
        pass

    def publish(self, _):
        pass


def opened(model="demo", tile="", contents=("m", "t")):
    found = FakeEngine().open(model, Source.of_tile(tile), Nobody(), before=None)
    return replace(found, contents=contents)


OPENED = opened()


def put_back(session, found=OPENED):
    """Return the state after a session was opened, as the window gets there."""
    state = AppState()
    asked = events.OpenAsked(
        session.model, Source.of_tile(session.tile), lambda _: found, session
    )
    state = reduce(state, asked)
    return reduce(state, events.Finished(state.work.number, found))


shares = st.integers(0, 990).map(lambda n: n / 1000)
requests = st.builds(
    PruneRequest,
    st.sampled_from(["reconstruction", "l2", "random"]),
    shares,
    scope=st.sampled_from(["network", "layer", "encoder", "decoder0.conv1"]),
    count=st.sampled_from(["params", "macs", "latency"]),
    recovery=st.sampled_from(["none", "refit", "finetune"]),
    seed=st.integers(0, 2**63 - 1),
    locked=st.lists(st.sampled_from(["encoder0.conv1", "decoder1.conv2"])).map(tuple),
    training=st.builds(FineTune, minutes=shares, data=st.text(max_size=5)),
    ratios=st.lists(st.tuples(st.text(max_size=3), shares), max_size=2).map(tuple),
)
numbers = st.floats(-1e9, 1e9) | st.just(float("nan"))
scores = st.dictionaries(st.sampled_from(["aji", "pq", "dice"]), numbers)


@st.composite
def trials(draw):
    request = draw(requests)
    measured = None
    if draw(st.booleans()):
        speedup = draw(st.sampled_from([0.5, 1.0, 2.0, 4.0]))
        ends = (speedup * 0.9, draw(st.just(speedup * 1.1) | st.just(float("inf"))))
        step = LayerStep("encoder0.conv1", 2.0, 1.0, 17, 16, 0.2)
        more = {"reason": draw(st.text(max_size=9)), "layers": (step,), "pixels": 65536}
        measured = timed(request, 62.0, speedup, ends, level=61.5, **more)
    return replace(
        trial(request, scores=draw(scores), measured=measured),
        pruned=counts_at(request.sparsity),
        agreement=draw(scores),
        intervals={"aji": (draw(numbers), draw(numbers))},
        kept=draw(numbers),
    )


arrangements = st.lists(requests, min_size=1, max_size=4).flatmap(
    lambda found: st.builds(
        Arrangement,
        st.just(tuple(found)),
        st.integers(0, len(found) - 1),
        st.sampled_from(["free", "sparsity", "latency"]),
    )
)
states = st.builds(
    lambda panes, found, past, future, opacity, hidden, log: AppState(
        opened=OPENED,
        panes=tuple(map(Pane, panes.requests)),
        active=panes.active,
        lock=panes.lock,
        trials=tuple(found),
        history=History(tuple(past), tuple(future)),
        display=Display("difference", opacity=opacity, hidden_types=(2,)),
        plots=PlotSettings(
            hidden=frozenset({each.key(without={"sparsity"}) for each in hidden}),
            choices=(("sizes", AxisChoice("params", "macs", log)),),
        ),
        tuning=FineTune(minutes=3.5),
    ),
    arrangements,
    st.lists(trials(), max_size=4),
    st.lists(arrangements, max_size=3),
    st.lists(arrangements, max_size=2),
    st.floats(0, 1),
    st.lists(requests, max_size=2),
    st.booleans(),
)


def plain(found):
    """Return points in a form in which nan equals nan."""
    return [
        (
            each.request,
            each.dense,
            each.pruned,
            repr([sorted(d.items()) for d in (each.scores, each.agreement)]),
            repr((sorted(each.intervals.items()), each.kept)),
            each.measured
            and repr(
                (
                    each.measured.as_dict(),
                    each.measured.summary(),
                    each.measured.reason,
                    each.measured.level,
                    each.measured.layers,
                )
            ),
        )
        for each in found
    ]


FEW = tried(
    max_examples=15,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@FEW
@given(states)
def test_a_session_comes_back_as_it_was(tmp_path_factory, state):
    path = tmp_path_factory.getbasetemp() / "a.prunescope"
    write_session(path, to_session(state))
    back = put_back(read_session(path))
    assert [pane.request for pane in back.panes] == [p.request for p in state.panes]
    assert (back.active, back.lock) == (state.active, state.lock)
    assert plain(back.trials) == plain(state.trials)
    assert back.history == state.history
    assert back.display == state.display
    assert back.plots == state.plots
    assert back.tuning == state.tuning


def test_points_of_a_changed_tile_are_left_out_and_said(tmp_path):
    request = PruneRequest("l2", 0.5)
    state = AppState(
        opened=OPENED, panes=(Pane(request),), trials=(trial(request, scores={}),)
    )
    session = to_session(state)
    back = put_back(session, opened(contents=("m", "another")))
    assert back.trials == ()
    assert back.request == request
    assert "changed since the session was saved" in back.message.text


def test_an_old_measurement_keeps_its_median(monkeypatch):
    monkeypatch.setattr("app.state.session.session_file._MOST_RAW", 1)
    found = [
        trial(
            PruneRequest("l2", share),
            scores={},
            measured=timed(PruneRequest("l2", share), 60.0, 2.0),
        )
        for share in (0.1, 0.2, 0.3)
    ]
    session = to_session(AppState(opened=OPENED, trials=tuple(found)))
    assert ["ms" in t.measured.times["dense"] for t in session.trials] == [
        False,
        False,
        True,
    ]
    assert [t.measured.dense_ms for t in session.to_trials()] == [60.0] * 3


GOOD = json.loads(
    session_text(
        to_session(
            AppState(
                opened=OPENED,
                history=History((Arrangement((PruneRequest("l2", 0.5),)),)),
                trials=(
                    trial(
                        PruneRequest("l2", 0.5),
                        scores={"aji": 0.8},
                        measured=timed(PruneRequest("l2", 0.5), 60.0, 2.0),
                    ),
                ),
            )
        )
    )
)


def changed(**values):
    """Return the good session with values at dotted places."""
    text = json.loads(json.dumps(GOOD))
    for place, value in values.items():
        *way, last = place.split("__")
        where = text
        for name in way:
            where = where[int(name) if name.isdigit() else name]
        where[int(last) if last.isdigit() else last] = value
    return json.dumps(text).encode()


HOSTILE = {
    "empty": b"",
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00cposix\nsystem\n.",
    "deep": b"[" * 100_000,
    "list": b"[]",
    "settings": b'{"prunescope": 1}',
    "newer": changed(session=2),
    "no_version": changed(session="1"),
    "no_pane": changed(panes=[]),
    "panes": changed(panes=GOOD["panes"] * 9),
    "active": changed(active=7),
    "minus": changed(active=-1),
    "undo": changed(past__0__active=3),
    "undo_empty": changed(past__0__requests=[]),
    "steps": changed(panes__0__steps=10**9),
    "opacity": changed(display__opacity=1e308),
    "metric": changed(display__metric="no such"),
    "score": changed(plots__score="no such"),
    "hidden": changed(plots__hidden=[{"a": 1}]),
    "counts": changed(trials__0__pruned__params=-5),
    "huge": changed(trials__0__pruned__params=10**400),
    "times": changed(trials__0__measured__times__dense__ms=[[1, 2], [3, 4]]),
    "text_times": changed(trials__0__measured__times__dense__ms=["a"]),
    "no_times": changed(trials__0__measured__times={}),
    "environment": changed(trials__0__measured__times__environment__cores="many"),
    "environment_list": changed(trials__0__measured__times__environment=[1]),
    "clock": changed(trials__0__measured__times__clock="sun"),
    "tried": changed(trials__0__measured__times__tried={"threads": ["a"]}),
    "interval": changed(trials__0__measured__times__interval=[1]),
    "region": changed(tile="a.png#region=x"),
    "reader": changed(model="a.onnx#threshold=x&y"),
    "field": changed(more=1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_r9_a_hostile_session_is_one_sentence(name, tmp_path):
    path = tmp_path / "bad.prunescope"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as error:
        read_session(path)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)
    assert path.read_bytes() == HOSTILE[name]  # a user's file stays as it is


def test_the_good_session_is_good(tmp_path):
    path = tmp_path / "good.prunescope"
    path.write_bytes(changed())
    assert len(read_session(path).trials) == 1


def test_a_session_runs_no_code_of_a_network(tmp_path):
    """The path of a network in a session is no consent to run it."""
    from core.errors import ModelError
    from core.models import load_model

    mark = tmp_path / "ran"
    (tmp_path / "net.py").write_text(f"open({str(mark)!r}, 'w')\nclass Net: pass\n")
    (tmp_path / "w.pth").write_bytes(b"")
    source = f"{tmp_path}/w.pth#network={tmp_path}/net.py:Net"
    path = tmp_path / "a.prunescope"
    path.write_bytes(changed(model=source))
    assert read_session(path).model == source
    with pytest.raises(ModelError):
        load_model(source)
    assert not mark.exists()


# Where sessions are kept while the window is open


def test_two_windows_have_two_places_and_a_killed_one_gives_its_place(tmp_path):
    first, second = find_slot(tmp_path), find_slot(tmp_path)
    assert first.path != second.path
    first.lock.unlock()
    third = find_slot(tmp_path)
    assert third.path == first.path
    third.lock.unlock()
    second.lock.unlock()


def test_a_broken_autosave_is_set_aside_and_told(tmp_path):
    path = tmp_path / "session-1.prunescope"
    path.write_bytes(b"{")
    slot = find_slot(tmp_path)
    slot.lock.unlock()
    assert slot.session is None
    assert "session-1.prunescope.bad" in slot.notice
    assert (tmp_path / "session-1.prunescope.bad").read_bytes() == b"{"


def test_something_else_leaves_an_unclosed_session_for_the_next_start(tmp_path):
    session = to_session(AppState(opened=OPENED))
    write_session(tmp_path / "session-1.prunescope", session)
    fresh = find_slot(tmp_path, fresh=True)
    again = find_slot(tmp_path)
    assert fresh.path.name == "session-2.prunescope"
    assert again.session == session
    for slot in (fresh, again):
        slot.lock.unlock()


def test_a_session_that_ends_the_program_is_not_opened_for_ever(tmp_path):
    session = replace(to_session(AppState(opened=OPENED)), tries=2)
    write_session(tmp_path / "session-1.prunescope", session)
    slot = find_slot(tmp_path)
    slot.lock.unlock()
    assert slot.session is None
    assert "ended the program" in slot.notice
    assert (tmp_path / "session-1.prunescope.bad").exists()


def test_what_could_not_be_opened_is_kept(qapp, tmp_path):
    left = to_session(AppState(opened=OPENED, trials=()))
    write_session(tmp_path / "session-1.prunescope", left)
    store = Store(AppState(opened=OPENED))
    keeper = Autosave(store, find_slot(tmp_path))
    keeper.begin_restoring(left)  # and it never came to be shown
    keeper.close()
    kept = read_session(tmp_path / "session-1.prunescope.bad")
    assert replace(kept, tries=0) == left
    assert read_session(tmp_path / "session-1.prunescope").closed


def test_a_full_disk_is_told_once_and_leaves_the_file(qtbot, tmp_path, monkeypatch):
    store = Store(AppState(opened=OPENED))
    keeper = Autosave(store, find_slot(tmp_path))
    keeper.save_now()
    before = keeper.slot.path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "write_session", full)
    for _ in range(3):
        keeper.save_now()
    qtbot.waitUntil(lambda: store.state.message is not None, timeout=5000)
    assert "No space left" in store.state.message.text
    store.dispatch(events.MessageShown(None))
    keeper.close()
    qtbot.wait(1)
    assert store.state.message is None
    assert keeper.slot.path.read_bytes() == before


# The window


def test_save_close_and_open_give_the_same_points(qtbot, ready, tmp_path):
    control, path = ready.controller, tmp_path / "mine.prunescope"
    for share in (0.3, 0.6):
        control.set_request(sparsity=share)
        qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    before = ready.store.state
    ready.window.sessionSaveAsked.emit(str(path))
    qtbot.waitUntil(path.exists, timeout=5000)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=5000)
    assert str(path) in ready.store.state.message.text
    control.open("demo", "another.png")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.trials != before.trials
    recent = ready.window.menus.recent_sessions()
    assert [action.text() for action in recent] == [str(path)]
    recent[0].trigger()
    qtbot.waitUntil(
        lambda: is_idle(ready) and ready.store.state.opened.source == DEFAULT_TILE,
        timeout=10_000,
    )
    now = ready.store.state
    assert plain(now.trials) == plain(before.trials)
    assert now.history.back
    assert now.request == before.request
    ready.window.command("edit.undo").trigger()
    assert ready.store.state.request.sparsity == 0.3


def test_a_session_whose_tile_is_gone_says_so_and_changes_nothing(ready, tmp_path):
    path = tmp_path / "a.prunescope"
    path.write_bytes(changed(tile=str(tmp_path / "gone.png")))
    before = ready.store.state
    assert not ready.sessions.open(path)
    assert ready.store.state.opened is before.opened
    assert find_missing(read_session(path)) == str(tmp_path / "gone.png")


def test_files_are_found_beside_a_session_that_moved(qtbot, ready, tmp_path):
    (tmp_path / "moved.png").write_bytes(b"")
    path = tmp_path / "a.prunescope"
    path.write_bytes(changed(tile="/nowhere/moved.png"))
    assert ready.sessions.open(path)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.opened.source.name == str(tmp_path / "moved.png")


_CHILD = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
sys.path.insert(0, {here!r})
from fakes import FakeEngine
from app import bootstrap
from app.__main__ import main
from app.controllers import autosave, controller
autosave.SAVE_MS = controller.REST_MS = 20
controller.IDLE_MS = 10**6
bootstrap.BenchEngine = FakeEngine
build, wanted = bootstrap.build, [0.3, 0.6, 0.9] if {act} else []

def watched(*arguments, **more):
    made = build(*arguments, **more)
    timer = QTimer(made.window)

    def look():
        state, control = made.store.state, made.controller
        timed = state.opened and state.latency_of(state.request)
        if state.opened is None or state.opening or state.busy or not timed:
            return
        if wanted:
            return control.set_request(sparsity=wanted.pop(0))
        if not control.settled:
            return
        text = repr((state.panes[0].request, state.active, state.history))
        points = [repr((t.request, t.pruned, t.scores, t.measured and
                        t.measured.summary())) for t in state.trials]
        told = state.message
        message = told and (told.text, told.offer is not None)
        print(json.dumps([text, sorted(points), message]), flush=True)
        timer.stop()

    timer.timeout.connect(look)
    timer.start(20)
    return made

bootstrap.build = watched
sys.exit(main({arguments}))
"""


def start(home, *, act, arguments=()):
    """Start the program over the fake engine; returns it and what it shows."""
    names = ("CONFIG", "CACHE", "DATA", "STATE")
    own = {f"XDG_{name}_HOME": str(home / name) for name in names}
    code = _CHILD.format(here=str(HERE), act=act, arguments=list(arguments))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **own, "HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, json.loads(process.stdout.readline())


@linux
def test_a_killed_window_comes_back_and_a_closed_one_without_a_word(qtbot, tmp_path):
    process, before = start(tmp_path, act=True)
    try:
        kept = tmp_path / "DATA" / "prunescope" / "sessions" / "session-1.prunescope"
        wanted = len(before[1])
        qtbot.waitUntil(
            lambda: kept.exists() and len(read_session(kept).trials) == wanted,
            timeout=60_000,
        )
        qtbot.waitUntil(lambda: "0.9" in kept.read_text(), timeout=60_000)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert wanted >= 4
    assert before[2] is None
    for ending, told in ((signal.SIGTERM, True), (signal.SIGINT, False)):
        process, now = start(tmp_path, act=False)
        try:
            assert now[:2] == before[:2]
            assert (now[2] is not None) == told
            if told:
                assert "restored from" in now[2][0]
                assert now[2][1]
            process.send_signal(ending)
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 0
        assert read_session(kept).closed


def test_discard_begins_anew(ready):
    state = ready.store.state
    assert state.trials
    ready.controller.dispatch(events.SessionDiscarded())
    now = ready.store.state
    assert (now.trials, now.history.back) == ((), False)
    assert now.opened is state.opened


def test_all_times_of_a_measurement_are_in_the_file(tmp_path):
    request = PruneRequest("l2", 0.5)
    measured = replace(timed(request, 60.0, 2.0), dense=timed(request, 1.0, 1.0).dense)
    long = np.linspace(1, 2, 30)
    measured = replace(measured, dense=replace(measured.dense, ms=long))
    state = AppState(
        opened=OPENED, trials=(trial(request, scores={}, measured=measured),)
    )
    back = to_session(state).to_trials()[0].measured
    assert np.allclose(back.dense.ms, long, atol=1e-4)
