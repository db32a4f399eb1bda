"""With what the networks of a sweep run: threads, precision and runtime.

To read this file, start from `Running`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.latency import TimingSettings
    from core.models import LoadedModel

_PLAIN = "torch"


@dataclass(frozen=True, slots=True)
class Running:
    """How the networks of every trial run, when they are scored and when timed.

    Parameters
    ----------
    threads
        Of the processor, for each trial; 0 for all that its worker may use.
    runtime
        Key of `core.deployment.RUNTIMES`.
    """

    threads: int = 0
    runtime: str = _PLAIN

    @classmethod
    def of(cls, threads: int, precision: str, runtime: str) -> Self:
        """Take a precision and a runtime as they are chosen, one beside the other.

        Raises
        ------
        InputError
            When they do not go together.
        """
        if precision == "float32":
            return cls(threads, runtime)
        if runtime != _PLAIN:
            raise InputError(
                "Other runtimes than torch compute in float32; leave out --precision."
            )
        return cls(threads, f"{runtime}-{precision}")

    @classmethod
    def from_identity(cls, known: Mapping[str, Any]) -> Self:
        """Return how a trial was run, by what `identity` added to its own."""
        return cls(runtime=str(known.get("runtime", _PLAIN)))

    @property
    def plain(self) -> bool:
        """Whether networks run as they are, in torch and float32."""
        return self.runtime == _PLAIN

    @property
    def identity(self) -> dict[str, str]:
        """What belongs to the identity of a trial: scores depend on it."""
        return {} if self.plain else {"runtime": self.runtime}

    def timing(self, asked: TimingSettings | None) -> TimingSettings | None:
        """Return how latency is measured with so many threads."""
        if asked is None or not self.threads:
            return asked
        return replace(asked, threads=self.threads)

    def check(self, model: LoadedModel) -> None:
        """Refuse what cannot run here.

        Raises
        ------
        InputError
            Says what to do instead.
        """
        if self.plain:
            return
        from core.deployment.runtimes import RUNTIMES, check_runtimes

        check_runtimes((self.runtime,))
        if not RUNTIMES[self.runtime].worth_trying:
            raise InputError(
                "This processor has no instructions for bfloat16, and it would take "
                "many times longer; leave out --precision."
            )
        if model.spec.task != "nuclei":
            raise InputError(
                "Networks that classify patches are swept in torch and float32; leave "
                "out --runtime and --precision."
            )
