"""What a study leaves behind: a CSV, figures, and a table of verdicts."""

import csv
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.studies import claims_structured, claims_unstructured, figures
from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import Entry, mean_score
from benchmarks.studies.verdicts import Claim

_SCORES = ("aji", "pq", "dice", "f1", "branch_dice", "branch_mse")
_AXES = ("network", "heuristic", "mode", "branch", "ranking", "recovery")
_NUMBERS = ("sparsity", "seed", "params", "macs", "weights", "recovery_seconds")

_CLAIMS: dict[str, Callable[[Sequence[Entry], Scale], list[Claim]]] = {
    "structured": claims_structured.claims,
    "unstructured": claims_unstructured.claims,
}
_FIGURES: dict[str, Callable[[Sequence[Entry], Path], list[Path]]] = {
    "structured": figures.structured_figures,
    "unstructured": figures.unstructured_figures,
}


def write(study: str, entries: Sequence[Entry], scale: Scale, out: Path) -> list[Path]:
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

    Returns
    -------
    list of Path
        What was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    stem = study if scale.decides else f"{study}_{scale.name}"
    made = [_write_csv(entries, out / f"{stem}.csv")]
    drawn: list[Path] = []
    if importlib.util.find_spec("matplotlib") is not None:
        place = out if scale.decides else out / scale.name
        place.mkdir(parents=True, exist_ok=True)
        drawn = _FIGURES[study](entries, place)
    rows = _CLAIMS[study](entries, scale)
    made.append(_write_table(study, rows, drawn, scale, out / f"{stem}.md"))
    return [*made, *drawn]


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


def _write_table(
    study: str, rows: Sequence[Claim], drawn: Sequence[Path], scale: Scale, path: Path
) -> Path:
    option = "" if scale.decides else f" --{scale.name}"
    lines = [
        f"# Study of {study} pruning",
        "",
        f"Made by `python -m benchmarks.studies {study}{option} --data ../shared/data "
        "--out benchmarks/results`. Numbers are relative changes of the mean over test "
        "tiles with 95 % intervals, by bootstrap over tiles and seeds; a claim is "
        "decided when its whole interval is on one side.",
        "",
        "| paper | claim | our number | verdict | why |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.paper} | {row.claim} | {row.number} | {row.verdict} | {row.why} |"
        for row in rows
    ]
    lines += ["", *(f"![{p.stem}]({p.relative_to(path.parent)})" for p in drawn)]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path
