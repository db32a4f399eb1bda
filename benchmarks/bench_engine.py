"""The pruning engine against Torch-Pruning 1.6.1, and against its own targets.

Run ``python -m benchmarks.bench_engine`` with the ``bench`` dependency group
installed (``--quick`` for one repeat of the slow peer). Prints one JSON object.
All times of one block come from one process and take turns, so compare ratios:
absolute times depend on what else the machine does. ``--cpu --threads 1`` counts
processor time instead of wall time, which a busy machine disturbs least.
"""

import argparse
import copy
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from core.models import UNet, build, load_model
from core.pruning import apply_plan, calibrate, make_plan, measure_costs, trace

SPARSITIES = (0.3, 0.45, 0.6, 0.7, 0.8, 0.9)


clock: Callable[[], float] = time.perf_counter


def timed(call: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    start = clock()
    call()
    return (clock() - start) * 1e3


def summary(times: list[float]) -> dict[str, Any]:
    """Median and spread in milliseconds."""
    ordered = sorted(times)
    quarter = len(ordered) // 4
    return {
        "median": round(statistics.median(ordered), 2),
        "low": round(ordered[quarter], 2),
        "high": round(ordered[-1 - quarter], 2),
        "worst": round(ordered[-1], 2),
        "n": len(ordered),
    }


class Peer:
    """Torch-Pruning on the same model."""

    def __init__(self, module: nn.Module, example: Tensor) -> None:
        import torch_pruning

        self._tp = torch_pruning
        self._module, self._example = module, example

    def build(self) -> float:
        """Milliseconds to build the dependency graph."""
        graph = self._tp.DependencyGraph()
        return timed(lambda: graph.build_dependency(self._module, self._example))

    def build_and_step(self, sparsity: float, heads: list[str]) -> float:
        """Milliseconds from a new ratio to the pruned module (dense one kept)."""

        def run() -> None:
            module = copy.deepcopy(self._module)
            pruner = self._tp.pruner.MagnitudePruner(
                module,
                self._example,
                importance=self._tp.importance.MagnitudeImportance(p=2),
                global_pruning=True,
                # Its ratio counts channels: this leaves about as many parameters.
                pruning_ratio=1 - (1 - sparsity) ** 0.5,
                ignored_layers=[module.get_submodule(name) for name in heads],
            )
            pruner.step()

        return timed(run)


def bench_hovernet(repeats: int) -> dict[str, Any]:
    """HoVer-Net fast, 6 types, 256 x 256: from a new sparsity to the new module."""
    config = {"mode": "fast", "types": 6}
    module = build("hovernet", config, seed=0).eval()
    example = torch.rand(1, 3, 256, 256)
    peer = Peer(module, example)
    first_trace = timed(lambda: trace(module, example))
    graph = trace(module, example)
    heads = [
        layer.name
        for layer in graph.producing_layers
        if graph.reasons.get(layer.name) and layer.name in dict(module.named_modules())
    ]
    traces, builds, steps = [], [], []
    for turn in range(repeats):
        builds.append(peer.build())
        traces.append(timed(lambda: trace(module, example)))
        steps.append(peer.build_and_step(SPARSITIES[turn % 6], heads))
    ours, copies, shares = [], [], []
    for turn in range(2 * len(SPARSITIES)):
        sparsity = SPARSITIES[turn % len(SPARSITIES)]
        made: list[nn.Module] = []

        def run(sparsity: float = sparsity, made: list[nn.Module] = made) -> None:
            plan = make_plan(module, graph, "l2", sparsity)
            made.append(apply_plan(module, plan))

        took = timed(run)
        copied = timed(lambda made=made: copy.deepcopy(made[0]))
        ours.append(took)
        copies.append(copied)
        shares.append(took / (2 * copied + 30))
    return {
        "params": sum(p.numel() for p in module.parameters()),
        "trace_first_ms": round(first_trace, 1),
        "trace_ms": summary(traces),
        "peer_build_ms": summary(builds),
        "peer_build_and_step_ms": summary(steps),
        "new_module_ms": summary(ours),
        "deepcopy_of_pruned_ms": summary(copies),
        "times_faster_than_peer": round(
            statistics.median(steps) / statistics.median(ours), 1
        ),
        "first_trace_over_peer_build": round(first_trace / builds[0], 2),
        "share_of_two_copies_and_30_ms": round(statistics.median(shares), 2),
    }


def bench_demo(repeats: int) -> dict[str, Any]:
    """The demo model: statistics against forward passes, then plans with refit."""
    model = load_model("demo")
    module, generator = model.module, torch.Generator().manual_seed(0)
    low, high = model.spec.input_range
    coarse = [torch.rand(1, 3, 64, 64, generator=generator) for _ in range(16)]
    resize = nn.Upsample(scale_factor=4.0, mode="bilinear")
    tiles = [low + (high - low) * resize(tile) for tile in coarse]
    graph = trace(module, tiles[0])
    forwards, calibrations, ratios = [], [], []

    def plain() -> None:
        with torch.inference_mode():
            for tile in tiles:
                module(tile)

    plain()
    for _ in range(repeats):
        forwards.append(timed(plain))
        calibrations.append(timed(lambda: calibrate(module, graph, tiles)))
        ratios.append(calibrations[-1] / forwards[-1])
    data = calibrate(module, graph, tiles)
    result: dict[str, Any] = {
        "params": sum(p.numel() for p in module.parameters()),
        "forward_16_tiles_ms": summary(forwards),
        "statistics_16_tiles_ms": summary(calibrations),
        "statistics_over_forward": round(statistics.median(ratios), 2),
    }
    for heuristic in ("reconstruction", "l2"):
        times = []
        for turn in range(20):
            sparsity = 0.05 + 0.045 * turn
            times.append(
                timed(
                    lambda s=sparsity, h=heuristic: apply_plan(
                        module,
                        make_plan(module, graph, h, s, statistics=data),
                        statistics=data,
                    )
                )
            )
        result[f"first_plan_and_refit_{heuristic}_ms"] = round(times[0], 1)
        result[f"plan_and_refit_{heuristic}_ms"] = summary(times[1:])
    return result


def bench_time_aim() -> dict[str, Any]:
    """A slider that removes time: the order once, then moves of the slider.

    A move is a plan and the refitted module. It is to take less than 100 ms.
    """
    model = load_model("demo")
    module, generator = model.module, torch.Generator().manual_seed(0)
    low, high = model.spec.input_range
    tiles = [
        low + (high - low) * torch.rand(1, 3, 256, 256, generator=generator)
        for _ in range(8)
    ]
    graph = trace(module, tiles[0])
    data = calibrate(module, graph, tiles)
    table = measure_costs(module, graph, tiles[0])

    def move(share: float) -> None:
        plan = make_plan(
            module,
            graph,
            "sensitivity",
            share,
            count="latency",
            statistics=data,
            table=table,
        )
        apply_plan(module, plan, statistics=data)

    first = timed(lambda: move(0.3))
    moves = [timed(lambda s=0.02 * n: move(s)) for n in range(1, 40)]
    return {
        "first_move_with_the_order_ms": round(first),
        "move_ms": summary(moves),
        "share_of_100_ms": round(statistics.median(moves) / 100, 2),
        "worst_share_of_100_ms": round(max(moves) / 100, 2),
    }


def bench_growth(repeats: int) -> list[dict[str, Any]]:
    """U-Nets of about 1, 10 and 100 million parameters."""
    rows = []
    for base in (12, 36, 114):
        module = UNet(base=base, depth=5, types=4).eval()
        example = torch.rand(1, 3, 64, 64)
        graph = trace(module, example)
        count = sum(p.numel() for p in module.parameters())
        traces = [
            timed(lambda m=module, x=example: trace(m, x)) for _ in range(repeats)
        ]
        plans = [
            timed(
                lambda m=module, g=graph, s=s: apply_plan(m, make_plan(m, g, "l2", s))
            )
            for s in SPARSITIES
        ]
        rows.append(
            {
                "params": count,
                "trace_ms": summary(traces),
                "plan_and_apply_ms": summary(plans),
                "ns_per_param": round(statistics.median(plans) * 1e6 / count, 2),
            }
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repeat each")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cpu", action="store_true", help="processor, not wall time")
    arguments = parser.parse_args()
    if arguments.cpu:
        global clock
        clock = time.process_time
    torch.set_num_threads(arguments.threads)
    repeats = 1 if arguments.quick else 3
    report = {
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "clock": "processor" if arguments.cpu else "wall",
        "hovernet_fast": bench_hovernet(repeats),
        "demo": bench_demo(repeats),
        "growth": bench_growth(repeats),
        "time_aim": bench_time_aim(),
    }
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
