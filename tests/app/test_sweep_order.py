"""What a sweep from the window is asked to run over."""

import pytest

from app.controllers.sweeps.process import order_of
from app.state.sweep_values import SweepSettings
from core.sweep.folder import read_folder
from core.sweep.messages import SweepCommand


@pytest.mark.parametrize(
    ("source", "name"),
    [("", "immunohistochemistry"), ("sample:synthetic", "synthetic")],
)
def test_the_open_sample_is_swept(source, name, tmp_path):
    """An empty source is the tile that the first start opens."""
    wish = SweepSettings(heuristics=("l2",), out=str(tmp_path / "run.sqlite"))
    order = SweepCommand.from_json(order_of("demo", wish, source))
    assert [tile.name for tile in read_folder(order.grid.data).tiles] == [name]
