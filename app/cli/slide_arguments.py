"""The options of ``prunescope slide``."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from app.cli import values
from app.cli.model_arguments import add_model
from app.cli.views import add_scale

PRECISIONS = ("float32", "bfloat16")
RUNTIMES = ("torch", "onnxruntime", "openvino")


@dataclass(frozen=True, slots=True)
class SlideArguments:
    """What was asked for.

    Parameters
    ----------
    model, slide, out
        Catalogue name or path, slide, folder of the results.
    plan
        Plan or file of a pruned model; empty without one.
    tile_mpp, resample
        Pixel size of the slide, and whether it may be resampled.
    everywhere
        Whether patches without tissue are looked at.
    batch, threads, precision, device, runtime
        How the networks run; 0 threads leaves the number to torch.
    scheduler, workers
        Address of a Dask scheduler, or workers to start here.
    as_json
        Whether the summary goes to standard output.
    trust
        Whether the code of a network's Python file may be run.
    """

    model: str
    slide: str
    out: str
    plan: str = ""
    tile_mpp: float | None = None
    resample: str = "auto"
    everywhere: bool = False
    batch: int = 1
    threads: int = 0
    precision: str = PRECISIONS[0]
    device: str = "cpu"
    runtime: str = RUNTIMES[0]
    scheduler: str = ""
    workers: int = 0
    as_json: bool = False
    trust: bool = False


def read(found: Mapping[str, Any]) -> SlideArguments:
    """Take what argparse found."""
    names = {each.name for each in fields(SlideArguments)}
    return SlideArguments(
        **{k: v for k, v in found.items() if k in names and v is not None}
    )


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--model", required=True, help="catalogue name or path")
    add_model(parser)
    parser.add_argument("--slide", required=True, help="picture of any size")
    parser.add_argument(
        "--plan",
        metavar="FILE",
        help="pruned model, or a plan (JSON), to compare with the model",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="where results go; a run that was stopped goes on there",
    )
    parser.add_argument(
        "--everywhere",
        action="store_true",
        help="look at patches without tissue, too",
    )
    add_scale(parser)
    add_running(parser)
    add_workers(parser, "patches")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print JSON"
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how networks run."""
    group = parser.add_argument_group("how the networks run")
    group.add_argument(
        "--device", help="cpu (if left out), cuda, mps, or auto for the fastest"
    )
    group.add_argument(
        "--batch", type=values.count, metavar="N", help="patches at once; 1 if left out"
    )
    add_programs(group)


def add_programs(group: argparse._ArgumentGroup) -> None:
    """Add what is chosen for sweeps, too: threads, precision and runtime."""
    group.add_argument(
        "--threads", type=values.count, metavar="N", help="of the processor"
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="float32 (if left out); bfloat16 is faster where the processor has it",
    )
    group.add_argument(
        "--runtime",
        choices=RUNTIMES,
        help="program that runs the networks; torch if left out, others run on the "
        "processor in float32",
    )


def add_workers(parser: argparse.ArgumentParser, what: str = "trials") -> None:
    """Add the options that say on which machines work is done."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help=f"run the {what} on the workers of this Dask scheduler",
    )
    where.add_argument(
        "--workers",
        type=values.count,
        metavar="N",
        help=f"run the {what} on N processes of this machine, each on one core unless "
        "--threads says otherwise",
    )
