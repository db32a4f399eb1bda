"""A large tile in the real window: what is on screen has results first, and they grow.

The network is a small one that comes with the program, on nine patches of a tile.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtWidgets import QWidget

from app import bootstrap
from app.text.parts import describe_part
from core.images.samples import load_sample
from core.models import load_model, save_model
from core.rects import overlaps
from core.results import Part

SIDE = 1000  # pixels of a thousandth of a millimetre: 1.0 mm²
WORDS = re.compile(r"nuclei in centre, (?P<area>0\.\d) of 1\.0 mm²")
LONG = 240_000  # ms, for a busy machine


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A model for 1 µm a pixel, and a tile of 1000 x 1000 of them."""
    folder = tmp_path_factory.mktemp("large")
    tiny = load_model("demo-95")
    save_model(
        folder / "tiny.safetensors", replace(tiny, spec=replace(tiny.spec, mpp=1.0))
    )
    part = load_sample("synthetic").tile.pixels
    times = -(-SIDE // part.shape[0]), -(-SIDE // part.shape[1]), 1
    pixels = np.tile(part, times)[:SIDE, :SIDE]
    per_cm = 10_000  # pixels of 1 µm
    Image.fromarray(np.ascontiguousarray(pixels)).save(
        folder / "large.tif",
        resolution_unit=3,
        x_resolution=per_cm,
        y_resolution=per_cm,
    )
    return str(folder / "tiny.safetensors"), str(folder / "large.tif")


@dataclass
class Seen:
    """What the window has shown of one slider position, in the order it came."""

    window: QWidget
    words: list[str] = field(default_factory=list)
    outcomes: list[object] = field(default_factory=list)

    def note(self, before, now):
        if now.outcome is None or (before and now.outcome is before.outcome):
            return
        self.outcomes.append(now.outcome)
        self.words.append(find_words(self.window))


def find_words(window):
    """Return what stands above the pruned pane while only a part is known."""
    named = (each.accessibleName() for each in window.findChildren(QWidget))
    return next((each for each in named if WORDS.search(each)), "")


@pytest.fixture
def large(qtbot, qapp, settings, sources, monkeypatch):
    """The window with a tile of nine patches, and what it shows from now on."""
    monkeypatch.setenv("PRUNESCOPE_CACHE", "off")
    torch.set_num_threads(1)
    bench = bootstrap.build(settings)
    try:
        bench.window.resize(1280, 800)
        bench.window.show()
        bench.controller.set_request(heuristic="l2", sparsity=0.0, recovery="none")
        seen = Seen(bench.window)
        bench.store.changed.connect(seen.note)
        bench.controller.open(*sources)
        qtbot.waitUntil(lambda: bench.store.state.current, timeout=LONG)
        yield bench, seen
    finally:
        bench.window.close_unasked()
        bench.window.deleteLater()


def move_slider(qtbot, large, sparsity):
    """Move the slider, wait for the whole result; return what was shown by then."""
    bench, seen = large
    seen.words.clear()
    seen.outcomes.clear()
    bench.controller.set_request(sparsity=sparsity)
    qtbot.waitUntil(
        lambda: (
            bench.store.state.current
            and bench.store.state.outcome.request.sparsity == sparsity
        ),
        timeout=LONG,
    )
    found = [o for o in seen.outcomes if o.request.sparsity == sparsity]
    return found, seen.words[-len(found) :]


def test_what_is_on_screen_comes_first_and_grows(qtbot, large):
    first, words = move_slider(qtbot, large, 0.02)
    check_growth(first, words)
    qtbot.waitUntil(lambda: not find_words(large[0].window), timeout=LONG)
    second, _ = move_slider(qtbot, large, 0.03)
    assert first[0].part.done == second[0].part.done  # like is compared with like
    check_panning(qtbot, large)


def check_growth(found, words):
    """Results begin in the middle, grow, and say over which part they are."""
    assert found[0].part is not None
    assert found[-1].part is None
    # one change later, as a window writes when it is done with what came
    said = [WORDS.search(each) for each in words if each]
    assert said
    areas = [float(each["area"]) for each in said]
    assert areas == sorted(areas)
    assert areas[0] < 0.5
    shares = [1.0 if each.part is None else each.part.share for each in found]
    assert shares == sorted(shares)
    assert found[0].nuclei.count < found[-1].nuclei.count
    assert overlaps(found[0].part.done[0], (SIDE // 2, SIDE // 2, 1, 1))


def check_panning(qtbot, large):
    """What has come on screen is computed first."""
    bench, _ = large
    view = bench.window.viewer.pruned
    for _ in range(3):
        view.zoom(2.0)
    starts = []
    for x, sparsity in ((200, 0.04), (800, 0.05)):
        bench.window.viewer.go_to((x, SIDE // 2))
        looked = bench.window.viewer.visible
        qtbot.waitUntil(
            lambda looked=looked: bench.store.state.visible == looked, timeout=LONG
        )
        found, _ = move_slider(qtbot, large, sparsity)
        starts.append(found[0].part.box)
        assert overlaps(found[0].part.box, looked)
    (left, *_), (right, _, width, _) = starts
    assert left < SIDE / 4
    assert right + width > 3 * SIDE / 4


def test_the_part_is_said_in_square_millimetres():
    part = Part(((500, 500, 1100, 1100),), (2000, 2000), whole=False, patches=(6, 25))
    assert describe_part(part, 0.5) == "centre, 0.3 of 1.0 mm²"
