"""Plans that aim at time.

Heuristics that know the error of every layer (``sensitivity``, ``reconstruction``)
go block by block (`core.pruning.planning.block_order`); of all others the ranking
counts. In both cases layers only take widths that this machine computes well.

To read this file, start from `make_timed_plan`.
"""

import numpy as np
import torch
from torch import nn

from core.cache import digest, read_cached, write_cached
from core.errors import PruningError
from core.job import Job
from core.pruning.planning.block_order import BlockOrder, find_block_order
from core.pruning.planning.checks import (
    check_model,
    check_request,
    check_statistics,
)
from core.pruning.planning.limits import Limits, ladders
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.selection import Selector, plan_of
from core.pruning.planning.width_costs import CostTable
from core.pruning.scoring.heuristics import (
    Heuristic,
    ScoringContext,
    find_heuristic,
)
from core.pruning.scoring.readers import build_readers
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.modes import tensors_of

_KIND = "block-orders"


def make_timed_plan(  # noqa: PLR0913 - mirrors make_plan
    module: nn.Module,
    graph: ChannelGraph,
    heuristic: str,
    milliseconds: float,
    table: CostTable,
    *,
    scope: str = "network",
    statistics: Statistics | None = None,
    limits: Limits | None = None,
    seed: int = 0,
    job: Job | None = None,
) -> PruningPlan:
    """Decide what to remove so that the network takes no longer than asked.

    Parameters
    ----------
    module, graph, heuristic, scope, statistics, seed
        As for `make_plan`.
    milliseconds
        Predicted time of the pruned network, at most.
    table
        From `measure_costs`.
    limits
        Rounding, floors, locks and ratios. Widths are multiples of the machine's
        step, unless ``round_to`` is more than 1.
    job
        Progress and cancel of the first plan; later ones take milliseconds.

    Returns
    -------
    PruningPlan
        Its request holds the target, the predicted times and the step.

    Raises
    ------
    PruningError
        What `make_plan` refuses, or a time out of reach.
    """
    limits = limits or Limits()
    check_model(module, graph)
    check_request(graph, 0.0, "macs", limits)
    check_statistics(statistics, graph.shapes)
    check_table(graph, table)
    if not milliseconds > 0:
        raise PruningError(f"{milliseconds} ms is no time: give a positive number.")
    rule = find_heuristic(heuristic)
    ask = ScoringContext(module, graph, statistics, seed, "macs")
    if goes_in_blocks(rule, scope):
        order = block_order(ask, rule, table, limits, scope, job)
        alive = alive_within(graph, order, milliseconds)
    else:
        selector = timed_selector(graph, table, limits)
        alive = selector.select_below(
            rule.score(ask), milliseconds, scope, lambda a: table.predict(graph, a)
        )
        table.save()
    request = {
        "heuristic": heuristic,
        "scope": scope,
        "seed": seed,
        "round_to": limits.round_to if limits.round_to > 1 else table.step,
        "min_channels": limits.min_channels,
        "milliseconds": milliseconds,
        "predicted_ms": table.predict(graph, alive),
        "predicted_dense_ms": table.dense(graph),
        **({"locked": list(limits.locked)} if limits.locked else {}),
        **({"ratios": dict(limits.ratios)} if limits.ratios else {}),
    }
    return plan_of(graph, alive, request, rule.notes(ask))


def goes_in_blocks(rule: Heuristic, scope: str) -> bool:
    """Tell whether a plan is a prefix of a `BlockOrder`, and not of a ranking."""
    return rule.weighing is not None and scope != "layer"


def timed_selector(graph: ChannelGraph, table: CostTable, limits: Limits) -> Selector:
    """Return a selector whose widths are those that the machine computes well."""
    return Selector(graph, limits, ladders(graph, table.step, limits))


def alive_within(graph: ChannelGraph, order: BlockOrder, milliseconds: float) -> Alive:
    """Return living atoms of the shortest prefix that is fast enough.

    Raises
    ------
    PruningError
        When none is.
    """
    # A time may be asked for that was computed as a share: a billionth is rounding.
    if order.least > milliseconds * (1 + 1e-9):
        raise PruningError(
            f"{milliseconds:.3g} ms are out of reach: {order.least:.3g} of "
            f"{order.dense:.3g} ms are left when all that may go is gone. Ask for at "
            f"most {np.floor(1000 * (1 - order.least / order.dense)) / 10:.1f}%, or "
            "widen the scope."
        )
    return order.alive(graph.atoms, order.shortest(milliseconds * (1 + 1e-9)))


def block_order(
    ask: ScoringContext,
    rule: Heuristic,
    table: CostTable,
    limits: Limits,
    scope: str,
    job: Job | None = None,
) -> BlockOrder:
    """Return the order of a model, found once and kept on this computer.

    Parameters
    ----------
    ask
        Model and statistics.
    rule
        With a `Heuristic.weighing`.
    table, limits, scope, job
        As for `make_timed_plan`.

    Raises
    ------
    PruningError
        When nothing is in scope.
    Cancelled
        When the job was cancelled; times measured so far are kept.
    """
    assert rule.weighing is not None
    statistics = ask.measured
    fixed = sorted(limits.locked), sorted(limits.ratios.items())
    # Two programs that measure side by side have two tables of the same key.
    times = table.key, table.step, table.dense(ask.graph)
    key = digest(
        "blocks", rule.weighing, *times, scope, fixed, limits.round_to,
        limits.min_channels,
    )  # fmt: skip
    if key in statistics.cache:
        found: BlockOrder = statistics.cache[key]
        return found
    # Checked first: a scope without channels is refused whatever was kept.
    selector = timed_selector(ask.graph, table, limits)
    free, given = selector.free_and_given(np.zeros(ask.graph.atoms), scope)
    name = digest(key, fingerprint(ask.module), *statistics.inputs_digest)
    order = None
    if table.keep:
        order = BlockOrder.from_data(read_cached(_KIND, name), ask.graph.atoms)
    if order is None:
        order = _find(ask, rule, table, limits, (free, given), job)
        if table.keep:
            write_cached(_KIND, name, order.to_data())
    statistics.cache[key] = order
    return order


def _find(
    ask: ScoringContext,
    rule: Heuristic,
    table: CostTable,
    limits: Limits,
    atoms: tuple[Alive, Alive],
    job: Job | None,
) -> BlockOrder:
    assert rule.weighing is not None
    ask.measured.curvature(ask.module, job) if rule.weighing == "gradients" else None
    readers = build_readers(ask, rule.weighing)
    free, given = atoms
    if limits.ratios:
        worth = np.zeros(ask.graph.atoms)
        for reader in readers:
            np.add.at(worth, reader.atoms, reader.saliency())
        selector = timed_selector(ask.graph, table, limits)
        free, given = selector.free_and_given(worth, "network")
        free &= atoms[0]
    try:
        steps = ladders(ask.graph, table.step, limits)
        return find_block_order(table, readers, steps, free, given, job)
    finally:
        table.save()


def check_table(graph: ChannelGraph, table: CostTable) -> None:
    """Refuse a table that was measured on another model.

    Raises
    ------
    PruningError
        When its trace has other shapes.
    """
    if table.graph is not graph and table.graph.shapes != graph.shapes:
        raise PruningError(
            "This cost table was measured on another model: measure it on this one."
        )


def fingerprint(module: nn.Module) -> str:
    """Return a digest of all parameters and buffers of a module."""
    parts: list[object] = []
    for name, tensor in sorted(tensors_of(module).items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        parts += [name, tuple(tensor.shape), flat.view(torch.uint8).numpy().tobytes()]
    return digest(*parts)
