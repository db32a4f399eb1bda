"""What the process that sweeps is asked, of what the sweep window says."""

from pathlib import Path

from app.state.sweep_values import SweepSettings
from core.errors import InputError
from core.sources import Source


def order_of(model: str, wish: SweepSettings, source: str) -> str:
    """Write the order of a wish (worker thread: imports torch).

    Parameters
    ----------
    model
        Catalogue name or path.
    wish
        What is to be covered, and where it goes.
    source
        The open tile, for a wish without a folder; empty for the first sample.

    Raises
    ------
    InputError
        When the place of the store cannot be made.
    """
    from core.images.samples import DEFAULT_SAMPLE
    from core.sweep import SWEEP_TIMING, Grid
    from core.sweep.messages import SweepCommand
    from core.sweep.running import Running
    from core.types import FineTune

    out, how = Path(wish.out), wish.deployment
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{out.parent} cannot be made ({error.strerror}); choose another place."
        ) from error
    grid = Grid(
        models=(model,),
        data=Path(wish.data or source or Source("sample", DEFAULT_SAMPLE).text),
        heuristics=wish.heuristics,
        sparsities=wish.sparsities,
        scopes=wish.scopes,
        recoveries=wish.recoveries,
        count=wish.count,
        locked=wish.locked,
        training=FineTune(minutes=wish.minutes),
        seeds=tuple(range(wish.seeds)),
        timing=SWEEP_TIMING if wish.latency else None,
        running=Running.of(how.threads, how.precision, how.runtime),
    )
    return SweepCommand(grid, out, *wish.machines.asked()).to_json()
