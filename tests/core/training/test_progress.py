"""How far a training is: curves, time left, memory, and who is told when."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.job import Job
from core.models import build
from core.training import Callbacks, TrainingSettings, synthetic_examples, train
from core.training.progress import ProgressReporter, thinned
from core.types import ModelSpec

SPEC = ModelSpec("tiny", "nuclei", "unet", stride=4, window=(128, 96))
QUICK = TrainingSettings(steps=6, batch=2, crop=32, warmup=2, check_every=2)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def unet():
    return build("unet", {"base": 4, "depth": 3, "types": 0})


@given(st.lists(st.floats(-9, 9), max_size=60), st.integers(0, 9), st.integers(2, 20))
def test_a_thinned_curve_keeps_its_ends_and_its_order(losses, first, most):
    curve = thinned(losses, first, most)
    whole = [(first + i, loss) for i, loss in enumerate(losses)]
    assert len(curve) == min(len(losses), most)
    assert set(curve) <= set(whole)
    assert list(curve) == sorted(curve, key=lambda point: point[0])
    if losses:
        assert (curve[0], curve[-1]) == (whole[0], whole[-1])


def test_the_last_word_is_the_whole_story():
    seen = []
    data = synthetic_examples(range(2), 64)
    aids = Callbacks(validation=data[1:], on_progress=seen.append)
    found = train(unet(), SPEC, data[:1], QUICK, aids=aids)
    last = seen[-1]
    assert last.step == found.steps == 6
    assert last.left == 0.0
    assert [loss for _, loss in last.losses] == list(found.losses)
    assert [step for step, _ in last.losses] == [1, 2, 3, 4, 5, 6]
    assert last.checks == found.checks
    assert last.best == found.best
    assert 0 <= last.peak_memory <= found.peak_memory
    assert seen[0].left > 0


def test_a_resumed_run_counts_on(tmp_path):
    data = synthetic_examples(range(1), 64)
    settings = replace(QUICK, steps=3, checkpoint=tmp_path / "state.pt")
    train(unet(), SPEC, data, settings)
    seen = []
    train(
        unet(),
        SPEC,
        data,
        replace(settings, steps=5),
        aids=Callbacks(on_progress=seen.append),
    )
    assert [step for step, _ in seen[-1].losses] == [4, 5]


def test_progress_says_how_much_memory_is_needed():
    words = []
    report = Job(lambda step: words.append(step.what))
    train(unet(), SPEC, synthetic_examples(range(1), 64), QUICK, report)
    assert all("MB extra memory" in each for each in words)


def test_nobody_is_told_more_often_than_they_can_look():
    seen = []
    telling = ProgressReporter(seen.append, every=3600.0)
    for number in range(5):
        telling.due(lambda number=number: number, last=number == 4)
    assert seen == [0, 4], "the first and the last"
    ProgressReporter(None).due(lambda: pytest.fail("nobody listens"), last=True)
