"""The command: ``python -m benchmarks.studies --help``."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.studies import report
from benchmarks.studies.charging import charged
from benchmarks.studies.log import Log, Point
from benchmarks.studies.scale import FULL, MINIATURE, QUICK, Scale
from benchmarks.studies.structured import Structured
from benchmarks.studies.tiles import Tiles, read_tiles
from benchmarks.studies.unstructured import Unstructured
from benchmarks.studies.verdicts import label
from core.arithmetic import flush_denormals
from core.errors import BenchError, InputError

log = logging.getLogger(__name__)

STUDIES = {"structured": Structured, "unstructured": Unstructured}


def show(study: str, out: Path, cache: Path, scale: Scale) -> int:
    """Write the results of the points that are in the log, and run none.

    Parameters
    ----------
    study, out, cache, scale
        See `run`.

    Returns
    -------
    int
        Number of points in the log.

    Raises
    ------
    InputError
        When there is no log.
    """
    path = cache / f"{study}-{scale.name}.jsonl"
    if not path.is_file():
        raise InputError(
            f"There is no log {path}: run the study first, or name its --cache."
        )
    done = Log(path)
    nothing = Tiles({}, {})
    points = list(STUDIES[study](nothing, scale, cache).points())
    publish(study, done, points, scale, Places(out, cache))
    return len(done)


def run(
    study: str,
    data: Path | None,
    out: Path,
    cache: Path,
    scale: Scale,
    only: Sequence[str] = (),
) -> int:
    """Run the points of a study that are not in its log, then write the results.

    Parameters
    ----------
    study
        Key of `STUDIES`.
    data
        Folder of the tiles.
    out
        Where results go.
    cache
        Where the log and trained networks are kept.
    scale
        How much is run.
    only
        Networks whose points are run; all when left out. Commands that name different
        ones may share a cache at the same time.

    Returns
    -------
    int
        Number of points that were computed now.
    """
    subject = STUDIES[study](read_tiles(data, scale), scale, cache)
    path = cache / f"{study}-{scale.name}.jsonl"
    done, points = Log(path), list(subject.points())
    names = sorted({point["network"] for point in points})
    if unknown := sorted({*only} - {*names}):
        raise InputError(
            f"There is no network '{unknown[0]}' in this study: name one of "
            f"{', '.join(names)}."
        )
    asked = [point for point in points if not only or point["network"] in only]
    todo = [point for point in asked if point not in done]
    log.info("%d points, %d in %s", len(asked), len(asked) - len(todo), cache)
    start = time.monotonic()
    with subject.session():
        for number, point in enumerate(todo, start=1):
            done.add(point, subject.run(point))
            spent = time.monotonic() - start
            left = spent / number * (len(todo) - number) / 60
            log.info("%d/%d %s, %.0f min left", number, len(todo), label(point), left)
    # read again: other networks may have been run beside these
    publish(study, Log(path), points, scale, Places(out, cache))
    return len(todo)


@dataclass(frozen=True, slots=True)
class Places:
    """Where results go, and where the log and trained networks are."""

    out: Path
    cache: Path


def publish(
    study: str, done: Log, points: Sequence[Point], scale: Scale, places: Places
) -> None:
    """Write the results of all points of a study that were run so far.

    Parameters
    ----------
    study
        Key of `STUDIES`.
    done
        Its log.
    points
        All its points.
    scale
        Of the run.
    places
        Folders.
    """
    entries = charged(list(done), places.cache, scale.name)
    for path in report.write(study, entries, scale, places.out, points):
        log.info("wrote %s", path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Run one of the studies.")
    parser.add_argument("study", choices=tuple(STUDIES))
    parser.add_argument("--data", type=Path, help="folder of the tiles")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/studies"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        help="run only this network's points, which may be said again; commands for "
        "different networks may run beside each other",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="run nothing, write the results of what was run so far",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="under five minutes")
    size.add_argument("--miniature", action="store_true", help="seconds; for tests")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    scale = MINIATURE if given.miniature else QUICK if given.quick else FULL
    if given.data is None and not (given.miniature or given.report):
        parser.error("--data is needed: name the folder of the tiles")
    torch.set_num_threads(given.threads)
    try:
        with flush_denormals():
            if given.report:
                show(given.study, given.out, given.cache, scale)
            else:
                places = given.out, given.cache
                run(given.study, given.data, *places, scale, given.network)
    except BenchError as error:
        sys.stderr.write(f"studies: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
