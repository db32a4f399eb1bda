"""A pruning plan: which indices of which tensor are kept, before anything is touched.

To read this file, start from `PruningPlan`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import PruningError

Kept = tuple[NDArray[np.int64] | None, ...]
"""Kept indices per dimension, sorted; None keeps all."""

_FORMAT = 1


@dataclass(frozen=True)
class PruningPlan:
    """What is kept of a model.

    Parameters
    ----------
    kept
        State-dict name to kept indices per dimension (int64, sorted), None = all.
    shapes
        Dense shapes that the plan was made for.
    attributes
        Module attributes that repeat a width, with their new values.
    request
        Settings that led to it, JSON-serialisable; for the record only.
    warnings
        Sentences about layers that are close to collapse.
    """

    kept: Mapping[str, Kept]
    shapes: Mapping[str, tuple[int, ...]]
    attributes: Mapping[str, int | tuple[int, ...]] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What is removed."""
        return "channels"

    @property
    def file_name(self) -> str:
        """Name of its file in a folder of results."""
        return "plan.json"

    @cached_property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that name what is kept."""
        digest = hashlib.sha256()
        for name in sorted(self.kept):
            digest.update(name.encode() + b"\0")
            for entry in self.kept[name]:
                # Lengths first, so that no two plans give the same bytes.
                digest.update(b"-" if entry is None else b"%d:" % entry.size)
                if entry is not None:
                    digest.update(np.ascontiguousarray(entry, dtype="<i8").tobytes())
        return digest.hexdigest()[:16]

    def to_json(self) -> str:
        """Return the plan as JSON; `from_json` reads it back."""
        return json.dumps(
            {
                "format": _FORMAT,
                "kept": _kept_to_lists(self.kept),
                "shapes": {name: list(shape) for name, shape in self.shapes.items()},
                "attributes": dict(self.attributes),
                "request": dict(self.request),
                "warnings": list(self.warnings),
            }
        )

    def save(self, path: str | Path) -> None:
        """Write the plan as a file of JSON.

        Raises
        ------
        PruningError
            When it cannot be written.
        """
        try:
            Path(path).write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise PruningError(
                f"The plan cannot be written to {path} ({error}): choose another "
                "folder."
            ) from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a plan written by `to_json`.

        Raises
        ------
        PruningError
            When the text is not such a plan.
        """
        try:
            data = json.loads(text)
            if data["format"] != _FORMAT:
                raise PruningError(
                    f"This plan has format {data['format']}, written by a newer "
                    "version: update PruneScope to read it."
                )
            shapes = {name: tuple(map(index, s)) for name, s in data["shapes"].items()}
            kept = {
                name: tuple(_read_indices(e, max(shapes[name], default=0)) for e in es)
                for name, es in data["kept"].items()
            }
            attributes = {
                path: tuple(map(index, v)) if isinstance(v, list) else index(v)
                for path, v in data["attributes"].items()
            }
            request, warnings = dict(data["request"]), tuple(map(str, data["warnings"]))
            plan = cls(kept, shapes, attributes, request, warnings)
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
        ) as error:
            raise PruningError(
                "This text is not a pruning plan: pass what PruningPlan.to_json wrote."
            ) from error
        _check(plan)
        return plan

    def then(self, later: "PruningPlan") -> "PruningPlan":
        """Compose: prune by this plan, then the result by ``later``.

        Returns
        -------
        PruningPlan
            Relative to the model that this plan was made for.

        Raises
        ------
        PruningError
            When ``later`` was not made for what this plan leaves.
        """
        kept: dict[str, Kept] = {}
        for name, shape in self.shapes.items():
            first = self.kept.get(name, (None,) * len(shape))
            second = later.kept.get(name, (None,) * len(shape))
            widths = _widths(first, shape)
            if later.shapes.get(name) != widths:
                raise PruningError(
                    f"The second plan was made for another model: {name} is "
                    f"{later.shapes.get(name)} there and {widths} here."
                )
            pairs = zip(first, second, strict=True)
            kept[name] = tuple(_compose(a, b) for a, b in pairs)
        return PruningPlan(
            kept,
            self.shapes,
            {**self.attributes, **later.attributes},
            later.request,
            (*self.warnings, *later.warnings),
        )

    def difference(self, other: "PruningPlan") -> dict[str, tuple[int, int]]:
        """Return, for each tensor that differs, slices only here and only there."""
        found: dict[str, tuple[int, int]] = {}
        for name in self.shapes:
            here, there = self.slices(name), other.slices(name)
            if here != there:
                found[name] = (len(here - there), len(there - here))
        return found

    def slices(self, name: str) -> set[tuple[int, int]]:
        """Return the kept slices of a tensor as (dimension, index)."""
        shape = self.shapes.get(name, ())
        entries = self.kept.get(name, (None,) * len(shape))
        return {
            (dim, int(index))
            for dim, (entry, size) in enumerate(zip(entries, shape, strict=True))
            for index in (range(size) if entry is None else entry)
        }


def _check(plan: PruningPlan) -> None:
    """Refuse indices that do not fit: a plan file may come from anywhere."""
    for name, entries in plan.kept.items():
        shape = plan.shapes.get(name)
        if shape is None or len(shape) != len(entries):
            raise PruningError(f"This plan is damaged: {name} has no matching shape.")
        for entry, size in zip(entries, shape, strict=True):
            if entry is None:
                continue
            rising = entry.ndim == 1 and bool((np.diff(entry) > 0).all())
            if not rising or not entry.size or entry[0] < 0 or entry[-1] >= size:
                raise PruningError(
                    f"This plan is damaged: indices of {name} do not fit its shape."
                )


def _widths(kept: Kept, shape: tuple[int, ...]) -> tuple[int, ...]:
    pairs = zip(kept, shape, strict=True)
    return tuple(size if entry is None else len(entry) for entry, size in pairs)


def _compose(
    first: NDArray[np.int64] | None, second: NDArray[np.int64] | None
) -> NDArray[np.int64] | None:
    if first is None or second is None:
        return first if second is None else second
    return first[second]


def _kept_to_lists(kept: Mapping[str, Kept]) -> dict[str, list[Any]]:
    """Write runs of neighbours as pairs: most plans keep long stretches."""
    return {
        name: [None if entry is None else _runs(entry) for entry in entries]
        for name, entries in kept.items()
    }


def _runs(indices: NDArray[np.int64]) -> list[list[int]]:
    """Return half-open runs ``[start, stop]``."""
    if not indices.size:
        return []
    cuts = np.flatnonzero(np.diff(indices) != 1) + 1
    parts = np.split(indices, cuts)
    return [[int(part[0]), int(part[-1]) + 1] for part in parts]


def _read_indices(
    runs: Sequence[Sequence[int]] | None, size: int
) -> NDArray[np.int64] | None:
    """Undo `_runs`; a file may ask for more indices than memory holds."""
    if runs is None:
        return None
    parts = []
    for start, stop in runs:
        if not 0 <= index(start) < index(stop) <= size:
            raise ValueError(f"{start} to {stop} does not fit {size}")
        parts.append(np.arange(start, stop, dtype=np.int64))
    return np.concatenate([*parts, np.zeros(0, dtype=np.int64)])
