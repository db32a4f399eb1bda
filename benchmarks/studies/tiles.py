"""The tiles of a study: what is learned from, and what is scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.studies.scale import Scale
from benchmarks.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.images.synthetic import TYPE_NAMES
from core.training import Example, read_folder, synthetic_examples
from core.types import Tile

DSB, TNBC, SYNTHETIC = "dsb2018", "tnbc", "synthetic"
TYPES = TYPE_NAMES

_LEARN = range(1000, 1060)
_TEST = range(900_000, 900_008)


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles by source.

    Parameters
    ----------
    learn
        For training, calibration and recovery.
    test
        That no training saw. Only synthetic ones know the types of their nuclei.
    """

    learn: Mapping[str, Sequence[Example]]
    test: Mapping[str, Sequence[Example]]

    def learned(self, sources: Sequence[str] = ()) -> list[Example]:
        """All tiles to learn from, of some sources or of all."""
        return [e for s in (sources or self.learn) for e in self.learn.get(s, ())]

    def calibration(self, sources: Sequence[str], seed: int) -> list[Tile]:
        """Return a few real tiles without their labels, another few for each seed."""
        real = [s for s in sources if s != SYNTHETIC] or list(sources)
        pool = self.learned(real)
        rng = np.random.default_rng(seed)
        chosen = sorted(rng.permutation(len(pool))[:12])
        return [Tile(pool[i].pixels, None, pool[i].name) for i in chosen]


def read_tiles(folder: Path | None, scale: Scale) -> Tiles:
    """Read the tiles of a study.

    Parameters
    ----------
    folder
        Holds ``dsb2018_stained`` and ``tnbc_naylor``; None makes do with synthetic
        tiles under their names, which only a miniature may.
    scale
        How many, and how large.
    """
    size = scale.side or 256
    drawn = synthetic_examples(_LEARN[: scale.learn or None], min(size, 256))
    unseen = synthetic_examples(_TEST[: scale.tiles or None], min(size, 256))
    if folder is None:
        halves = (drawn, unseen)
        learn, test = ({DSB: e, TNBC: e, SYNTHETIC: e} for e in halves)
        return Tiles(learn, test)
    stained = read_folder(folder / "dsb2018_stained")
    breast = read_folder(folder / "tnbc_naylor")
    return Tiles(
        {
            DSB: _some([e for e in stained if e.name not in DSB_HELD_OUT], scale, 1),
            TNBC: _some([e for e in breast if e.name not in TNBC_HELD_OUT], scale, 1),
            SYNTHETIC: drawn,
        },
        {
            DSB: _some([e for e in stained if e.name in DSB_HELD_OUT], scale, 0),
            TNBC: _some([e for e in breast if e.name in TNBC_HELD_OUT], scale, 0),
            SYNTHETIC: unseen,
        },
    )


def _some(examples: Sequence[Example], scale: Scale, learn: int) -> list[Example]:
    most = (scale.learn if learn else scale.tiles) or len(examples)
    part = slice(0, scale.side or None)
    return [
        replace(
            e,
            pixels=np.ascontiguousarray(e.pixels[part, part]),
            labels=np.ascontiguousarray(e.labels[part, part]),
        )
        for e in examples[:most]
    ]
