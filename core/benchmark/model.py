"""One model made ready for pruning: what can be asked of it, by any method.

To read this file, start from `PrunableModel.build`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from core.benchmark.recovery import Material, retrain
from core.errors import PruningError
from core.job import Job
from core.models import LoadedModel
from core.models.weights import digest, portable
from core.pruning import (
    HEURISTICS,
    WEIGHT_HEURISTICS,
    Counter,
    Plan,
    PruningContext,
    PruningPlan,
    Statistics,
    find_method,
    layer_steps,
    method_for_plan,
)
from core.pruning.tracing.graph import ChannelGraph
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.topology import layer_positions
from core.results import HeuristicInfo, Layer, LayerStep, SizeCurve
from core.training import Trained
from core.types import SIZES, UNSTRUCTURED, Counts, PruneRequest

_CURVES = 64  # kept


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
    graph
        The trace of the model, where there is one already.
    """

    def __init__(
        self,
        model: LoadedModel,
        example: Tensor,
        calibration: Sequence[Tensor],
        graph: ChannelGraph | None = None,
    ) -> None:
        self.model = model
        self.context = PruningContext(model.module, example, calibration, graph)
        #: Height and width of the input that multiply-accumulates are counted for.
        self.input_size = int(example.shape[-2]), int(example.shape[-1])

    @cached_property
    def weights_digest(self) -> str:
        """SHA-256 of the dense model's weights, as hex; worked out once."""
        return digest(portable(self.model.module))

    @property
    def graph(self) -> ChannelGraph:
        """The trace of the model."""
        return self.context.graph

    @property
    def seconds(self) -> dict[str, float]:
        """How long what is worked out once has taken."""
        return self.context.seconds

    @property
    def counts(self) -> Counts:
        """Sizes of the model as it was loaded."""
        return Counter(self.graph).dense

    def statistics(self, job: Job | None = None) -> Statistics:
        """Return activation statistics, measured at the first call."""
        return self.context.statistics(job)

    def plan(self, request: PruneRequest, job: Job | None = None) -> Plan:
        """Make the plan of a request.

        Raises
        ------
        PruningError
            When it cannot be met, or combines what does not go together.
        """
        return find_method(request).plan(request, self.context, job)

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
            When the recovery does not go with what was removed, or lacks its tiles.
        InputError
            When there is nothing to fine-tune on.
        Cancelled
            When the job was cancelled.
        """
        if request.recovery == "finetune":
            trained = self.finetune(request, plan, material, job)
            (job or Job()).step(0, 0, "fine-tuned")
            return trained.module
        return find_method(request).build(request, plan, self.context, job)

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
        start, masks = find_method(request).start(plan, self.context, job)
        job = job or Job()
        start = to_inference_layout(start)
        return retrain(start, self.model, request, material, job, masks)

    def exported(self, module: nn.Module, plan: Plan) -> LoadedModel:
        """Return a pruned module as a model that can be saved."""
        if not method_for_plan(plan).narrows:  # shapes are what they were
            return replace(self.model, module=module)
        # a file tells what is gone since the dense network, not since it was opened
        made = cast("PruningPlan", plan)
        before = self.model.plan
        whole = made if before is None else before.then(made)
        return replace(self.model, module=module, plan=whole)

    def curve(self, request: PruneRequest, job: Job | None = None) -> SizeCurve:
        """Return sizes along the whole slider for one heuristic and scope."""
        key = request.key(without=SIZES)
        context = self.context

        def measure() -> SizeCurve:
            return find_method(request).curve(request, context, job)

        found = context.remember("curve", key, measure, _CURVES)
        return replace(found, request=request)

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
        graph, words = self.graph, "(single weights)"
        channels = [
            HeuristicInfo(h.name, h.title, h.sentence, h.paper, h.unavailable(graph))
            for h in HEURISTICS.values()
        ]
        weights = [
            HeuristicInfo(
                UNSTRUCTURED + h.name, f"{h.title} {words}", h.sentence, h.paper
            )
            for h in WEIGHT_HEURISTICS.values()
        ]
        return (*channels, *weights)

    def sizes(self, plan: Plan) -> Counts:
        """Return what a plan leaves; of single weights, those that are not zero."""
        return method_for_plan(plan).sizes(plan, self.context)

    def widths(self, plan: Plan) -> dict[str, int]:
        """Return channels left by layer name."""
        return method_for_plan(plan).widths(plan, self.context)

    def layer_steps(self, plan: Plan, job: Job | None = None) -> tuple[LayerStep, ...]:
        """Return what each layer costs on this computer, dense and pruned.

        Timed for the shape of the first calibration input, or of the traced one
        where there is none; of single weights that are zero, as if nothing was.
        """
        return layer_steps(plan, self.context, job)

    def dense_steps(self, job: Job | None = None) -> tuple[LayerStep, ...]:
        """Return what each layer of the dense model costs; see `layer_steps`."""
        to_inference_layout(self.model.module)
        return layer_steps(None, self.context, job)


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
