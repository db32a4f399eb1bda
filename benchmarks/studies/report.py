"""What a study leaves behind: a CSV, figures, and a page of verdicts."""

import csv
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.studies import claims_structured, claims_unstructured, figures
from benchmarks.studies.log import Point
from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import Entry, mean_score
from benchmarks.studies.summary import summary
from benchmarks.studies.tables import structured_tables
from benchmarks.studies.verdicts import HOLDS, MISSING, Claim, run_of

_SCORES = ("aji", "pq", "dice", "f1", "branch_dice", "branch_mse")
_AXES = ("network", "heuristic", "mode", "branch", "ranking", "recovery", "count")
_NUMBERS = (
    *("sparsity", "seed", "params", "macs", "weights"),
    *("recovery_seconds", "shared_seconds"),
)

_CLAIMS: dict[str, Callable[[Sequence[Entry], Scale], list[Claim]]] = {
    "structured": claims_structured.claims,
    "unstructured": claims_unstructured.claims,
}
_FIGURES: dict[str, Callable[[Sequence[Entry], Path], list[Path]]] = {
    "structured": figures.structured_figures,
    "unstructured": figures.unstructured_figures,
}


def write(
    study: str,
    entries: Sequence[Entry],
    scale: Scale,
    out: Path,
    planned: Sequence[Point] = (),
) -> list[Path]:
    """Write all results of a study.

    Parameters
    ----------
    study
        ``"structured"`` or ``"unstructured"``.
    entries
        Of its log.
    scale
        Of the run; anything but a full one is named in the files.
    out
        Folder.
    planned
        All points of the study; those of the log when left out.

    Returns
    -------
    list of Path
        What was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    planned = planned or [_point_of(entry) for entry in entries]
    stem = study if scale.decides else f"{study}_{scale.name}"
    made = [_write_csv(entries, out / f"{stem}.csv")]
    drawn: list[Path] = []
    if importlib.util.find_spec("matplotlib") is not None:
        place = out if scale.decides else out / scale.name
        place.mkdir(parents=True, exist_ok=True)
        drawn = _FIGURES[study](entries, place)
    rows = _CLAIMS[study](entries, scale)
    if scale.decides:
        rows = [_with_gaps(row, entries, planned) for row in rows]
    lines = [
        f"# Study of {study} pruning",
        "",
        *summary(study, entries, rows, planned, scale),
        "",
        *_table(study, rows, scale, slimmed=any(map(_is_slimmed, entries))),
        *(structured_tables(entries, scale) if study == "structured" else ()),
        "",
        *(_picture(path, out) for path in drawn),
    ]
    page = out / f"{stem}.md"
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return [*made, page, *drawn]


def _with_gaps(row: Claim, entries: Sequence[Entry], planned: Sequence[Point]) -> Claim:
    """Say in a verdict that points of its network are still missing."""
    name = row.claim.partition(":")[0].partition(",")[0]
    wanted = [point for point in planned if point.get("network") == name]
    found = run_of(wanted, entries)
    if row.verdict == MISSING or len(found) == len(wanted):
        return row
    words = f"so far {len(found)} of {len(wanted)} points of {name} were run"
    if row.searches and row.verdict != HOLDS:
        why = f"{words}, and one that is missing may still do"
        return replace(row, verdict=MISSING, why=why)
    return replace(row, why=f"{row.why}; {words}")


def _point_of(entry: Entry) -> Point:
    fields = (*_AXES, "sparsity", "seed")
    return {name: entry[name] for name in fields if name in entry}


def _is_slimmed(entry: Entry) -> bool:
    return bool(entry.get("shared_seconds"))


def _write_csv(entries: Sequence[Entry], path: Path) -> Path:
    axes = [a for a in _AXES if any(a in e for e in entries)]
    numbers = [n for n in _NUMBERS if any(n in e for e in entries)]
    sources = list(dict.fromkeys(s for e in entries for s in e["tiles"]))
    types = list(dict.fromkeys(t for e in entries for t in e.get("types", {})))
    heads = [f"{source}_{score}" for source in sources for score in _SCORES]
    names = [f"f1_{kind.replace(' ', '_')}" for kind in types]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*axes, *numbers, *heads, *names, "dense_ms", "pruned_ms"])
        for entry in entries:
            latency = entry.get("latency") or {}
            row = [entry.get(axis, "") for axis in axes]
            row += [_text(entry.get(number)) for number in numbers]
            row += [
                _text(mean_score([entry], score, (source,)))
                for source in sources
                for score in _SCORES
            ]
            row += [_text(entry.get("types", {}).get(kind)) for kind in types]
            row += [_text(latency.get("dense")), _text(latency.get("pruned"))]
            table.writerow(row)
    return path


def _text(value: float | None) -> str:
    if value is None or value != value:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _table(
    study: str, rows: Sequence[Claim], scale: Scale, *, slimmed: bool
) -> list[str]:
    option = "" if scale.decides else f" --{scale.name}"
    lines = [
        "## Claim by claim",
        "",
        f"Made by `python -m benchmarks.studies {study}{option} --data ../shared/data "
        "--out benchmarks/results`. Numbers are relative changes of the mean over test "
        "tiles with 95 % intervals, by bootstrap over tiles and seeds; a claim is "
        "decided when its whole interval is on one side. Two recipes are compared "
        "tile by tile.",
    ]
    if slimmed:
        lines += [
            "",
            "Slimming trains a network once, under pressure, before any of its points "
            "is cut. That time is charged to each of them: it is part of "
            "`recovery_seconds` in the CSV, and stands alone in `shared_seconds`.",
        ]
    lines += [
        "",
        "| paper | claim | our number | verdict | why |",
        "| --- | --- | --- | --- | --- |",
    ]
    return lines + [
        f"| {row.paper} | {row.claim} | {row.number} | {row.verdict} | {row.why} |"
        for row in rows
    ]


def _picture(path: Path, out: Path) -> str:
    return f"![{path.stem}]({path.relative_to(out).as_posix()})\n"
