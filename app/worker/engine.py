"""The real engine: `core`, wrapped into what the window shows.

Everything here runs on the worker thread. torch and everything that needs it is
imported by the first job, behind a window that is already on screen.
To read this file, start from `BenchEngine.open`.
"""

import gc
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.rendering.overlay import picture_pyramid
from app.state.slide_map import SlideMap
from app.state.training import Training
from app.state.values import (
    DrawnOutcome,
    ModelCard,
    Opened,
    Picture,
    Saved,
    Session,
    TileScale,
    WorkContext,
)
from app.worker.contents import hash_contents
from app.worker.drawing import draw_nuclei, draw_outcome
from app.worker.reading import read_tile_first, read_tiles
from app.worker.slides import SlideMaps
from core.errors import InputError
from core.sources import WHOLE, Source
from core.tables import ARCHITECTURES
from core.types import PruneRequest, Tile

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.benchmark.beside import ModelsBeside
    from core.job import Job
    from core.latency import LatencyProcess
    from core.models import LoadedModel
    from core.results import Comparison, Outcome
    from core.training import Progress

_SWITCH = 0.0005  # seconds: how long Python code of the worker may keep the window


class BenchSession:
    """A `core.benchmark.Bench` behind the window's `Session`.

    Parameters
    ----------
    bench
        Only the worker touches it.
    model
        Its model, and what it was opened from.
    source
        See `ModelCard.source`.
    process
        In which latency is measured.
    tile
        What its tile was opened from, as text.
    """

    def __init__(
        self,
        bench: "Bench",
        model: "LoadedModel",
        source: str,
        process: "LatencyProcess",
        tile: str = "",
    ) -> None:
        self.bench = bench
        self.model = model
        self.source = source
        self.process = process
        self.tile = tile
        self._timed: dict[PruneRequest, Comparison] = {}
        self._beside: ModelsBeside | None = None
        self._ready: DrawnOutcome | None = None  # known before it is asked for

    def reread(self, source: str, ready: DrawnOutcome | None) -> None:
        """Take note of other thresholds, and of a result that is read by them."""
        self.source, self._ready, self._beside = source, ready, None
        self.model = self.bench.prunable.model

    @property
    def beside(self) -> "ModelsBeside":
        """Other models on the same tile."""
        from core.benchmark.beside import ModelsBeside

        self._beside = self._beside or ModelsBeside(self.bench)
        return self._beside

    def prune(self, request: PruneRequest, task: WorkContext) -> DrawnOutcome:
        """Prune, predict and compare; a training is shown while it goes on."""
        from core.nuclei.quantised import TOPS

        job = cast("Job", task)
        ready, self._ready = self._ready, None
        if request.model:
            return draw_outcome(self.beside.judge(request, job), TOPS)
        task.publish(self.bench.curve(request, job))
        if ready is not None and ready.request == request:
            return ready

        def show(found: "Outcome") -> None:
            task.publish(draw_outcome(found, TOPS))

        def tell(progress: "Progress") -> None:
            task.publish(training_of(request, progress))

        return draw_outcome(self.bench.prune(request, job, show, tell), TOPS)

    def measure(self, request: PruneRequest, task: WorkContext) -> "Comparison":
        """Time dense and pruned side by side, in a process of their own."""
        from core.latency import release_memory

        if request.model:
            return self._compare_beside(request, cast("Job", task))
        found = self.bench.compare(request, cast("Job", task), process=self.process)
        # The hand rests: the time to let go of what the drag left behind.
        release_memory()
        _, plan = self.bench.pruned(request)
        found = replace(
            found,
            reason=self._reason(request, found, task),
            layers=self.bench.prunable.layer_steps(plan, cast("Job", task)),
        )
        self._timed[request] = found
        return found

    def _compare_beside(self, request: PruneRequest, job: "Job") -> "Comparison":
        found = self.beside.compare(request, job, process=self.process)
        self._timed[request] = found
        return found

    def _reason(
        self, request: PruneRequest, found: "Comparison", task: WorkContext
    ) -> str:
        """Return why a verdict disappoints; layers are timed only where it does."""
        if found.verdict == "faster" or not request.sparsity:
            return ""
        from core.benchmark import explain

        task.step(0, 0, "finding out why it is not faster")
        pruned, _ = self.bench.pruned(request)
        reasons, _ = explain(self.model, pruned, self.bench.tile, found)
        return reasons[0] if reasons else ""

    def export(self, request: PruneRequest, path: str, task: WorkContext) -> Saved:
        """Write the pruned model: one file, or a folder with all that goes with it."""
        from app.worker.writing import ExportJob, write_folder, write_model

        job = cast("Job", task)
        if request.model:
            raise InputError(
                f"{Path(request.model).name} was not pruned here: open it by itself "
                "to export it, or choose a pane of the open model."
            )
        timed = self._timed.get(request)
        leaving = ExportJob(self.bench, self.source, request, timed, self.tile)
        if Path(path).suffix:
            return Saved(write_model(path, leaving, job))
        notes = write_folder(Path(path), leaving, job)
        return Saved(" ".join([f"Saved the pruned model into {path}.", *notes]))


