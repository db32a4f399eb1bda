"""The options of what is pruned, and how."""

import argparse

from app.cli import values
from core.tables import COUNTS, MAX_SPARSITY, RECOVERIES

REQUEST = (
    *("heuristic", "sparsity", "scope", "count", "recovery"),
    *("round_to", "min_channels", "seed", "locked", "steps", "ratios"),
    "cost_aware",
)
"""Fields of `core.types.PruneRequest` that are options."""


def add_request(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="exported from the window; options beside it win",
    )
    parser.add_argument(
        "--heuristic",
        metavar="NAME",
        help="what is removed first; inspect --model NAME lists them",
    )
    parser.add_argument(
        "--sparsity", type=values.sparsity, help=f"share that goes, 0 to {MAX_SPARSITY}"
    )
    parser.add_argument("--scope", help="network, layer, encoder, decoder or a layer")
    parser.add_argument(
        "--count", choices=tuple(COUNTS), help="what sparsity is a share of"
    )
    parser.add_argument(
        "--recovery", choices=tuple(RECOVERIES), help="repair after pruning"
    )
    parser.add_argument(
        "--round-to",
        type=values.count,
        dest="round_to",
        metavar="N",
        help="keep a multiple of N channels in each layer",
    )
    parser.add_argument(
        "--min-channels",
        type=values.count,
        dest="min_channels",
        metavar="N",
        help="keep at least N channels in each layer",
    )
    parser.add_argument(
        "--seed", type=int, help="of random heuristics and training; 0 if left out"
    )
    _add_details(parser)


def _add_details(parser: argparse.ArgumentParser) -> None:
    """Add the options that few need."""
    parser.add_argument(
        "--lock",
        type=values.names,
        dest="locked",
        metavar="a,b,c",
        help="layers that keep all channels",
    )
    parser.add_argument(
        "--ratio",
        type=values.ratio,
        action="append",
        dest="ratios",
        metavar="NAME=0.5",
        help="share of one layer's (or branch's) channels that goes; may be repeated",
    )
    parser.add_argument(
        "--prune-steps",
        type=values.count,
        dest="steps",
        metavar="N",
        help="score and cut this often, each time anew; 1 if left out",
    )
    parser.add_argument(
        "--cost-aware",
        action="store_const",
        const=True,
        dest="cost_aware",
        help="rank channels by what they are worth for what they cost in --count",
    )
    parser.add_argument(
        "--unstructured",
        action="store_true",
        help="set single weights to zero by --heuristic magnitude, activation, taylor "
        "or random; dense kernels get no faster",
    )
