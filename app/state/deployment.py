"""How networks run on this computer, as windows ask for it."""

from dataclasses import dataclass, field

from app.state.machines import Machines

TORCH = "torch"
FLOAT = "float32"
CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Choice:
    """One device, precision or runtime.

    Parameters
    ----------
    key, title
        As the command line and as people call it.
    reason
        Why it cannot be chosen here, and what to do; empty where it can.
    """

    key: str
    title: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Available:
    """What this computer has to offer; the first of each is the default."""

    devices: tuple[Choice, ...] = (Choice(CPU, "Processor"),)
    precisions: tuple[Choice, ...] = (Choice(FLOAT, FLOAT),)
    runtimes: tuple[Choice, ...] = (Choice(TORCH, "PyTorch"),)


@dataclass(frozen=True, slots=True)
class Deployment:
    """How a network runs.

    Parameters
    ----------
    threads
        Of the processor; 0 for torch's own choice.
    batch
        Patches at once.
    precision, device, runtime
        See `core.wholeslide.SlideSettings`.
    """

    threads: int = 0
    batch: int = 1
    precision: str = FLOAT
    device: str = CPU
    runtime: str = TORCH

    def missing(self) -> str:
        """Say in a sentence what does not go together; empty when all does."""
        if self.runtime == TORCH:
            return ""
        if self.device != CPU:
            return "Other runtimes than PyTorch run on the processor: choose it."
        if self.precision != FLOAT:
            return "Other runtimes than PyTorch compute in float32: choose it."
        return ""

    def arguments(self) -> list[str]:
        """Return the options of the command line that say the same."""
        found = ["--batch", str(self.batch), "--device", self.device]
        found += ["--threads", str(self.threads)] if self.threads else []
        found += ["--precision", self.precision, "--runtime", self.runtime]
        return found


@dataclass(frozen=True, slots=True)
class SlideWish:
    """A run of a whole slide, as its window says it.

    Parameters
    ----------
    slide, out
        The slide and the folder of the results.
    pruned
        Whether the pruned model of the active pane runs beside the dense one.
    everywhere
        Whether patches without tissue are looked at, too.
    deployment
        How the networks run.
    machines
        Where.
    """

    slide: str = ""
    out: str = ""
    pruned: bool = True
    everywhere: bool = False
    deployment: Deployment = Deployment()
    machines: Machines = field(default_factory=Machines)

    def missing(self) -> str:
        """Say in a sentence what is still to be chosen; empty when nothing is."""
        if not self.slide:
            return "Choose a slide."
        if not self.out:
            return "Choose where the results go."
        if self.machines.kind != "here" and self.deployment.device != CPU:
            return "Workers use their processors: choose the processor."
        return self.deployment.missing() or self.machines.missing()

    def arguments(self) -> list[str]:
        """Return the options of the command line that say the same."""
        found = ["--slide", self.slide, "--out", self.out]
        found += ["--everywhere"] if self.everywhere else []
        return [*found, *self.deployment.arguments(), *self.machines.arguments()]


@dataclass(frozen=True, slots=True)
class RuntimesWish:
    """A comparison of runtimes, as its window says it.

    Parameters
    ----------
    pruned
        Whether it is of the pruned model of the active pane, not of the dense one.
    runtimes
        Keys.
    threads, batch
        See `Deployment`.
    seconds
        For each runtime.
    """

    pruned: bool = True
    runtimes: tuple[str, ...] = ()
    threads: int = 0
    batch: int = 1
    seconds: float = 10.0

    def missing(self) -> str:
        """Say in a sentence what is still to be chosen; empty when nothing is."""
        others = [name for name in self.runtimes if name != TORCH]
        return "" if others else "Choose a runtime to compare with PyTorch."

    def arguments(self) -> list[str]:
        """Return the options of the command line that say the same."""
        found = ["--runtimes", ",".join(self.runtimes), "--batch", str(self.batch)]
        found += ["--threads", str(self.threads)] if self.threads else []
        return [*found, "--seconds", f"{self.seconds:g}"]
