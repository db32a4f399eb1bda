"""What the networks find in patches of a slide, read ahead while they run."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from core.deployment import deploy
from core.errors import InputError
from core.nuclei.batches import forward_batch
from core.nuclei.outputs import cut
from core.nuclei.preprocess import pixels_to_input

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from core.images import Slide
    from core.models import LoadedModel
    from core.nuclei import Maps
    from core.wholeslide.grid import SlideGrid
    from core.wholeslide.settings import SlideSettings

_AHEAD = 2  # batches that are read before they are needed


@dataclass(frozen=True, slots=True, eq=False)
class SeenPatch:
    """What the networks found in one patch.

    Parameters
    ----------
    number
        Of the patch.
    seconds
        ``read``, and ``network`` by model.
    maps
        By model, of the part that belongs to the patch.
    """

    number: int
    seconds: dict[str, Any]
    maps: list[Maps]


class PatchSource(Protocol):
    """Runs the networks, here or elsewhere."""

    @property
    def burst(self) -> int:
        """How many patches come together."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a user should know, once all are given."""

    def see(self, todo: Sequence[int]) -> Iterator[SeenPatch]:
        """Give each of these patches once, in about that order."""


class LocalPatches:
    """Reads patches ahead and runs the networks, in this process.

    Parameters
    ----------
    models
        One, or the dense and the pruned one.
    slide
        Open.
    grid
        Of the slide.
    settings
        See `SlideSettings`.
    modules
        The networks in the runtime of the settings; made if left out.
    """

    def __init__(
        self,
        models: Sequence[LoadedModel],
        slide: Slide,
        grid: SlideGrid,
        settings: SlideSettings,
        modules: Sequence[nn.Module] = (),
    ) -> None:
        self._settings, self._slide, self._grid = settings, slide, grid
        modules = modules or [build_module(model, settings) for model in models]
        self._networks = _Networks(models, modules, settings)

    @property
    def burst(self) -> int:
        """Patches that go through the networks together."""
        return max(self._settings.batch, 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether fewer patches fitted into memory than were asked for."""
        fitted = self._networks.most
        if fitted >= self.burst:
            return ()
        return (
            f"The memory of the device held {fitted} of {self.burst} patches at once; "
            f"--batch {fitted} gives the same without trying.",
        )

    def see(self, todo: Sequence[int]) -> Iterator[SeenPatch]:
        """Yield what the networks find."""
        reader = ThreadPoolExecutor(1, "slide-reader")
        try:
            for batch in self._read_ahead(todo, reader):
                found, spent = self._networks.run(batch.pixels, batch.numbers[0])
                read = batch.seconds / len(batch.numbers)
                for index, number in enumerate(batch.numbers):
                    rows, columns = (s.keep for s in self._grid.spans(number))
                    maps = [cut(each[index], (rows, columns)) for each in found]
                    seconds = {"read": read, "network": spent}
                    yield SeenPatch(number, seconds, maps)
        finally:
            reader.shutdown(wait=True, cancel_futures=True)

    def _read_ahead(
        self, todo: Sequence[int], reader: ThreadPoolExecutor
    ) -> Iterator[_Batch]:
        """Yield batches that were read while the networks ran."""
        size = self.burst
        ahead: deque[Future[_Batch]] = deque()
        for at in range(0, len(todo), size):
            ahead.append(reader.submit(self._read, list(todo[at : at + size])))
            if len(ahead) > _AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _read(self, numbers: list[int]) -> _Batch:
        start = time.perf_counter()
        pixels = [self._grid.read(self._slide, number) for number in numbers]
        return _Batch(numbers, pixels, time.perf_counter() - start)


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Patches that go through the networks together, and how long reading took."""

    numbers: list[int]
    pixels: list[NDArray[uint8]]
    seconds: float


class _Networks:
    """Both networks, in turns that alternate from patch to patch."""

    def __init__(
        self,
        models: Sequence[LoadedModel],
        modules: Sequence[nn.Module],
        settings: SlideSettings,
    ) -> None:
        self._models, self._modules, self._settings = models, modules, settings
        #: Patches that fit into the memory of the device.
        self.most = max(settings.batch, 1)

    def run(
        self, pixels: list[NDArray[uint8]], number: int
    ) -> tuple[list[list[Maps]], list[float]]:
        """Return maps by model and patch, and seconds a patch by model.

        Which network goes first depends on the number of the patch, so that neither
        always finds the caches warm.
        """
        count = len(self._models)
        found: list[list[Maps]] = [[] for _ in range(count)]
        spent = [0.0] * count
        turn = range(count) if number % 2 == 0 else reversed(range(count))
        for place in turn:
            model = self._models[place]
            start = time.perf_counter()
            inputs = torch.cat([pixels_to_input(each, model) for each in pixels])
            found[place] = self._forward(place, inputs)
            spent[place] = (time.perf_counter() - start) / len(pixels)
        return found, spent

    def _forward(self, place: int, inputs: Tensor) -> list[Maps]:
        """Run one network over as many patches at once as have fitted so far."""
        found: list[Maps] = []
        for part in torch.split(inputs, self.most):
            found += forward_batch(
                self._modules[place],
                self._models[place].spec,
                part,
                self._settings.precision,
                on_smaller=self._take_fewer,
            )
        return found

    def _take_fewer(self, count: int) -> None:
        self.most = min(self.most, count)


def build_module(model: LoadedModel, settings: SlideSettings) -> nn.Module:
    """Return a module that runs the network in the runtime that was asked for."""
    if settings.runtime == "torch":
        return model.module
    if next(model.module.parameters()).device.type != "cpu":
        raise InputError(
            "Other runtimes than torch run on the processor; choose --device cpu."
        )
    if settings.precision != "float32":
        raise InputError(
            "Other runtimes than torch compute in float32; leave out --precision."
        )
    return deploy(model, settings.runtime, settings.threads or torch.get_num_threads())
