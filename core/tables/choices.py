"""What a request can choose from: repair, scope, and what sparsity counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Count = Literal["params", "macs", "channels"]
Target = Count | Literal["latency"]
Recovery = Literal["none", "bn", "refit", "sequential", "finetune"]
Scope = Literal["network", "layer", "encoder", "decoder"]
Takes = Literal["moment", "seconds", "minutes"]


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """One repair after pruning.

    Parameters
    ----------
    key
        Value of `PruneRequest.recovery`.
    title, short
        In sentences and lists, and on a button.
    phrase
        As part of a curve's name.
    tip
        One sentence that explains it.
    takes
        How long it is for one model.
    channels_only
        Whether it makes sense only where whole channels are removed.
    """

    key: Recovery
    title: str
    short: str
    phrase: str
    tip: str
    takes: Takes = "moment"
    channels_only: bool = False


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """Where is pruned, beside the names of branches and layers."""

    key: Scope
    title: str
    tip: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """What sparsity is a share of.

    Parameters
    ----------
    key
        Value of `PruneRequest.count`.
    title
        On a button.
    phrase
        In a sentence: "40 % of ... removed".
    tip
        One sentence that explains it.
    predicted
        Whether it is predicted from timings rather than counted.
    """

    key: Target
    title: str
    phrase: str
    tip: str
    predicted: bool = False


_RECOVERIES = (
    RecoveryRow(
        "none", "No recovery", "None", "no recovery", "Remaining weights are unchanged."
    ),
    RecoveryRow(
        "bn",
        "Batch-norm recalibration",
        "BN",
        "batch norm",
        "Batch-norm statistics are measured again on unlabelled tiles.",
    ),
    RecoveryRow(
        "refit",
        "Refit",
        "Refit",
        "refit",
        "The remaining weights take over what was removed, in closed form: no "
        "training, no labels.",
        channels_only=True,
    ),
    RecoveryRow(
        "sequential",
        "Sequential refit",
        "Sequential",
        "sequential refit",
        "After refit, layer after layer is fitted again to the outputs of the dense "
        "model; takes seconds for each model, useful at high sparsity.",
        takes="seconds",
        channels_only=True,
    ),
    RecoveryRow(
        "finetune",
        "Fine-tuning",
        "Fine-tune",
        "fine-tuned",
        "Refit, then training on the dense model's outputs, without labels or with "
        "yours; takes minutes for each model, the best weights are kept.",
        takes="minutes",
    ),
)
_SCOPES = (
    ScopeRow("network", "Network", "One ranking over all layers."),
    ScopeRow("layer", "Layer", "The same share is removed from every layer."),
    ScopeRow(
        "encoder",
        "Encoder",
        "Only layers up to the lowest resolution are pruned (contracting path).",
    ),
    ScopeRow(
        "decoder",
        "Decoder",
        "Only layers after the lowest resolution are pruned (expanding path).",
    ),
)
_COUNTS = (
    CountRow(
        "params",
        "Params",
        "parameters",
        "Sparsity is the share of parameters (weights) removed.",
    ),
    CountRow(
        "macs",
        "MACs",
        "MACs",
        "Sparsity is the share of multiply-accumulates removed: closest to time.",
    ),
    CountRow(
        "channels", "Channels", "channels", "Sparsity is the share of channels removed."
    ),
    CountRow(
        "latency",
        "Time",
        "time",
        "Sparsity is the share of time removed, predicted from layers that are timed "
        "on this computer; widths are rounded to those that it computes well.",
        predicted=True,
    ),
)

RECOVERIES: Mapping[str, RecoveryRow] = MappingProxyType(
    {row.key: row for row in _RECOVERIES}
)
"""Repairs by key, from the fastest to the slowest."""
SCOPES: Mapping[str, ScopeRow] = MappingProxyType({row.key: row for row in _SCOPES})
"""Scopes by key; a request may name a branch or a layer instead."""
COUNTS: Mapping[str, CountRow] = MappingProxyType({row.key: row for row in _COUNTS})
"""What sparsity can count, by key."""
