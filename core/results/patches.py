"""What a classifier says of one patch, before and after pruning."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class PatchChange:
    """One patch before and after pruning.

    Parameters
    ----------
    name
        Of the patch.
    target
        Its class as the folder has it, or None.
    before, after
        Most likely class of the dense and the pruned network.
    dense, pruned
        Probability, 0 to 1, of each class, in the order of the network's outputs.
    """

    name: str
    target: str | None
    before: str
    after: str
    dense: tuple[float, ...]
    pruned: tuple[float, ...]

    @property
    def changed(self) -> bool:
        """Whether the pruned network says another class."""
        return int(np.argmax(self.dense)) != int(np.argmax(self.pruned))

    @property
    def confidence(self) -> tuple[float, float]:
        """Probability of the dense network's class, before and after."""
        kind = int(np.argmax(self.dense))
        return self.dense[kind], self.pruned[kind]

    @property
    def shift(self) -> float:
        """Total variation distance of the probabilities, 0 (the same) to 1."""
        moved = np.abs(np.subtract(self.dense, self.pruned)).sum()
        return float(moved) / 2
