"""What the program finds out: one frozen value for each thing, free of torch.

The bench and the sweep make these values; the window, the command line, the
report, the model card and the store show or keep the very same ones. A window
adds only what it draws from, see `app.state.values`.
"""

from core.results.latency import (
    NOT_MEASURABLE,
    Clock,
    Comparison,
    Environment,
    Timing,
    Verdict,
    decide_verdict,
)
from core.results.layers import HeuristicInfo, Layer, LayerStep
from core.results.outcomes import DenseOutcome, Outcome, ScoreMap, SizeCurve
from core.results.part import Part
from core.results.patches import PatchChange
from core.results.trials import Trial, TrialIdentity

__all__ = [
    "NOT_MEASURABLE",
    "Clock",
    "Comparison",
    "DenseOutcome",
    "Environment",
    "HeuristicInfo",
    "Layer",
    "LayerStep",
    "Outcome",
    "Part",
    "PatchChange",
    "ScoreMap",
    "SizeCurve",
    "Timing",
    "Trial",
    "TrialIdentity",
    "Verdict",
    "decide_verdict",
]
