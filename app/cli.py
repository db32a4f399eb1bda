"""The command line as a value; see DESIGN section 2 for its contract."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from app.sources import joined
from core.types import Count, FineTune, PruneRequest, Recovery

COMMANDS = ("prune", "sweep", "inspect")
_REQUEST = ("heuristic", "sparsity", "scope", "count", "recovery", "round_to", "seed")
_TRAINING = ("train_data", "minutes", "steps", "rate", "distil", "device")
_COUNTS: tuple[Count, ...] = ("params", "macs", "channels")
_RECOVERIES: tuple[Recovery, ...] = ("none", "bn", "refit", "finetune")
HEURISTIC, SPARSITY = "reconstruction", 0.8
RECOVERY: Recovery = "refit"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for.

    Parameters
    ----------
    command
        One of `COMMANDS`, or empty for the window.
    model, tile, labels
        Sources; empty for the defaults.
    request
        What is pruned, for ``prune`` and the screenshot.
    given
        Whether any part of ``request`` was asked for.
    screenshot, out, as_json
        Where results go, and in which form.
    data, heuristics, sparsities, csv, resume
        Of a sweep.
    """

    command: str = ""
    model: str = ""
    tile: str = ""
    labels: str = ""
    request: PruneRequest = field(
        default_factory=lambda: PruneRequest(HEURISTIC, SPARSITY)
    )
    given: bool = False
    screenshot: str = ""
    out: str = ""
    as_json: bool = False
    data: str = ""
    heuristics: tuple[str, ...] = ()
    sparsities: tuple[float, ...] = ()
    csv: str = ""
    resume: bool = False

    @property
    def source(self) -> str:
        """Tile, and labels beside it, as `app.engine.read` takes them."""
        return joined(self.tile, self.labels)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is for ``--help``."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parse(arguments: Sequence[str]) -> Arguments:
    """Read a command line; exits with 2 and one line when it is wrong.

    Parameters
    ----------
    arguments
        Without the name of the program.
    """
    parser = _parser()
    found = vars(parser.parse_args(arguments))
    given = any(found.get(name) is not None for name in _REQUEST)
    recovery = _recovery(found.pop("recovery", None))
    training = _training(parser, found, recovery)
    request = PruneRequest(
        heuristic=found.pop("heuristic", None) or HEURISTIC,
        sparsity=_or(found.pop("sparsity", None), SPARSITY),
        scope=found.pop("scope", None) or "network",
        count=found.pop("count", None) or "params",
        recovery=recovery,
        round_to=found.pop("round_to", None) or 1,
        seed=found.pop("seed", None) or 0,
        training=training,
    )
    known = {key: value for key, value in found.items() if value is not None}
    return Arguments(request=request, given=given, **known)


def _training(
    parser: _Parser, found: dict[str, Any], recovery: Recovery
) -> FineTune | None:
    """Take the options of fine-tuning out of what was found."""
    asked = {name: found.pop(name, None) for name in _TRAINING}
    asked = {name: value for name, value in asked.items() if value is not None}
    if recovery != "finetune":
        for name in asked:
            option = name.replace("_", "-")
            if found.get("command") == "prune":
                option = option.removeprefix("train-")
            parser.error(f"--{option} goes with --recovery finetune")
        return None
    if "train_data" in asked:
        asked["data"] = asked.pop("train_data")
    if "steps" in asked:
        asked.setdefault("minutes", 0.0)  # as many steps as were asked for
    return FineTune(seed=found.get("seed") or 0, **asked)


def _recovery(name: Recovery | None) -> Recovery:
    return name or RECOVERY


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _parser() -> _Parser:
    parser = _Parser(
        prog="prunescope",
        description="Prune a nuclei model and see what it still finds. "
        "Without a command: the window.",
    )
    parser.add_argument("--model", help="catalogue name or path; the demo if left out")
    parser.add_argument("--tile", help="image to open, or sample:NAME")
    parser.add_argument("--labels", help="label image of the tile")
    parser.add_argument(
        "--screenshot",
        metavar="OUT.png",
        help="one round offscreen, saved as a picture",
    )
    _add_request(parser, required=False)
    commands = parser.add_subparsers(dest="command", metavar="prune | sweep | inspect")
    _add_prune(commands.add_parser("prune", help="one pruned model, and its scores"))
    _add_sweep(commands.add_parser("sweep", help="many models over many tiles"))
    inspect = commands.add_parser("inspect", help="layers, coupling, protection")
    inspect.add_argument("--model", required=True)
    return parser


def _add_request(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--heuristic", required=required)
    parser.add_argument(
        "--sparsity", type=_sparsity, required=required, help="0 to 0.99"
    )
    parser.add_argument("--scope", help="network, layer, encoder, decoder or a layer")
    parser.add_argument("--count", choices=_COUNTS)
    parser.add_argument("--recovery", choices=_RECOVERIES)
    parser.add_argument("--round-to", type=int, dest="round_to")
    parser.add_argument("--seed", type=int)


def _add_training(parser: argparse.ArgumentParser, data: str) -> None:
    """Add the options of recovery finetune; ``data`` names that of the tiles."""
    group = parser.add_argument_group("with --recovery finetune")
    group.add_argument(
        data,
        dest="train_data",
        metavar="DIR",
        help="labelled tiles to learn from; without any, the dense model teaches",
    )
    group.add_argument("--minutes", type=_positive, help="of training; 2 if left out")
    group.add_argument("--steps", type=_count, help="instead of a time: repeatable")
    group.add_argument("--rate", type=_positive, help="learning rate; 0.001")
    group.add_argument(
        "--distil",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="learn the dense model's outputs beside the labels",
    )
    group.add_argument("--device", help="auto, cpu, cuda or mps")


def _add_prune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--tile", required=True)
    parser.add_argument("--labels")
    _add_request(parser, required=True)
    _add_training(parser, "--data")
    parser.add_argument("--out", metavar="DIR", help="where model and masks go")
    parser.add_argument("--json", action="store_true", dest="as_json")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--heuristics", required=True, type=_names, metavar="a,b,c")
    parser.add_argument(
        "--sparsities", required=True, type=_sparsities, metavar="0:0.95:0.05"
    )
    parser.add_argument("--scope")
    parser.add_argument("--count", choices=_COUNTS)
    parser.add_argument("--recovery", choices=_RECOVERIES)
    parser.add_argument("--seed", type=int)
    _add_training(parser, "--train-data")
    parser.add_argument("--out", required=True, metavar="RUN.sqlite")
    parser.add_argument("--csv", metavar="FILE")
    parser.add_argument("--resume", action="store_true")


def _positive(text: str) -> float:
    """Read a number above 0."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _count(text: str) -> int:
    """Read a whole number from 1."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _sparsity(text: str) -> float:
    """Read a sparsity."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 <= value <= 0.99:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 0.99")
    return value


def _sparsities(text: str) -> tuple[float, ...]:
    """Read ``first:last:step``, both ends included, or numbers with commas."""
    if ":" not in text:
        return tuple(_sparsity(part) for part in text.split(","))
    parts = [_sparsity(part) for part in text.split(":")]
    if len(parts) != 3 or parts[2] <= 0 or parts[1] < parts[0]:
        raise argparse.ArgumentTypeError(f"{text!r} is not first:last:step")
    first, last, step = parts
    count = int((last - first) / step + 1e-9) + 1
    return tuple(round(first + index * step, 6) for index in range(count))


def _names(text: str) -> tuple[str, ...]:
    """Read names with commas."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise argparse.ArgumentTypeError("no heuristic is named")
    return names
