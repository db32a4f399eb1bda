"""The command line as a value; see DESIGN section 2 for its contract."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from app.cli import runtimes, slide_arguments, values
from app.cli.general_arguments import add_general, add_log
from app.cli.model_arguments import add_model, take_model
from app.cli.request_arguments import REQUEST, add_request
from app.cli.training_arguments import add_training
from app.cli.views import add_calibration, add_scale, add_view, with_view
from app.state.session.setup_file import Setup, read_setup
from app.state.session.sources import FORMATS, SESSION_ENDING
from core.errors import InputError
from core.logs import LEVEL
from core.sources import Source
from core.tables import COUNTS, MODEL_ENDINGS, RECOVERIES
from core.types import (
    UNSTRUCTURED,
    FineTune,
    PruneRequest,
    Recovery,
    is_unstructured,
)

COMMANDS = ("prune", "sweep", "inspect", "repeat", "slide", "bench")
_NEEDED = ("model", "tile", "heuristic", "sparsity")  # of prune without settings
_TRAINING = ("train_data", "minutes", "train_steps", "rate", "distil", "device")
HEURISTIC, SPARSITY = "reconstruction", 0.8
RECOVERY: Recovery = "refit"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for.

    Parameters
    ----------
    command
        One of `COMMANDS`, or empty for the window.
    model, tile, labels, session
        Sources, and a session for the window; empty for the defaults.
    request
        What is pruned, for ``prune`` and the screenshot.
    given
        Whether any part of ``request`` was asked for.
    screenshot, out, as_json, formats
        Where results go, in which form.
    data, heuristics, sparsities, csv, records, resume
        Of a sweep; ``records`` is the JSON file.
    scheduler, workers
        Of a sweep: address of a Dask scheduler, or workers to start here.
    threads, precision, runtime
        Of a sweep: how its networks run; 0 threads leaves the number to the program.
    store, row
        Of a repetition: a store or an export, and the key of a trial.
    file
        What is inspected.
    trust
        Whether the code of a network's Python file may be run.
    calibration
        What the model is calibrated on; empty for the default.
    classes
        Names of a classifier's classes, in the order of its outputs.
    slide, bench
        Of the commands of that name, which have options of their own.
    log_level, log_file
        What is written down, and where.
    """

    command: str = ""
    model: str = ""
    tile: str = ""
    labels: str = ""
    session: str = ""
    request: PruneRequest = field(
        default_factory=lambda: PruneRequest(HEURISTIC, SPARSITY)
    )
    given: bool = False
    screenshot: str = ""
    out: str = ""
    as_json: bool = False
    formats: tuple[str, ...] = FORMATS[:1]
    data: str = ""
    heuristics: tuple[str, ...] = ()
    sparsities: tuple[float, ...] = ()
    csv: str = ""
    records: str = ""
    resume: bool = False
    scheduler: str = ""
    workers: int = 0
    threads: int = 0
    precision: str = slide_arguments.PRECISIONS[0]
    runtime: str = slide_arguments.RUNTIMES[0]
    store: str = ""
    row: str = ""
    file: str = ""
    classes: tuple[str, ...] = ()
    trust: bool = False
    slide: slide_arguments.SlideArguments | None = None
    calibration: str = ""
    bench: runtimes.BenchArguments | None = None
    log_level: str = LEVEL
    log_file: str = ""

    @property
    def source(self) -> Source:
        """Tile, and labels beside it."""
        return Source.of_tile(self.tile, self.labels)


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
    found = vars(parser.parse_args(_named(arguments)))
    take_model(found)
    log = {name: found[name] for name in ("log_level", "log_file") if name in found}
    if found["command"] == "slide":
        return Arguments("slide", slide=slide_arguments.read(found), **log)
    if found["command"] == "bench":
        return Arguments("bench", bench=runtimes.read(found), **log)
    return _request(parser, found)


def _request(parser: _Parser, found: dict[str, Any]) -> Arguments:
    """Take the options of commands that prune, and of the window."""
    with_view(found, "data" if found.get("command") == "sweep" else "tile")
    base = PruneRequest(HEURISTIC, SPARSITY, recovery=RECOVERY)
    setup = _setup(parser, found.pop("settings", None))
    if setup is not None:
        base = setup.request
        for name in ("model", "tile", "labels"):
            # Labels belong to their tile: another tile has none, or its own.
            alone = name == "labels" and found.get("tile") not in {None, setup.tile}
            if found.get(name) is None and not alone:
                found[name] = getattr(setup, name) or None
    elif found.get("command") == "prune":
        missing = [f"--{name}" for name in _NEEDED if found.get(name) is None]
        if missing:
            parser.error(f"prune needs {', '.join(missing)}, or --settings")
    if found.get("command") == "prune":
        found["model"] = found.get("model") or "demo"
    asked: dict[str, Any] = {name: found.get(name) for name in REQUEST}
    asked = {name: value for name, value in asked.items() if value is not None}
    if found.pop("unstructured", False):
        asked["heuristic"] = UNSTRUCTURED + (asked.get("heuristic") or "magnitude")
    if is_unstructured(str(asked.get("heuristic", ""))):
        asked.setdefault("recovery", "none")  # there are no channels to refit
    training = _training(parser, found, asked.get("recovery", base.recovery))
    if training == FineTune(seed=found.get("seed") or 0) and base.training:
        training = base.training  # no option of training was given
    request = replace(base, **asked, training=training)
    known = {
        key: value
        for key, value in found.items()
        if value is not None and key not in REQUEST
    }
    return Arguments(request=request, given=bool(asked or setup), **known)


