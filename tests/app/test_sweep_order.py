"""What a sweep from the window is asked to run over."""

import pytest

from app.cli.arguments import parse
from app.controllers.sweeps.process import order_of
from app.state.deployment import Deployment
from app.state.sweep_values import SweepSettings
from core.sweep.folder import read_folder
from core.sweep.messages import SweepCommand
from core.sweep.running import Running


@pytest.mark.parametrize(
    ("source", "name"),
    [("", "immunohistochemistry"), ("sample:synthetic", "synthetic")],
)
def test_the_open_sample_is_swept(source, name, tmp_path):
    """An empty source is the tile that the first start opens."""
    wish = SweepSettings(heuristics=("l2",), out=str(tmp_path / "run.sqlite"))
    order = SweepCommand.from_json(order_of("demo", wish, source))
    assert [tile.name for tile in read_folder(order.grid.data).tiles] == [name]


def test_threads_and_runtime_are_those_of_the_form(tmp_path):
    how = Deployment(threads=2, runtime="onnxruntime")
    wish = SweepSettings(
        heuristics=("l2",), out=str(tmp_path / "run.sqlite"), deployment=how
    )
    order = SweepCommand.from_json(order_of("demo", wish, ""))
    assert order.grid.running == Running(2, "onnxruntime")


def test_a_form_with_a_runtime_that_has_no_such_precision_says_so(tmp_path):
    how = Deployment(precision="bfloat16", runtime="onnxruntime")
    wish = SweepSettings(heuristics=("l2",), out="run.sqlite", deployment=how)
    assert "float32" in wish.missing()


def test_the_command_line_has_the_same_options():
    words = "sweep --model demo --data d --heuristics l2 --sparsities 0.5 --out o"
    more = "--threads 2 --precision bfloat16 --runtime openvino"
    asked = parse([*words.split(), *more.split()])
    assert (asked.threads, asked.precision, asked.runtime) == (
        2,
        "bfloat16",
        "openvino",
    )
    plain = parse(words.split())
    assert Running.of(plain.threads, plain.precision, plain.runtime) == Running()
