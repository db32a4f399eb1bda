"""The two ways to prune, compared; and what is traced once for many tests."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from core.pruning import (
    HEURISTICS,
    ChannelGraph,
    Counter,
    PruningPlan,
    Selector,
    Statistics,
    apply_plan,
    calibrate,
    make_plan,
    mask_plan,
    trace,
)
from core.pruning.applying.masked import living_atoms
from tests.core.models.cases import fresh
from tests.core.pruning.architectures.recipe import randomise
from tests.core.pruning.zoo import ZOO

ROUNDING = 1e-9
"""Float64 sums in another order differ by far less."""

BUILT_IN = tuple(name for name in HEURISTICS)

SIDES = {"hovernet-fast": 96, "hovernet-original": 206}


@dataclass(frozen=True)
class Subject:
    """A network with its trace."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    graph: ChannelGraph

    @cached_property
    def statistics(self) -> Statistics:
        return calibrate(self.module, self.graph, [self.inputs])

    @cached_property
    def reach(self) -> float:
        """Share of the parameters that can go at all."""
        selector = Selector(self.graph)
        ends = selector.prefixes(np.zeros(self.graph.atoms), "network", 2)
        params = selector.table(ends)[:, 0]
        return 1 - params[-1] / params[0]

    def plan(self, heuristic: str, sparsity: float, **more) -> PruningPlan:
        data = self.statistics if "statistics" in HEURISTICS[heuristic].needs else None
        return make_plan(
            self.module, self.graph, heuristic, sparsity, statistics=data, **more
        )


def subject(module: nn.Module, *inputs: Tensor) -> Subject:
    return Subject(module, inputs, trace(module, inputs))


@lru_cache(maxsize=8)
def from_zoo(name: str) -> Subject:
    module, inputs = ZOO[name]()
    return subject(module, *inputs)


@lru_cache(maxsize=8)
def from_catalogue(name: str) -> Subject:
    """A small member of a catalogue architecture, float64, nothing at its default."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = randomise(fresh(name).module).double()
        side = SIDES.get(name, 32)
        example = torch.rand(1, 3, side, side, dtype=torch.float64)
        return subject(lively(module, example), example)


@torch.no_grad()
def lively(module: nn.Module, example: Tensor) -> nn.Module:
    """Give batch norms the statistics of the example, but for a little.

    With other statistics most ReLUs are dead and outputs do not depend on the
    input: two ways to prune would be compared on constants.
    """
    for child in module.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.reset_running_stats()
            child.momentum = None
    # Two different tiles, so that even maps of one position have a variance.
    module.train()(torch.cat([example, 1 - example.flip(2)]))
    for name, tensor in module.named_buffers():
        if name.endswith(("running_var", "running_mean")):
            tensor.mul_(1 + 0.1 * torch.rand_like(tensor))
    return module.eval()


@torch.inference_mode()
def run(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(module(*inputs)) if isinstance(leaf, Tensor)]


def difference(first: list[Tensor], second: list[Tensor]) -> float:
    """Largest relative error over all outputs."""
    pairs = zip(first, second, strict=True)
    assert all(a.shape == b.shape for a, b in zip(first, second, strict=True))
    return max(float((a - b).abs().max() / (b.abs().max() + 1e-12)) for a, b in pairs)


def check(it: Subject, plan: PruningPlan) -> nn.Module:
    """Assert that cutting equals masking and that predicted sizes are right."""
    pruned = apply_plan(it.module, plan)
    masked = mask_plan(it.module, it.graph, plan)
    error = difference(run(pruned, it.inputs), run(masked, it.inputs))
    assert error < ROUNDING, (dict(plan.request), error)
    counts = Counter(it.graph).counts(living_atoms(it.graph, plan))
    assert counts.params == sum(p.numel() for p in pruned.parameters())
    return pruned
