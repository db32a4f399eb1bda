"""Cutting equals masking: every architecture, heuristic, sparsity and scope.

Run ``python -m benchmarks.equality`` (``--zoo`` for the small architectures of the
tests as well, ``--only NAME`` for some). For each combination the network cut by
`apply_plan` is compared with the one masked by `mask_plan`, in float64, on an input
where units are alive; the table holds the largest relative difference of any output.
Exits with 1 when one is 1e-5 or more. The tests check a rotation of the same product.

Where a scope cannot lose as much as is asked for, it loses that share of what it can.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch

from core.errors import PruningError
from core.pruning.applying.agreement import disagreement
from core.pruning.planning.scopes import allowed_atoms, scope_names
from tests.core.models import cases
from tests.core.pruning.oracle import (
    BUILT_IN,
    SIDES,
    Subject,
    from_catalogue,
    from_zoo,
)
from tests.core.pruning.zoo import ZOO

SPARSITIES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
BOUND = 1e-5
# HoVer-Net with and without types, in both modes.
OTHER_HEADS = {"hovernet-fast": 0, "hovernet-original": 5}


@dataclass(slots=True)
class Row:
    """What one architecture gave."""

    name: str
    scopes: int
    heuristics: int
    compared: int = 0
    less: int = 0
    worst: float = 0.0
    where: str = ""


def subjects(*, zoo: bool) -> Iterator[tuple[str, Callable[[], Subject]]]:
    """Yield every architecture of the catalogue, small, then those of the tests."""
    for name, types in OTHER_HEADS.items():
        spec = cases.SPECS[name]
        other = f"{name}-{'types' if types else 'plain'}"
        config = {**spec.config, "types": types}
        cases.SPECS[other] = replace(spec, config=config)
        SIDES[other] = SIDES[name]
    for name in sorted(cases.SPECS):
        yield name, partial(from_catalogue, name)
    for name in sorted(ZOO) if zoo else ():
        yield name, partial(from_zoo, name)


def scopes_of(it: Subject) -> list[str]:
    """Return both allocations, both halves and one branch: the widest that there is."""
    graph = it.graph
    found = ["network", "layer"]
    found += [s for s in ("encoder", "decoder") if allowed_atoms(graph, s).any()]
    sizes = {name: int(allowed_atoms(graph, name).sum()) for name in scope_names(graph)}
    branches = {n: size for n, size in sizes.items() if size < graph.atoms - 1}
    return [*found, *([max(branches, key=branches.__getitem__)] if branches else [])]


def compare(name: str, it: Subject) -> Row:
    """Compare every heuristic at every sparsity in every scope."""
    scopes = scopes_of(it)
    usable = [h for h in BUILT_IN if _usable(it, h)]
    row = Row(name, len(scopes), len(usable))
    for scope in scopes:
        reach = _reach(it, scope)
        for heuristic in usable:
            for sparsity in SPARSITIES:
                share = sparsity if sparsity <= reach else sparsity * reach
                row.less += share < sparsity
                plan = it.plan(heuristic, share, scope=scope)
                error = disagreement(it.module, it.graph, plan, it.inputs)
                row.compared += 1
                if not error <= row.worst:  # no number is worse than any
                    row.worst = error
                    row.where = f"{heuristic}, {scope}, {sparsity}"
    return row


def _usable(it: Subject, heuristic: str) -> bool:
    try:
        it.plan(heuristic, 0.0)
    except PruningError as error:
        if "batch-norm scales" not in str(error):
            raise
        return False
    return True


def _reach(it: Subject, scope: str) -> float:
    """Return the share of the parameters that a scope can lose."""
    low, high = 0.0, 0.99
    for _ in range(12):
        middle = (low + high) / 2
        try:
            it.plan("l2", middle, scope=scope)
        except PruningError:
            high = middle
        else:
            low = middle
    return low


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", action="store_true", help="the tests' networks too")
    parser.add_argument("--only", action="append", help="one name, may be repeated")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| architecture | heuristics | scopes | comparisons | of these, by reach "
        "| worst | where | s |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    rows = []
    for name, make in subjects(zoo=given.zoo):
        if given.only and name not in given.only:
            continue
        start = time.perf_counter()
        it = make()
        if it.graph.atoms == 1:
            print(f"| {name} | all protected | | 0 | 0 | | | |", flush=True)
            continue
        row = compare(name, it)
        rows.append(row)
        took = time.perf_counter() - start
        print(
            f"| {name} | {row.heuristics} | {row.scopes} | {row.compared} "
            f"| {row.less} | {row.worst:.1e} | {row.where} | {took:.0f} |",
            flush=True,
        )
    worst = max(row.worst for row in rows)
    print(f"\n{sum(r.compared for r in rows)} comparisons, the worst {worst:.1e}")
    return int(not worst < BOUND)


if __name__ == "__main__":
    sys.exit(main())
