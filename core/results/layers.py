"""What a model consists of, and which heuristics it can be pruned with."""

from dataclasses import dataclass

_FELT = 0.05  # milliseconds; less is not worth a word


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
class LayerStep:
    """What a layer costs on this computer, and the next width that costs less.

    Parameters
    ----------
    name
        Module path.
    dense_ms, left_ms
        Milliseconds of the layer alone, dense and at the widths that are left.
    kept
        Output channels that are left.
    lower
        The next lower number of them that this computer computes well; 0 where there
        is none, or where no channel may go.
    saves_ms
        Milliseconds that going down to it saves in this layer.
    """

    name: str
    dense_ms: float
    left_ms: float
    kept: int
    lower: int = 0
    saves_ms: float = 0.0

    @property
    def words(self) -> str:
        """The step in words, such as "17 to 16 channels would save 1.2 ms"."""
        if not self.lower or self.saves_ms < _FELT:
            return ""
        plural = "" if self.kept == 1 else "s"
        return (
            f"{self.kept} to {self.lower} channel{plural} would save "
            f"{self.saves_ms:.2g} ms"
        )


@dataclass(frozen=True, slots=True)
class HeuristicInfo:
    """One heuristic; ``needs`` says why it cannot be used on the open model."""

    name: str
    title: str
    sentence: str
    paper: str = ""
    needs: str = ""
