"""Why a pruned network is not faster, as the real engine tells the window."""

from dataclasses import replace

import numpy as np
import pytest
import skimage
from PIL import Image

from app.worker.engine import BenchEngine
from core.job import Job
from core.latency import Timing, TimingSettings
from core.sources import Source
from core.types import PruneRequest


class Silent(Job):
    """A job of the worker."""

    def publish(self, value):
        """Show nothing."""


def test_a_reason_is_given_where_it_is_not_faster_and_only_there(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(skimage.data.immunohistochemistry()[:64, :64]).save(path)
    engine = BenchEngine()
    session = engine.open(
        "unet-tiny", Source("file", str(path)), Silent(), before=None
    ).session
    request = PruneRequest("l2", 0.3, recovery="none")
    settings = TimingSettings(seconds=0.2, threads=1)
    found = session.bench.compare(request, settings=settings, process=session.process)
    short = Timing(np.full(8, 0.5))
    slow = replace(found, dense=short, pruned=short, speedup=1, verdict="no difference")

    def reason(found, request=request):
        monkeypatch.setattr(session.bench, "compare", lambda *_, **__: found)
        return session.measure(request, Silent()).reason

    assert reason(slow).endswith(".")
    assert reason(replace(slow, verdict="faster")) == ""
    # the same network twice needs no explanation
    assert reason(slow, replace(request, sparsity=0.0)) == ""
    engine.close()


@pytest.fixture(autouse=True)
def _threads():
    """What the worker sets for good is put back."""
    import sys

    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)