class BenchEngine:
    """Opens models and tiles with `core`."""

    def __init__(self) -> None:
        self._process: LatencyProcess | None = None
        self._slides = SlideMaps()
        self._loaded: tuple[str, LoadedModel] | None = None  # beside a slide

    def close(self) -> None:
        """End the measuring process, if there is one; the worker is idle by now."""
        if self._process is not None:
            self._process.close()

    def _measuring(self) -> "LatencyProcess":
        """Return the process that measures; it starts when first needed."""
        from core.latency import LatencyProcess

        self._process = self._process or LatencyProcess()
        return self._process

    def open(
        self,
        model: str,
        tile: str,
        task: WorkContext,
        *,
        before: Session | None,
        calibration: str = "",
    ) -> Opened | SlideMap:
        """Open a model and a tile; the tile is shown as soon as it is read.

        Of a slide without a part, the overview is returned.
        """
        task.step(0, 4, "reading the tile")
        asked = Source.of_tile(tile)
        slide = self._slides.find(asked)
        whole = slide is not None and asked.view == replace(
            WHOLE, resample=asked.view.resample
        )
        first = None if whole else read_tile_first(tile)
        if first is not None:
            task.publish(_picture(first.tiles[0].tile, first.title))
        task.step(1, 4, "loading the model")
        _prepare()
        from core.benchmark import Bench
        from core.sweep import read_calibration

        old = before if isinstance(before, BenchSession) else None
        loaded = old.model if old and old.source == model else self._load(model)
        if slide is not None:
            slide = replace(slide, wanted=loaded.spec.mpp)
            if whole:
                self._loaded = model, loaded
                return slide
        self._loaded = None
        found, job = read_tiles(tile, loaded.spec, first), cast("Job", task)
        old_bench = old.bench if old else None
        bench = Bench.open_tiles(
            loaded,
            found.tiles,
            job,
            calibration=read_calibration(calibration),
            before=old_bench,
        )
        picture = _picture(bench.tile, found.title)
        _settle()
        session = BenchSession(bench, loaded, model, self._measuring(), tile)
        opened = describe_opened(bench, (model, tile), session, picture)
        return replace(
            opened,
            slide=slide,
            calibrated_on=calibration,
            contents=hash_contents(loaded, bench),
        )

    def _load(self, source: str) -> "LoadedModel":
        """Load a model, or take the one that a slide's overview was opened with."""
        from core.models import load_model

        if self._loaded is not None and self._loaded[0] == source:
            return self._loaded[1]
        return load_model(source)


def _picture(tile: Tile, title: str) -> Picture:
    return Picture(picture_pyramid(tile.pixels), title, tile.mpp)


