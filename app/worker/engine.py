"""The real engine: `core`, wrapped into what the window shows.

Everything here runs on the worker thread. torch and everything that needs it is
imported by the first job, behind a window that is already on screen.
To read this file, start from `BenchEngine.open`.
"""

import gc
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from app.rendering.overlay import picture_pyramid
from app.state.slide_map import SlideMap
from app.state.values import Opened, Picture, Session, WorkContext
from app.worker.contents import hash_contents
from app.worker.describing import describe_opened
from app.worker.reading import read_tile_first, read_tiles
from app.worker.session import BenchSession
from app.worker.slides import SlideMaps
from core.sources import WHOLE, Source
from core.types import Tile

if TYPE_CHECKING:
    from core.job import Job
    from core.latency import LatencyProcess
    from core.models import LoadedModel

_SWITCH = 0.0005  # seconds: how long Python code of the worker may keep the window


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
        tile: Source,
        task: WorkContext,
        *,
        before: Session | None,
        calibration: str = "",
    ) -> Opened | SlideMap:
        """Open a model and a tile, shown as soon as it is read; a slide's overview."""
        task.step(0, 4, "reading the tile")
        slide = self._slides.find(tile)
        whole = slide is not None and _is_whole(tile)
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
        bench = Bench.open_tiles(
            loaded,
            found.tiles,
            job,
            calibration=read_calibration(calibration),
            before=old.bench if old else None,
            first=True,
        )
        picture = _picture(bench.tile, found.title)
        _settle()
        session = BenchSession(bench, loaded, model, self._measuring(), tile)
        opened = describe_opened(bench, (model, tile), session, picture)
        session.opened = replace(
            opened,
            slide=slide,
            calibrated_on=calibration,
            contents=hash_contents(bench),
        )
        return session.opened

    def _load(self, source: str) -> "LoadedModel":
        """Load a model, or take the one that a slide's overview was opened with."""
        from core.models import load_model

        if self._loaded is not None and self._loaded[0] == source:
            return self._loaded[1]
        return load_model(source)


def _is_whole(source: Source) -> bool:
    """Return whether no part of a slide is asked for."""
    return source.view == replace(WHOLE, resample=source.view.resample)


def _picture(tile: Tile, title: str) -> Picture:
    return Picture(picture_pyramid(tile.pixels), title, tile.mpp)


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
