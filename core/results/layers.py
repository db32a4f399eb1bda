"""What a model consists of, and which heuristics it can be pruned with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer that makes channels.

    Parameters
    ----------
    name
        Module path.
    width
        Output channels of the dense model.
    part
        ``"encoder"``, ``"bottleneck"``, ``"decoder"`` or ``"head"``, from the trace.
    coupled
        Other layers that share channels with it.
    protected
        Why (some of) its channels may not go, or an empty string.
    free
        How many of its channels may go.
    lane
        0 for the trunk, 1 and up for branches that serve one output.
    level
        How often its resolution was halved.
    reads
        Layers that it reads, the latest last.
    kind
        Operation, such as ``"conv"``.
    """

    name: str
    width: int
    part: str = ""
    coupled: tuple[str, ...] = ()
    protected: str = ""
    free: int = 1
    lane: int = 0
    level: int = 0
    reads: tuple[str, ...] = ()
    kind: str = "conv"


@dataclass(frozen=True, slots=True)
class HeuristicInfo:
    """One heuristic; ``needs`` says why it cannot be used on the open model."""

    name: str
    title: str
    sentence: str
    paper: str = ""
    needs: str = ""
