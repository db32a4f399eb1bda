"""The record of a trial: all the evidence, tile by tile.

A plain value that goes to JSON and back without loss.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from core.codec import from_plain
from core.errors import StoreError
from core.results.latency import Comparison
from core.results.trials import Trial, TrialIdentity, to_canonical_json
from core.tables import METRICS
from core.types import Counts, PruneRequest

Status = Literal["done", "impossible"]
Numbers = Mapping[str, float]
Overall = Mapping[str, Numbers]
Which = Literal["dense", "pruned", "agreement"]


@dataclass(frozen=True, slots=True)
class TileResult:
    """Scores of one tile; each a mapping as `Scores.as_dict` gives it.

    Parameters
    ----------
    name
        File stem of the tile.
    dense, pruned
        Against the ground truth; None without one.
    agreement
        Of the pruned model with the dense one.
    """

    name: str
    dense: Numbers | None
    pruned: Numbers | None
    agreement: Numbers


@dataclass(frozen=True, slots=True)
class Record:
    """What came of a trial.

    Parameters
    ----------
    trial
        What was asked.
    status
        ``"impossible"`` when the request cannot be met; `reason` says why.
    created
        UTC time, ISO 8601.
    plan_hash
        Names what was kept; empty when impossible.
    dense, pruned
        Sizes, or None when impossible.
    tiles
        Scores tile by tile.
    latency
        A comparison as `core.latency.Comparison.as_dict` gives it, raw times
        included; None when none was measured.
    seconds
        Duration of the stages.
    peak_memory
        Bytes that the trial needed on top; 0 when not measured.
    provenance
        Hardware, versions, git revision, calibration tiles.
    reason
        A sentence.
    overall
        Scores that exist only for all tiles together (those of patch
        classification), by ``"dense"``, ``"pruned"`` and ``"agreement"``.
    """

    trial: TrialIdentity
    status: Status
    created: str
    plan_hash: str = ""
    dense: Counts | None = None
    pruned: Counts | None = None
    tiles: tuple[TileResult, ...] = ()
    latency: Mapping[str, Any] | None = None
    seconds: Numbers = field(default_factory=dict)
    peak_memory: int = 0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    overall: Overall = field(default_factory=dict)

    def mean(self, which: Which, name: str) -> float:
        """Mean of one score over the tiles where it is defined; else nan.

        A score that exists for all tiles together only is returned as it is.

        Parameters
        ----------
        which
            Whose scores.
        name
            Such as ``"aji"``.
        """
        if name in self.overall.get(which, {}):
            return float(self.overall[which][name])
        found = [
            float(scores.get(name, math.nan))
            for tile in self.tiles
            if (scores := getattr(tile, which)) is not None
        ]
        defined = [each for each in found if math.isfinite(each)]
        return sum(defined) / len(defined) if defined else math.nan

    def to_trial(self) -> Trial:
        """Return a finished record in a few numbers: means over the tiles.

        Raises
        ------
        StoreError
            When it is not finished, or its latency is no comparison.
        """
        if self.dense is None or self.pruned is None:
            raise StoreError(
                f"Trial {self.trial.key} could not be met and has no result; leave "
                "it out."
            )
        scores = self._means("pruned")
        against_truth = bool(scores)
        return Trial(
            identity=self.trial,
            dense=self.dense,
            pruned=self.pruned,
            scores=scores if against_truth else self._means("agreement"),
            dense_scores=self._means("dense") if against_truth else {},
            agreement=self._means("agreement") if against_truth else {},
            measured=self.comparison,
        )

    @property
    def comparison(self) -> Comparison | None:
        """The latency, with the verdict that this version gives; None without one.

        Raises
        ------
        StoreError
            When what is stored is no comparison.
        """
        if not self.latency:
            return None
        try:
            return Comparison.from_dict(self.latency, self.trial.request)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(
                f"The latency of trial {self.trial.key} cannot be read ({error}); "
                "use the version that wrote it, or start a new store."
            ) from error

    def _means(self, which: Which) -> dict[str, float]:
        """Return the mean of every score that is defined on some tile."""
        tiles = [scores for tile in self.tiles if (scores := getattr(tile, which))]
        names = {name for scores in tiles for name in scores}
        names |= set(self.overall.get(which, {}))
        means = {name: self.mean(which, name) for name in METRICS if name in names}
        return {name: mean for name, mean in means.items() if math.isfinite(mean)}

    def to_json(self) -> str:
        """One line of JSON; undefined numbers become null."""
        values = asdict(self)
        if not self.overall:  # as earlier versions wrote it
            del values["overall"]
        return to_canonical_json(values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        StoreError
            When the text is no record.
        """
        try:
            data = json.loads(text)
            trial = data.pop("trial")
            request = _request(trial.pop("request"), str(data.get("status", "")))
            tiles = tuple(_tile(each) for each in data.pop("tiles"))
            dense, pruned = (_counts(data.pop(name)) for name in ("dense", "pruned"))
            overall = data.pop("overall", {})
            return cls(
                trial=TrialIdentity(request=request, **trial),
                tiles=tiles,
                dense=dense,
                pruned=pruned,
                overall={name: _numbers(each) or {} for name, each in overall.items()},
                **data,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(
                f"A stored trial cannot be read ({error}); "
                "use the version that wrote it, or start a new store."
            ) from error


def _request(data: dict[str, Any], status: str) -> PruneRequest:
    """Return the request of a trial; an impossible one may ask for anything."""
    try:
        return from_plain(PruneRequest, data, "request")
    except ValueError:
        if status != "impossible":
            raise
        return PruneRequest(**data)


def _tile(data: dict[str, Any]) -> TileResult:
    agreement = _numbers(data["agreement"])
    if agreement is None:
        raise ValueError("a tile without agreement")
    both = (_numbers(data["dense"]), _numbers(data["pruned"]))
    return TileResult(str(data["name"]), *both, agreement)


def _numbers(data: dict[str, Any] | None) -> Numbers | None:
    """Put nan back where JSON had to say null."""
    if data is None:
        return None
    return {key: math.nan if value is None else value for key, value in data.items()}


def _counts(data: dict[str, int] | None) -> Counts | None:
    return None if data is None else Counts(**data)