def _named(arguments: Sequence[str]) -> Sequence[str]:
    """Put the option before a file named alone, as in ``prunescope tile.png``."""
    first = arguments[0] if arguments else ""
    if not first or first.startswith("-") or first in COMMANDS:
        return arguments
    path = Path(first)
    if not path.suffix and not path.exists():
        return arguments
    option = "--session" if path.suffix.lower() == SESSION_ENDING else "--tile"
    return ["--model" if path.suffix.lower() in MODEL_ENDINGS else option, *arguments]


def _setup(parser: _Parser, path: str | None) -> Setup | None:
    """Read the settings file that was named."""
    if path is None:
        return None
    try:
        return read_setup(path)
    except InputError as error:
        parser.error(str(error))


def _training(
    parser: _Parser, found: dict[str, Any], recovery: Recovery
) -> FineTune | None:
    """Take the options of fine-tuning out of what was found."""
    asked = {name: found.pop(name, None) for name in _TRAINING}
    asked = {name: value for name, value in asked.items() if value is not None}
    if recovery != "finetune":
        for name in asked:
            option = name.replace("_", "-")
            if found.get("command") == "prune" or name == "train_steps":
                option = option.removeprefix("train-")
            parser.error(f"--{option} goes with --recovery finetune")
        return None
    if "train_data" in asked:
        asked["data"] = asked.pop("train_data")
    if "train_steps" in asked:
        asked["steps"] = asked.pop("train_steps")
        asked.setdefault("minutes", 0.0)  # as many steps as were asked for
    return FineTune(seed=found.get("seed") or 0, **asked)


def _parser() -> _Parser:
    parser = _Parser(
        prog="prunescope",
        description="Prune a nuclei model and see what it still finds. "
        "Without a command: the window.",
    )
    add_general(parser)
    parser.add_argument("--model", help="catalogue name or path; the demo if left out")
    parser.add_argument("--tile", help="image to open, or sample:NAME")
    parser.add_argument("--labels", help="label image of the tile")
    parser.add_argument("--session", metavar="FILE", help="saved by the window")
    parser.add_argument(
        "--screenshot",
        metavar="OUT.png",
        help="one round offscreen, saved as a picture",
    )
    add_view(parser)
    add_model(parser)
    add_request(parser)
    commands = parser.add_subparsers(
        dest="command", metavar="|".join(COMMANDS), help="COMMAND --help says more"
    )
    _add_prune(commands.add_parser("prune", help="one pruned model, and its scores"))
    _add_sweep(commands.add_parser("sweep", help="many models over many tiles"))
    _add_repeat(commands.add_parser("repeat", help="a trial again, from its record"))
    slide_arguments.add(commands.add_parser("slide", help="all nuclei of a slide"))
    runtimes.add(commands.add_parser("bench", help="a network in several runtimes"))
    inspect = commands.add_parser(
        "inspect", help="what a file or folder is; layers of a model"
    )
    inspect.add_argument(
        "file", nargs="?", default=None, help="picture, ground truth, folder or model"
    )
    inspect.add_argument(
        "--model", help="catalogue name or path; lists the catalogue if left out"
    )
    add_model(inspect)
    for command in commands.choices.values():
        add_log(command)
    return parser


def _add_prune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="catalogue name or path")
    parser.add_argument("--tile", help="image or folder of patches, or sample:NAME")
    parser.add_argument("--labels", help="ground truth of the tile")
    parser.add_argument(
        "--classes",
        type=values.names,
        metavar="a,b,c",
        help="names of a classifier's classes, in the order of its outputs",
    )
    add_view(parser)
    add_model(parser)
    add_calibration(parser)
    add_request(parser)
    add_training(parser, "--data")
    parser.add_argument(
        "--out", metavar="DIR", help="where model, card, masks and report go"
    )
    parser.add_argument(
        "--formats",
        type=values.formats,
        metavar="a,b",
        help="of the model in --out: safetensors (if left out), onnx, pt2",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        dest="as_json",
        help="print the result as JSON instead of lines for people",
    )


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="catalogue name or path")
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR",
        help="tiles in images/, ground truth in labels/ with the same names",
    )
    parser.add_argument(
        "--heuristics",
        required=True,
        type=values.names,
        metavar="a,b,c",
        help="each becomes a curve; unstructured:NAME for single weights",
    )
    parser.add_argument(
        "--sparsities",
        required=True,
        type=values.sparsities,
        metavar="0:0.95:0.05",
        help="first:last:step, both ends included, or numbers with commas",
    )
    parser.add_argument("--scope", help="network, layer, encoder, decoder or a layer")
    parser.add_argument(
        "--count", choices=tuple(COUNTS), help="what sparsity is a share of"
    )
    parser.add_argument(
        "--recovery", choices=tuple(RECOVERIES), help="repair after pruning"
    )
    parser.add_argument("--seed", type=int, help="of random heuristics and training")
    add_scale(parser)
    add_model(parser)
    add_calibration(parser)
    add_training(parser, "--train-data")
    parser.add_argument(
        "--out", required=True, metavar="RUN.sqlite", help="where the trials are stored"
    )
    parser.add_argument("--csv", metavar="FILE", help="one row a trial")
    parser.add_argument(
        "--json", metavar="FILE", dest="records", help="whole records, raw times too"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the trials that --out has already",
    )
    group = parser.add_argument_group("how the networks run")
    slide_arguments.add_programs(group)
    slide_arguments.add_workers(parser)


def _add_repeat(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", required=True, metavar="FILE", help="RUN.sqlite, or its JSON"
    )
    parser.add_argument(
        "--row", required=True, metavar="KEY", help="of the trial, or how it begins"
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="the same tiles")
    parser.add_argument(
        "--trust", action="store_true", help="run the Python file of its network"
    )
    add_calibration(parser)
