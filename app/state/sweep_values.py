"""What a sweep is asked for, and what its stores hold, light enough to draw.

Nothing here imports torch. To read this file, start from `SweepSettings` and
`StoreContents`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from app.state.deployment import Deployment
from app.state.machines import Machines
from core.numbers import spaced
from core.results import Trial
from core.types import Recovery, Target

STEP_SECONDS = 1.0  # of a trial beside network and latency: plan, repair, scores
LATENCY_SECONDS = 3.5
START_SECONDS = 8.0  # of the process, the model, its statistics
SEQUENTIAL_SECONDS = 6.0  # beside what any repair takes


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """A sweep as the panel says it.

    Parameters
    ----------
    data
        Folder of tiles; empty for the open tile.
    heuristics, scopes, recoveries
        See `PruneRequest`; each may be empty while it is being chosen.
    count
        What sparsity is a share of, see `PruneRequest`.
    locked
        Names of layers that keep all channels.
    low, high, step
        Sparsities, 0 to `MAX_SPARSITY`, both ends included.
    minutes
        That each fine-tuning may take.
    seeds
        How many; 0, 1, 2 and so on.
    latency
        Whether latency is measured too.
    out
        Store.
    machines
        Where its trials run.
    deployment
        How its networks run; its device and batch are not looked at.
    """

    data: str = ""
    heuristics: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("network",)
    recoveries: tuple[Recovery, ...] = ("refit",)
    count: Target = "params"
    locked: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.9
    step: float = 0.1
    minutes: float = 2.0
    seeds: int = 1
    latency: bool = True
    out: str = ""
    machines: Machines = field(default_factory=Machines)
    deployment: Deployment = field(default_factory=Deployment)

    @property
    def sparsities(self) -> tuple[float, ...]:
        """Rising; empty when the ends are the wrong way round."""
        return spaced(self.low, self.high, self.step)

    @property
    def trials(self) -> int:
        """How many points the grid has."""
        choices = (self.heuristics, self.scopes, self.recoveries, self.sparsities)
        number = self.seeds
        for each in choices:
            number *= len(each)
        return number

    def missing(self) -> str:
        """Say in a sentence what is still to be chosen; empty when nothing is."""
        for values, word in (
            (self.heuristics, "heuristic"),
            (self.scopes, "scope"),
            (self.recoveries, "recovery"),
        ):
            if not values:
                return f"Choose at least one {word}."
        if not self.sparsities:
            return "The last sparsity lies below the first: swap them."
        if not self.out:
            return "Choose where the results are stored."
        return self.deployment.missing() or self.machines.missing()

    def seconds(self, tiles: int, network: float, cores: int) -> float:
        """Estimate how long it takes.

        Parameters
        ----------
        tiles
            In the folder.
        network
            Seconds that the dense model takes for one tile.
        cores
            Tiles are worked on in parallel.
        """
        # pruned models take less: on average about two thirds over a whole curve
        scored = tiles * network * 0.67 / max(min(cores, tiles), 1)
        each = STEP_SECONDS + scored + (LATENCY_SECONDS if self.latency else 0.0)
        alike = self.trials / max(len(self.recoveries), 1)  # of each recovery
        longer = 60 * self.minutes if "finetune" in self.recoveries else 0.0
        longer += SEQUENTIAL_SECONDS if "sequential" in self.recoveries else 0.0
        return START_SECONDS + tiles * network + self.trials * each + alike * longer


@dataclass(frozen=True, slots=True)
class StoreContents:
    """What a store holds.

    Parameters
    ----------
    path
        Of the store.
    machine
        Hardware that its trials ran on.
    trials
        In the order they were added.
    tiles
        Of the trials.
    impossible
        Requests that could not be met.
    last
        Where to read on, see `core.store.read_store`.
    """

    path: Path
    machine: str = ""
    trials: tuple[Trial, ...] = ()
    tiles: int = 0
    impossible: int = 0
    last: int = 0

    @property
    def metrics(self) -> frozenset[str]:
        """Names of scores that are defined somewhere."""
        names: set[str] = set()
        for trial in self.trials:
            names |= {name for name, value in trial.scores.items() if value == value}
        return frozenset(names)

    @property
    def against_truth(self) -> bool:
        """Whether scores are against the ground truth, not the dense model."""
        return any(trial.dense_scores for trial in self.trials)
