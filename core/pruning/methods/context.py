"""One model as the methods of pruning see it, with what is costly kept.

To read this file, start from `PruningContext`.
"""

from __future__ import annotations

from collections import OrderedDict
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast

from core.pruning.planning.checks import check_model
from core.pruning.scoring.statistics import Statistics, calibrate
from core.pruning.verification import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from torch import Tensor, nn

    from core.job import Job
    from core.pruning.tracing.graph import ChannelGraph

_T = TypeVar("_T")
_MOST = 8  # values kept of each kind; each click on a lock asks for another


class PruningContext:
    """A dense model, its trace and its calibration inputs.

    Parameters
    ----------
    module
        The dense model; not changed.
    example
        Input of the shape that multiply-accumulates are counted for.
    inputs
        Calibration inputs; latency is predicted for the shape of the first one.
    graph
        The trace, where there is one already.

    Raises
    ------
    PruningError
        When weights are not numbers.
    """

    def __init__(
        self,
        module: nn.Module,
        example: Tensor,
        inputs: Sequence[Tensor],
        graph: ChannelGraph | None = None,
    ) -> None:
        self.module = module
        self.graph: ChannelGraph = graph or trace(module, example)
        check_model(module, self.graph)
        self.inputs = tuple(inputs)
        self.seconds: dict[str, float] = {}
        self._statistics: Statistics | None = None
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}

    def statistics(self, job: Job | None = None) -> Statistics:
        """Return activation statistics, measured at the first call."""
        if self._statistics is None:
            start = perf_counter()
            self._statistics = calibrate(self.module, self.graph, self.inputs, job)
            self.seconds["statistics"] = perf_counter() - start
        return self._statistics

    def remember(
        self, kind: str, key: Hashable, make: Callable[[], _T], most: int = _MOST
    ) -> _T:
        """Return a value that was made before, or make it.

        Parameters
        ----------
        kind, key
            Name the value.
        make
            Called when it is not there.
        most
            Values of this kind that are kept, the latest used ones.
        """
        kept = self._kept.setdefault(kind, OrderedDict())
        if key not in kept:
            kept[key] = make()
        kept.move_to_end(key)
        while len(kept) > most:
            kept.popitem(last=False)
        return cast("_T", kept[key])
