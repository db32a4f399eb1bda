"""One model made ready for pruning: graph, statistics, plans and pruned modules.

Everything that depends on the model alone is worked out once and kept here.
To read this file, start from `PrunableModel.build`.
"""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.benchmark.plans import Material as Ingredients
from core.benchmark.plans import (
    Plan,
    SpecialPlans,
    is_special,
    limits_of,
    mask_counts,
    needs_statistics,
    plain_count,
    settings_of,
    weight_heuristics,
)
from core.benchmark.recovery import Material, retrain
from core.errors import PruningError
from core.job import Job
from core.models import LoadedModel
from core.pruning import (
    HEURISTICS,
    ChannelGraph,
    Counter,
    Limits,
    MaskPlan,
    ScoringContext,
    Selector,
    Statistics,
    apply_masks,
    apply_plan,
    calibrate,
    plan_of,
    recalibrate_batch_norm,
    refit_in_sequence,
    trace,
)
from core.pruning.applying.masked import living_atoms
from core.pruning.planning.checks import check_model, check_request
from core.pruning.scoring.heuristics import find_heuristic
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.topology import layer_positions
from core.results import HeuristicInfo, Layer, SizeCurve
from core.training import Trained
from core.types import SIZES, Counts, PruneRequest, RequestKey

_POINTS = 96
_SELECTORS = 8  # kept; each click on a lock asks for another


