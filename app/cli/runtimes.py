"""``prunescope bench``: one network in several runtimes, timed on this computer."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from app.cli import values
from app.cli.console import print_table
from app.cli.model_arguments import add_model, with_consent
from app.text.runtimes import HEADER, cells, how_measured
from core.job import Job
from core.sources import Source


@dataclass(frozen=True, slots=True)
class BenchArguments:
    """What was asked for.

    Parameters
    ----------
    model
        Catalogue name or path, dense or pruned.
    tile
        Whose pixels are fed; a sample when empty.
    runtimes
        Names; empty for all that are installed.
    threads, batch
        Within an operation, 0 for torch's choice; patches at once.
    seconds
        For each runtime.
    as_json
        Whether JSON is printed.
    trust
        Whether code that the model names may be run.
    """

    model: str
    tile: str = ""
    runtimes: tuple[str, ...] = ()
    threads: int = 0
    batch: int = 1
    seconds: float = 10.0
    as_json: bool = False
    trust: bool = False


def read(found: Mapping[str, Any]) -> BenchArguments:
    """Take what argparse found."""
    names = {each.name for each in fields(BenchArguments)}
    return BenchArguments(
        **{k: v for k, v in found.items() if k in names and v is not None}
    )


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--model", required=True, help="catalogue name or path, dense or pruned"
    )
    add_model(parser)
    parser.add_argument("--tile", help="image to feed, or sample:NAME")
    parser.add_argument(
        "--runtimes",
        type=values.names,
        metavar="a,b",
        help="of torch, torch-bfloat16, onnxruntime, openvino; if left out, all that "
        "are installed and that this processor has instructions for",
    )
    parser.add_argument(
        "--threads", type=values.count, metavar="N", help="of every runtime"
    )
    parser.add_argument(
        "--batch", type=values.count, metavar="N", help="patches at once; 1 if left out"
    )
    parser.add_argument(
        "--seconds",
        type=values.positive,
        metavar="S",
        help="for each runtime; 10 if left out",
    )
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print JSON"
    )


def run_command(asked: BenchArguments, job: Job) -> list[str]:
    """Compare runtimes; prints a table and returns the lines below it.

    Raises
    ------
    BenchError
        When a runtime is not there, or the network cannot be exported.
    """
    from core.benchmark.model import to_inference_layout
    from core.deployment import RUNTIMES, BenchSettings, compare_runtimes
    from core.models import load_model

    model = with_consent(lambda: load_model(asked.model), asked.trust)
    to_inference_layout(model.module)
    names = asked.runtimes or tuple(
        name for name, row in RUNTIMES.items() if row.worth_trying
    )
    settings = BenchSettings(names, asked.threads, asked.seconds)
    found = compare_runtimes(model, _inputs(asked, model), settings, job)
    rows = [each.as_dict() for each in found.results]
    sentence = found.sentence()
    if asked.as_json:
        result = {
            "model": asked.model,
            "threads": found.threads,
            "shape": list(found.shape),
            "runtimes": rows,
            "sentence": sentence,
        }
        return json.dumps(result, indent=2, allow_nan=False).splitlines()
    print_table(HEADER, map(cells, rows))
    return [how_measured(found.shape, found.threads), sentence]


def _inputs(asked: BenchArguments, model: Any) -> Any:
    """Cut patches of the tile that is asked for, as the network takes them."""
    from app.worker.reading import read_tile_first
    from core.benchmark import calibration_inputs
    from core.errors import InputError

    read_first = read_tile_first(Source.of_tile(asked.tile))
    if read_first is None:
        raise InputError(f"{asked.tile} is a folder; name a tile in it.")
    import torch

    patches = calibration_inputs(model, [read_first.tiles[0].tile], asked.batch)
    repeated = [patches[n % len(patches)] for n in range(asked.batch)]
    return torch.cat(repeated)
