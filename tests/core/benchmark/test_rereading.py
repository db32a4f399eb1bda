"""Other thresholds without another run of the network."""

import numpy as np
import pytest

from core.benchmark import Bench
from core.errors import ModelError
from core.images.synthetic import synthetic_tile
from core.models import load_model
from core.models.outputs import with_reader
from core.types import PruneRequest


def test_both_models_are_read_again_as_if_they_were_opened_so():
    tile, labels = synthetic_tile(160)[:2]
    request = PruneRequest("l2", 0.3, recovery="none")
    changed = {"foreground": 0.8, "smallest": 60}
    bench = Bench.open(load_model("demo"), tile, labels)
    before = bench.prune(request)
    network = bench.prunable.model.module
    calls = []
    hook = network.register_forward_hook(lambda *_: calls.append(1))
    found = bench.read_again(changed, request)
    hook.remove()
    assert not calls
    other = Bench.open(with_reader(load_model("demo"), threshold=changed), tile, labels)
    expected = other.prune(request)
    assert np.array_equal(found.prediction.labels, expected.prediction.labels)
    assert found.scores == expected.scores
    assert bench.dense.scores == other.dense.scores
    assert found.prediction.count != before.prediction.count
    assert bench.export(request).spec.threshold["foreground"] == 0.8
    with pytest.raises(ModelError, match="no threshold"):
        bench.read_again({"energy": 0.5})
