"""One trial: what was asked, and in a few numbers what came out."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.results.latency import Comparison
from core.results.outcomes import ScoreMap
from core.types import Counts, PruneRequest


@dataclass(frozen=True, slots=True)
class TrialIdentity:
    """Everything that decides a result, and nothing else.

    Parameters
    ----------
    model
        Catalogue name or path, as it was asked for.
    weights
        Hash of the dense model's weights; empty where they were not hashed.
    data
        Hash of the tiles and labels; in the window, what the tile was opened from.
    request
        How it is pruned.
    timing
        Settings of the latency measurement by name; empty when none is taken.
    calibration
        Hash of the calibration tiles, empty where they were not hashed; in the window,
        their names.
    """

    model: str
    weights: str
    data: str
    request: PruneRequest
    timing: Mapping[str, Any] = field(default_factory=dict, hash=False)
    calibration: str = ""

    @property
    def key(self) -> str:
        """Name of the trial: 32 hexadecimal digits, the same on any machine.

        The model's *name* is left out: the same weights under another path are
        the same trial.
        """
        request = asdict(self.request)
        if not request["locked"]:
            del request["locked"]  # trials from before there were locks keep their key
        if request["training"] is None:
            del request["training"]
        if request["steps"] == 1:
            del request["steps"]
        if not request["ratios"]:
            del request["ratios"]
        if not request["cost_aware"]:
            del request["cost_aware"]
        if not request["model"]:
            del request["model"]
        parts = {
            "weights": self.weights,
            "data": self.data,
            "request": request,
            "timing": dict(self.timing),
        }
        if self.calibration:  # trials from before it was hashed keep their key
            parts["calibration"] = self.calibration
        return hashlib.sha256(to_canonical_json(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One point of the plots.

    Parameters
    ----------
    identity
        What was pruned, and how; leads back there.
    dense, pruned
        Sizes of both models.
    scores
        Of the pruned model by name: against the ground truth, or else the dense
        model; means over tiles where there are several.
    dense_scores
        Of the dense model against the ground truth; empty without one.
    intervals
        Of ``scores``: low and high end by name.
    agreement
        Of the pruned model against the dense model, where ``scores`` are against the
        ground truth; empty when they are not known.
    kept
        Share of the dense model's nuclei that are kept, 0 to 1; nan when not known.
    measured
        Latency, or None until it is measured.
    """

    identity: TrialIdentity
    dense: Counts
    pruned: Counts
    scores: ScoreMap
    dense_scores: ScoreMap = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    agreement: ScoreMap = field(default_factory=dict)
    kept: float = math.nan
    measured: Comparison | None = None

    @property
    def request(self) -> PruneRequest:
        """How it is pruned."""
        return self.identity.request

    @property
    def removed(self) -> float:
        """Share of parameters gone, 0 to 1: what it came to, not what was asked."""
        return 1 - self.pruned.params / max(self.dense.params, 1)

    @property
    def macs_left(self) -> float:
        """Share of the multiply-accumulates left, 0 to 1."""
        return self.pruned.macs / max(self.dense.macs, 1)

    @property
    def latency(self) -> Comparison | None:
        """The measurement, where it says something; see `decide_verdict`."""
        known = self.measured is not None and self.measured.measurable
        return self.measured if known else None


def to_canonical_json(value: object) -> str:
    """JSON with sorted keys and null for what is not a number."""
    return json.dumps(
        to_finite(value), sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def to_finite(value: object) -> object:
    """Return plain values with None for what is not a finite number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): to_finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_finite(each) for each in value]
    return value