class PrunableModel:
    """A loaded model with its trace, calibrated when first needed.

    Parameters
    ----------
    model
        What `core.models.load_model` returned.
    example
        Input of the shape that multiply-accumulates are counted for.
    calibration
        Input tensors of a few unlabelled tiles.
    """

    def __init__(
        self, model: LoadedModel, example: Tensor, calibration: Sequence[Tensor]
    ) -> None:
        self.model = model
        self.graph: ChannelGraph = trace(model.module, example)
        self._calibration = tuple(calibration)
        self._statistics: Statistics | None = None
        check_model(model.module, self.graph)
        self._ranked: dict[tuple[str, str, int], NDArray[np.float64]] = {}
        self._selectors: dict[tuple[object, ...], Selector] = {}
        self._curves: dict[RequestKey, SizeCurve] = {}
        self.seconds: dict[str, float] = {}
        self._special = SpecialPlans(Ingredients(model.module, self.graph, calibration))

    @property
    def counts(self) -> Counts:
        """Sizes of the model as it was loaded."""
        return Counter(self.graph).dense

    def statistics(self, job: Job | None = None) -> Statistics:
        """Return activation statistics, measured at the first call."""
        if self._statistics is None:
            start = perf_counter()
            self._statistics = calibrate(
                self.model.module, self.graph, self._calibration, job
            )
            self.seconds["statistics"] = perf_counter() - start
        return self._statistics

    def plan(self, request: PruneRequest, job: Job | None = None) -> Plan:
        """Make the plan of a request.

        Raises
        ------
        PruningError
            When it cannot be met.
        """
        if is_special(request):
            return self._special.plan(request, self._needed(request, job), job)
        limits, count = limits_of(request), plain_count(request)
        check_request(self.graph, request.sparsity, count, limits)
        scores = self._scores(request, job)
        alive = self._selector(limits).select(
            scores, request.sparsity, request.scope, count
        )
        return plan_of(self.graph, alive, settings_of(request))

    def _needed(self, request: PruneRequest, job: Job | None) -> Statistics | None:
        """Return statistics when the heuristic looks at them."""
        if request.unstructured:
            needed = needs_statistics(request)
        else:
            needed = "statistics" in find_heuristic(request.heuristic).needs
        return self.statistics(job) if needed else None

    def _scores(self, request: PruneRequest, job: Job | None) -> NDArray[np.float64]:
        """Score every atom, once for each heuristic, count and seed."""
        key = (request.heuristic, request.count, request.seed)
        if key not in self._ranked:
            statistics, count = self._needed(request, job), plain_count(request)
            ask = ScoringContext(
                self.model.module, self.graph, statistics, request.seed, count
            )
            self._ranked[key] = find_heuristic(request.heuristic).score(ask)
        return self._ranked[key]

    def _selector(self, limits: Limits) -> Selector:
        ratios = tuple(limits.ratios.items())
        key = (limits.round_to, limits.min_channels, limits.locked, ratios)
        if key not in self._selectors:
            if len(self._selectors) == _SELECTORS:
                self._selectors.pop(next(iter(self._selectors)))
            self._selectors[key] = Selector(self.graph, limits)
        return self._selectors[key]

    def build(
        self,
        request: PruneRequest,
        plan: Plan,
        job: Job | None = None,
        material: Material | None = None,
    ) -> nn.Module:
        """Build the pruned module and repair it as the request says.

        Parameters
        ----------
        request, plan
            What is cut, and which repair.
        job
            Progress and cancel.
        material
            Tiles for recovery ``"finetune"``.

        Raises
        ------
        PruningError
            When the recovery is not known, or lacks its tiles.
        InputError
            When there is nothing to fine-tune on.
        Cancelled
            When the job was cancelled.
        """
        module = self.model.module
        if request.recovery == "finetune":
            trained = self.finetune(request, plan, material, job)
            (job or Job()).step(0, 0, "fine-tuned")
            return trained.module
        if isinstance(plan, MaskPlan) or request.steps > 1:
            return self._special.build(request, plan, job)
        if request.recovery == "none":
            return apply_plan(module, plan)
        if request.recovery in {"refit", "sequential"}:
            repaired = apply_plan(module, plan, statistics=self.statistics(job))
            if request.recovery == "refit":
                return repaired
            inputs = [(batch,) for batch in self._calibration]
            return refit_in_sequence(module, repaired, plan, self.graph, inputs, job)
        if request.recovery == "bn":
            pruned = apply_plan(module, plan)
            batches = ((batch,) for batch in self._calibration)
            if not recalibrate_batch_norm(pruned, batches, job):
                raise PruningError(
                    "This model has no batch norm to recalibrate: choose refit."
                )
            return pruned
        raise PruningError(
            f"There is no recovery '{request.recovery}': choose none, bn, refit, "
            "sequential or finetune."
        )

    def finetune(
        self,
        request: PruneRequest,
        plan: Plan,
        material: Material | None,
        job: Job | None = None,
    ) -> Trained:
        """Cut, refit, and train on; see `retrain`.

        Raises
        ------
        PruningError
            When there are no tiles.
        InputError
            When there is nothing to fine-tune on.
        """
        if material is None:
            raise PruningError(
                "Recovery 'finetune' needs tiles to train on, which this call does not "
                "have: choose another recovery."
            )
        if isinstance(plan, MaskPlan):
            sparse = to_inference_layout(apply_masks(self.model.module, plan))
            return retrain(sparse, self.model, request, material, job or Job(), plan)
        start = apply_plan(self.model.module, plan, statistics=self.statistics(job))
        return retrain(
            to_inference_layout(start), self.model, request, material, job or Job()
        )

    def curve(self, request: PruneRequest, job: Job | None = None) -> SizeCurve:
        """Return sizes along the whole slider for one heuristic and scope."""
        key = request.key(without=SIZES)
        if key not in self._curves:
            self._curves[key] = self._measure_curve(request, job)
        return replace(self._curves[key], request=request)

    def _measure_curve(self, request: PruneRequest, job: Job | None) -> SizeCurve:
        limits, count = limits_of(request), plain_count(request)
        check_request(self.graph, 0.0, count, limits)
        if request.unstructured:
            sizes = self._special.mask_curve(request, self._needed(request, job))
        else:
            scores = self._scores(request, job)
            sizes = self._selector(limits).sizes(scores, request.scope, _POINTS)
        rows = [(c.params, c.macs, c.channels) for c in sizes]
        return SizeCurve(request, count, np.array(rows, dtype=np.int64))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers that make channels, in the order they run."""
        graph = self.graph
        found: dict[str, Layer] = {}
        places = {place.name: place for place in layer_positions(graph)}
        # Layers share a channel when they share a group: its atoms are made by
        # the very same layers.
        shares: dict[int, dict[str, None]] = {}
        groups = {}
        for layer in graph.producing_layers:
            groups[layer.name] = np.unique(graph.group_of[layer.outputs]).tolist()
            for group in groups[layer.name]:
                shares.setdefault(group, {})[layer.name] = None
        for layer in graph.producing_layers:
            others = dict.fromkeys(
                other
                for group in groups[layer.name]
                if group >= 0
                for other in shares[group]
            )
            others.pop(layer.name, None)
            found[layer.name] = Layer(
                name=layer.name,
                width=int(layer.outputs.size),
                part=places[layer.name].stage,
                coupled=tuple(others),
                protected=graph.reasons.get(layer.name, ""),
                free=int(np.count_nonzero(layer.outputs != FIXED)),
                lane=places[layer.name].lane,
                level=places[layer.name].level,
                reads=places[layer.name].reads,
                kind=layer.kind,
            )
        return tuple(found.values())

    @property
    def heuristics(self) -> tuple[HeuristicInfo, ...]:
        """All heuristics, with a reason beside those that do not apply.

        Those that choose single weights come last.
        """
        structured = (
            HeuristicInfo(
                h.name, h.title, h.sentence, h.paper, h.unavailable(self.graph)
            )
            for h in HEURISTICS.values()
        )
        single = (
            HeuristicInfo(name, f"{h.title} (single weights)", h.sentence, h.paper)
            for name, h in weight_heuristics().items()
        )
        return (*structured, *single)

    def sizes(self, plan: Plan) -> Counts:
        """Return what a plan leaves; of single weights, those that are not zero."""
        if isinstance(plan, MaskPlan):
            return mask_counts(self.graph, plan)
        return Counter(self.graph).counts(living_atoms(self.graph, plan))

    def widths(self, plan: Plan) -> dict[str, int]:
        """Return channels left by layer name."""
        if isinstance(plan, MaskPlan):
            return {
                layer.name: int(layer.outputs.size)
                for layer in self.graph.producing_layers
            }
        found = {}
        for layer in self.graph.producing_layers:
            if layer.weight is None:
                continue
            dim = 1 if layer.kind == "transposed" else 0
            entry = plan.kept[layer.weight][dim]
            width = layer.outputs.size
            dense = plan.shapes[layer.weight][dim]
            left = dense if entry is None else len(entry)
            found[layer.name] = width * left // dense
        return found


def to_inference_layout(module: nn.Module) -> nn.Module:
    """Return the module ready to run: evaluation mode, channels last."""
    module = module.eval()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(
                    memory_format=torch.channels_last
                )
    return module
