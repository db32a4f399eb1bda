"""An engine without torch: thresholds a tile, and loses nuclei as it is pruned."""

import numpy as np

from app.rendering.overlay import label_pyramid, picture_pyramid
from app.state.tile_folder import TileScore
from app.state.values import (
    DrawnOutcome,
    ModelCard,
    Nuclei,
    Opened,
    Picture,
    Saved,
)
from core.errors import InputError, PruningError
from core.metrics import nucleus_changes
from core.results import (
    Comparison,
    HeuristicInfo,
    Layer,
    SizeCurve,
    Timing,
    Trial,
    TrialIdentity,
    decide_verdict,
)
from core.types import Counts, Prediction

DENSE = Counts(7_800_000, 13_200_000_000, 2944)
LAYERS = tuple(
    Layer(f"{part}{i}.conv{k}", width, part)
    for part, widths in (
        ("encoder", (32, 64, 128, 256, 512)),
        ("decoder", (256, 128, 64, 32)),
    )
    for i, width in enumerate(widths)
    for k in (1, 2)
)
HEURISTICS = (
    HeuristicInfo(
        "reconstruction",
        "Reconstruction",
        "Keeps what the other channels cannot make up for.",
        "this project",
    ),
    HeuristicInfo("l2", "L2 norm", "Removes the channels with the smallest weights."),
    HeuristicInfo("random", "Random", "Removes channels by lot: the baseline."),
    HeuristicInfo(
        "bn_scale",
        "Batch-norm scale",
        "Removes channels that batch norm scales down.",
        needs="This model has no batch norm.",
    ),
)


def pixels_of(size=256, seed=0):
    rng = np.random.default_rng(seed)
    tile = np.full((size, size, 3), (235, 205, 225), np.uint8)
    labels = np.zeros((size, size), np.int32)
    rows, columns = np.mgrid[:size, :size]
    for number in range(1, 41):
        y, x = rng.integers(12, size - 12, 2)
        inside = ((rows - y) / 9) ** 2 + ((columns - x) / 7) ** 2 < 1
        labels[inside] = number
        tile[inside] = (110, 70, 150)
    return tile, _compact(labels)


def _compact(labels):
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype("i4")


def nuclei_from(labels):
    count = int(labels.max(initial=0))
    centres = np.array(
        [np.argwhere(labels == i).mean(0)[::-1] for i in range(1, count + 1)]
    ).reshape(-1, 2)
    return Nuclei(label_pyramid(labels), np.arange(count) % 3 + 1, centres)


def counts_at(sparsity):
    return Counts(
        round(DENSE.params * (1 - sparsity)),
        round(DENSE.macs * (1 - sparsity * 0.7)),
        round(DENSE.channels * (1 - sparsity) ** 0.5),
    )


def curve(request, macs_removed=0.7):
    """Sizes along a slider that removes a share of the multiply-accumulates."""
    rows = []
    for sparsity in np.linspace(0, 0.999, 400):
        counts = counts_at(sparsity)
        macs = round(DENSE.macs * (1 - sparsity * macs_removed))
        rows.append((counts.params, macs, counts.channels))
    left = np.sqrt(1 - np.linspace(0, 0.999, 400))
    widths = {each.name: (left * each.width).round().astype(int) for each in LAYERS}
    return SizeCurve(request, "params", np.array(rows), widths=widths)


def timed(request, dense_ms, speedup, interval=None, **more):
    """A measurement; its verdict is the one that its interval allows."""
    ends = interval or (speedup * 0.97, speedup * 1.03)
    return Comparison(
        Timing(np.array([dense_ms])),
        Timing(np.array([dense_ms / speedup])),
        speedup,
        ends,
        decide_verdict(ends),
        request=request,
        **more,
    )


def trial(request, dense=DENSE, pruned=None, measured=None, **more):
    """A point of the window."""
    return Trial(
        identity=TrialIdentity("demo", "", "", request),
        dense=dense,
        pruned=pruned or counts_at(request.sparsity),
        measured=measured,
        **more,
    )


class FakeSession:
    def __init__(self, labels, log):
        self.labels, self.log = labels, log
        self.dense = nuclei_from(labels)

    def prune(self, request, task):
        task.step(0, 1, "pruning")
        if request.heuristic == "broken":
            raise PruningError("This cannot be pruned: choose another heuristic.")
        task.publish(curve(request))
        self.log.append(("prune", request))
        count = self.dense.count
        lost = int(count * max(request.sparsity - 0.4, 0) * 0.8)
        table = np.arange(count + 1, dtype=np.int32)
        table[count - lost + 1 :] = 0
        found = table[self.labels]
        nuclei = nuclei_from(found)
        agreement = 1 - max(request.sparsity - 0.3, 0) * 0.8
        return DrawnOutcome(
            request=request,
            plan_hash=f"{request.heuristic}{request.sparsity:g}",
            counts=counts_at(request.sparsity),
            prediction=Prediction(found, nuclei.classes),
            nuclei=nuclei,
            changes=nucleus_changes(
                self.labels, found, self.dense.classes, nuclei.classes
            ),
            scores=None,
            agreement=dict.fromkeys(("aji", "pq", "dice", "f1"), agreement),
            widths={
                layer.name: max(1, round(layer.width * (1 - request.sparsity) ** 0.5))
                for layer in LAYERS
            },
        )

    def score_tile(self, request, tile, task):
        name = tile.pair
        task.step(0, 0, f"scoring {name}")
        self.log.append(("score", request, name))
        if name == "unreadable.png":
            return TileScore(tile, problem="unreadable.png cannot be read.")
        place = int("".join(filter(str.isdigit, name)))
        return TileScore(tile, {"aji": place / 10, "pq": 1 - place / 10}, dense=5)

    def measure(self, request, task):
        task.step(0, 1, "measuring latency")
        self.log.append(("measure", request))
        return timed(request, 62.0, 1 / (1 - request.sparsity * 0.6))

    def export(self, request, path, task):
        self.log.append(("export", path))
        return Saved(f"Saved the pruned model as {path}.")


class FakeEngine:
    """Opens anything but ``missing.png`` and ``broken.safetensors``."""

    def __init__(self):
        self.log = []

    def open(self, model, tile, task, *, before, calibration=""):
        task.step(0, 2, "reading the tile")
        name = tile.pair
        self.log.append(("open", model, name))
        if name == "missing.png":
            raise InputError("There is no file missing.png: choose another one.")
        pixels, labels = self.load()
        picture = Picture(picture_pyramid(pixels), name or "sample", 0.25)
        task.publish(picture)
        if model == "broken.safetensors":
            raise InputError("broken.safetensors is not a model: choose another one.")
        session = FakeSession(labels, self.log)
        return Opened(
            session=session,
            model=ModelCard(
                model, "Demo U-Net", "U-Net · 3 nucleus types", ("a", "b", "c")
            ),
            picture=picture,
            prediction=Prediction(labels, session.dense.classes),
            nuclei=session.dense,
            counts=DENSE,
            scores=None,
            layers=LAYERS,
            heuristics=HEURISTICS,
            source=tile,
            calibration=calibration or f"{name or 'sample'}, synthetic",
            calibrated_on=calibration,
            seconds={"network": 0.06},
        )

    def close(self):
        self.log.append(("close",))

    def load(self):
        return pixels_of()
