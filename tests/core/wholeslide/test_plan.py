"""A plan beside its model, repaired on the slide itself."""

import numpy as np
import pytest

from core.benchmark import counting_input
from core.errors import BenchError, InputError
from core.models import load_model
from core.pruning import make_plan, trace
from core.wholeslide import SlideSettings, run_slide
from core.wholeslide.pruned import open_pruned
from tests.core.wholeslide.conftest import make_pixels, write_pyramid


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slide")
    return write_pyramid(folder / "s.tif", make_pixels(300, 420), levels=1)


def test_a_plan_is_applied_once_and_kept(slide, tmp_path):
    dense = load_model("unet-tiny")
    graph = trace(dense.module, counting_input(dense))
    plan = make_plan(dense.module, graph, "l2", 0.5)
    (tmp_path / "plan.json").write_text(plan.to_json())
    asked = (str(tmp_path / "plan.json"), dense, slide, tmp_path, SlideSettings())
    first = open_pruned(*asked)
    sizes = [sum(p.numel() for p in m.module.parameters()) for m in (dense, first)]
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.1)
    again = open_pruned(*asked)
    for one, two in zip(
        first.module.parameters(), again.module.parameters(), strict=True
    ):
        np.testing.assert_array_equal(one.detach(), two.detach())
    run_slide([dense, first], slide, tmp_path).log.close()
    run = run_slide([dense, again], slide, tmp_path)  # the same run goes on
    assert run.log.patches().keys() == set(range(run.tissue.size))
    run.log.close()


def test_what_is_no_plan_is_refused(slide, tmp_path):
    dense = load_model("unet-tiny")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(BenchError, match=r"bad\.json is damaged"):
        open_pruned(str(tmp_path / "bad.json"), dense, slide, tmp_path, SlideSettings())
    with pytest.raises(InputError, match="name a plan"):
        open_pruned(
            str(tmp_path / "none.json"), dense, slide, tmp_path, SlideSettings()
        )
