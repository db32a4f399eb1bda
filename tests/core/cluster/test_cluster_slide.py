"""A slide on two local workers gives what one process gives."""

import pytest

pytest.importorskip("distributed")

from core.cluster import ClusterSettings, run_cluster_slide
from core.errors import InputError
from core.job import Cancelled, Job
from core.wholeslide import SlideSettings, run_slide
from tests.core.wholeslide.conftest import make_model, make_pixels, write_pyramid

pytestmark = pytest.mark.filterwarnings("default")  # of dask, not ours

TWO = ClusterSettings(workers=2, patience=60)


@pytest.fixture
def slide(tmp_path):
    return write_pyramid(tmp_path / "slide.tif", make_pixels(400, 500))


def found(run):
    """Everything but times."""
    with run.log as log:
        facts = {n: {**each, "seconds": 0} for n, each in log.facts()}
        nuclei = [
            log.nuclei(number, model).to_bytes() for number in facts for model in (0, 1)
        ]
    return facts, nuclei


def test_the_same_nuclei_though_the_run_was_stopped(slide, tmp_path):
    models = [make_model(), make_model(0.45)]
    alone, there = tmp_path / "alone", tmp_path / "there"
    alone.mkdir()
    there.mkdir()
    expected = found(run_slide(models, slide, alone))
    seen = []

    def stop(step):
        seen.append(step.done)
        if step.done >= 8:
            raise Cancelled

    settings = SlideSettings()
    with pytest.raises(Cancelled):
        run_cluster_slide(models, slide, there, settings, TWO, Job(stop))
    steps = []
    run = run_cluster_slide(models, slide, there, settings, TWO, Job(steps.append))
    patches = [each for each in steps if each.what.startswith("patches")]
    assert patches[0].done >= 8  # what was finished is not done again
    assert found(run) == expected


def test_nobody_at_the_address(slide, tmp_path):
    nobody = ClusterSettings("tcp://127.0.0.1:9", patience=0)
    with pytest.raises(InputError, match=r"No scheduler answers at tcp://127"):
        run_cluster_slide([make_model()], slide, tmp_path, SlideSettings(), nobody)
