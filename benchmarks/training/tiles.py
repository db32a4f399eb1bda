"""Real tiles with nucleus types, split into training, validation and test.

Start with `training_groups`. Names of tiles decide the split, see `split`:
CoNSeP by its published parts, TNBC by patient, DSB 2018 by tile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.demo import PINK
from benchmarks.training.split import (
    CONSEP_VALIDATION,
    DSB_HELD_OUT,
    DSB_VALIDATION,
    TNBC_SEEN,
    TNBC_TEST_PATIENTS,
    TNBC_VALIDATION,
)
from core.errors import InputError
from core.images import read_type_map
from core.images.synthetic import TYPE_NAMES
from core.training.data import (
    Example,
    read_folder,
    synthetic_examples,
    types_of_labels,
)

TYPES: tuple[str, ...] = ("other", "inflammatory", "epithelial", "spindle")
"""Types of CoNSeP in its order, from 1 (Graham et al. 2019, section 4.1)."""

_SAME_AS = {
    "epithelial": "epithelial",
    "inflammatory": "inflammatory",
    "stromal": "spindle",
    "dead": "other",
}
_MOST_COUNTED = 1000  # nuclei above which a tile is not drawn more often


def consep(folder: Path) -> list[Example]:
    """Read one part of CoNSeP.

    Parameters
    ----------
    folder
        Holds ``images/*``, ``labels/*`` and ``types/*``: instances and the type of
        each pixel as images.

    Raises
    ------
    InputError
        When a tile has no types, or one that is not in `TYPES`.
    """
    return [
        replace(example, classes=_consep_types(folder / "types", example))
        for example in read_folder(folder)
    ]


def _consep_types(folder: Path, example: Example) -> NDArray[np.int64]:
    path = folder / f"{example.name}.png"
    if not path.is_file():
        raise InputError(f"{folder} holds no types of tile {example.name}.")
    types = types_of_labels(example.labels, read_type_map(path))
    if types.max(initial=0) > len(TYPES):
        raise InputError(
            f"{path.name} holds type {types.max()}: there are {len(TYPES)} types, "
            f"{', '.join(TYPES)}."
        )
    return types


def common_types(classes: Sequence[str]) -> NDArray[np.int64]:
    """Number the types of a model as `TYPES` does.

    Parameters
    ----------
    classes
        Names of the model's types, from 1.

    Returns
    -------
    array
        int64 (1 + types,): number in `TYPES` from 1; 0 for background and for types
        that have no counterpart.
    """
    same = [_SAME_AS.get(name, name) for name in classes]
    return np.array(
        [0, *(1 + TYPES.index(n) if n in TYPES else 0 for n in same)], np.int64
    )


def patient_of(name: str) -> str:
    """Patient of a TNBC tile: ``"07"`` of ``"07_2"``."""
    return name.partition("_")[0]


def synthetic(seeds: range, size: int = 256, *, brown: bool = False) -> list[Example]:
    """Synthetic tiles whose types are called as in `TYPES`.

    Parameters
    ----------
    seeds
        One tile each.
    size
        Side in pixels.
    brown
        Immunohistochemistry in place of H&E.
    """
    number = common_types(TYPE_NAMES)
    made = synthetic_examples(seeds, size, stain="ihc" if brown else "he")
    return [
        replace(e, classes=None if e.classes is None else number[e.classes])
        for e in made
    ]


def weighed(tiles: Sequence[Example]) -> list[Example]:
    """Draw tiles with many nuclei more often, and leave none out.

    Parameters
    ----------
    tiles
        With ground truth.
    """
    counts = [len(np.unique(e.labels[e.labels > 0])) for e in tiles]
    return [
        replace(e, weight=0.5 + min(n, _MOST_COUNTED) / 500)
        for e, n in zip(tiles, counts, strict=True)
    ]


def training_groups(folder: Path) -> list[list[Example]]:
    """Collect what is learned from: CoNSeP, TNBC, DSB 2018, synthetic H&E and IHC.

    Parameters
    ----------
    folder
        Holds ``consep``, ``tnbc`` and ``dsb2018_stained``.
    """
    return [
        *real_groups(folder),
        synthetic(range(1000, 1150)),
        synthetic(range(2000, 2100), brown=True),
    ]


def real_groups(folder: Path) -> list[list[Example]]:
    """Collect the real tiles that are learned from; see `training_groups`."""
    tumour = [
        e for e in consep(folder / "consep/train") if e.name not in CONSEP_VALIDATION
    ]
    breast = [
        e
        for e in read_folder(folder / "tnbc")
        if patient_of(e.name) not in TNBC_TEST_PATIENTS
        and e.name not in TNBC_VALIDATION
    ]
    stained = [
        replace(e, weight=4.0 if e.name in PINK else 1.0)
        for e in read_folder(folder / "dsb2018_stained")
        if e.name not in DSB_HELD_OUT and e.name not in DSB_VALIDATION
    ]
    return [weighed(tumour), breast, stained]


def validation(folder: Path) -> Mapping[str, list[Example]]:
    """Tiles that decide rates, stops and thresholds; from training parts only.

    Parameters
    ----------
    folder
        See `training_groups`.
    """
    return {
        "consep": _named(consep(folder / "consep/train"), CONSEP_VALIDATION),
        "tnbc": _named(read_folder(folder / "tnbc"), TNBC_VALIDATION),
        "dsb2018_stained": _named(
            read_folder(folder / "dsb2018_stained"), DSB_VALIDATION
        ),
    }


def test(folder: Path) -> Mapping[str, list[Example]]:
    """Tiles that decide nothing: CoNSeP test, TNBC by patient, DSB held out.

    Parameters
    ----------
    folder
        See `training_groups`.
    """
    breast = [e for e in read_folder(folder / "tnbc") if e.name not in TNBC_SEEN]
    return {
        "consep": consep(folder / "consep/test"),
        **{
            f"tnbc patient {patient}": [
                e for e in breast if patient_of(e.name) == patient
            ]
            for patient in TNBC_TEST_PATIENTS
        },
        "dsb2018_stained": _named(
            read_folder(folder / "dsb2018_stained"), DSB_HELD_OUT
        ),
    }


def _named(tiles: Sequence[Example], names: Sequence[str]) -> list[Example]:
    return [tile for tile in tiles if tile.name in names]