def describe_opened(
    bench: "Bench", sources: tuple[str, str], session: Session, picture: Picture
) -> Opened:
    """Return what is open, as windows and reports show it.

    Parameters
    ----------
    bench
        Model and tile.
    sources
        What the model and the tile were opened from.
    session
        Computes what is asked for next.
    picture
        The tile.
    """
    from core.images.samples import DEFAULT_SAMPLE

    found, labels = bench.dense, bench.labels
    card, used = describe_model(bench.prunable.model, sources[0]), bench.calibration
    return Opened(
        session=session,
        model=replace(card, about=f"{card.about} · calibrated on {used.words}"),
        picture=picture,
        prediction=found.prediction,
        nuclei=draw_nuclei(found.prediction.labels, found.prediction.classes),
        counts=found.counts,
        input_size=found.input_size,
        scores=found.scores,
        notes=found.notes,
        layers=bench.prunable.layers,
        heuristics=bench.prunable.heuristics,
        truth=draw_nuclei(labels, None) if labels is not None else None,
        calibration=used.words,
        source=sources[1] or Source("sample", DEFAULT_SAMPLE).text,
        scale=describe_scale(bench),
        seconds=found.seconds,
        patches=bench.patches,
    )


def describe_scale(bench: "Bench") -> TileScale:
    """Return the pixel sizes of tile and model, as the window says them."""
    scale = bench.scale
    sentence = scale.describe().replace(" (--tile-mpp)", "")
    return TileScale(scale.tile, scale.model, scale.resampled, sentence)


def training_of(request: PruneRequest, progress: "Progress") -> Training:
    """Return how far a training is, as the window shows it."""
    return Training(
        request=request,
        step=progress.step,
        left=progress.left,
        losses=progress.losses,
        checks=progress.checks,
        best=progress.best,
        peak_memory=progress.peak_memory,
    )


def describe_model(loaded: "LoadedModel", source: str) -> ModelCard:
    """Return a model in words."""
    import torch

    from core.export import card_beside, find_types_note

    spec = loaded.spec
    known = ARCHITECTURES.get(spec.architecture)
    words = [known.title if known else spec.architecture]
    if spec.classes:
        kind = "nucleus types" if spec.task == "nuclei" else "classes of patches"
        words.append(f"{len(spec.classes)} {kind}")
    if spec.mpp:
        words.append(f"{spec.mpp:g} µm per pixel")
    if loaded.plan is not None:
        words.append(_pruned_by(loaded.plan.request))
    device = next(loaded.module.parameters()).device
    return ModelCard(
        source=source,
        name=spec.name[:1].upper() + spec.name[1:],
        about=" · ".join(words),
        classes=_class_names(loaded),
        device=str(device).upper(),
        threads=torch.get_num_threads(),
        task=spec.task,
        pruned=loaded.plan is not None,
        types_note=find_types_note(card_beside(source)) if spec.classes else "",
        reader=spec.reader,
        threshold=tuple(spec.threshold.items()),
    )


def _pruned_by(asked: Mapping[str, object]) -> str:
    """Return how a model was pruned before it was saved."""
    share = asked.get("sparsity")
    if not isinstance(share, float) or asked.get("count", "params") != "params":
        return "already pruned"
    return f"already pruned, {share:.0%} of the parameters removed"


def _class_names(loaded: "LoadedModel") -> tuple[str, ...]:
    """Return the names that colours stand for; a classifier always has some."""
    if loaded.spec.task == "nuclei":
        return tuple(loaded.spec.classes)
    from core.benchmark.tasks import class_names

    return class_names(loaded, max(len(loaded.spec.classes), 2))


def _prepare() -> None:
    """Set what torch keeps per thread, and what keeps the window smooth."""
    import torch

    if threading.current_thread() is not threading.main_thread():
        torch.set_flush_denormal(True)
    sys.setswitchinterval(_SWITCH)


def _settle() -> None:
    """Keep the collector away from torch's many objects.

    A full collection walks all of them with the interpreter lock held, which
    stops the window for a tenth of a second; what was loaded lives on anyway.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def sample_titles() -> Sequence[tuple[str, str]]:
    """Return names and titles of the built-in tiles, without loading any."""
    from core.images.samples import SAMPLES

    return [(name, entry.title) for name, entry in SAMPLES.items()]
