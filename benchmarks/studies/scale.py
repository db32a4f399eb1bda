"""How large a study is: everything that differs between a full and a quick run."""

from dataclasses import dataclass

from core.latency import TimingSettings as Timing


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a study.

    Parameters
    ----------
    name
        ``"full"``, ``"quick"`` or ``"miniature"``; goes into file names.
    sparsities
        Shares of parameters to remove.
    weights
        Shares of single weights to set to zero.
    seeds
        Of calibration tiles, training, and the random heuristic.
    networks
        Of study 1.
    heuristics
        Of study 1.
    tiles
        Test tiles of each source; 0 takes all.
    learn
        Tiles of each source to train and calibrate on; 0 takes all.
    side
        Largest side of a tile in pixels; 0 leaves tiles as they are.
    train_steps, slim_steps
        Of networks that are trained here, and of network slimming.
    recover_steps, minutes
        Of fine-tuning at each point, and its limit of time.
    cuts
        Steps of iterative pruning.
    fast
        Shares of multiplications removed at the points that aim at speed.
    fast_steps, fast_minutes
        Of training at those; 0 steps leave time the only limit.
    crop, batch
        Of training.
    timing
        Of latency; None measures none.
    """

    name: str
    sparsities: tuple[float, ...]
    weights: tuple[float, ...]
    seeds: tuple[int, ...]
    networks: tuple[str, ...]
    heuristics: tuple[str, ...]
    tiles: int
    learn: int
    side: int
    train_steps: int
    slim_steps: int
    recover_steps: int
    minutes: float
    cuts: int
    fast: tuple[float, ...]
    fast_steps: int
    fast_minutes: float
    crop: int
    batch: int
    timing: Timing | None

    @property
    def decides(self) -> bool:
        """Whether a run of this size may judge a claim."""
        return self.name == "full"


ALL_HEURISTICS = ("random", "l1", "l2", "bn_scale", "slimming", "reconstruction")

FULL = Scale(
    name="full",
    sparsities=(0.5, 0.7, 0.8, 0.9, 0.95),
    weights=(0.5, 0.7, 0.8, 0.875, 0.9375, 0.95, 0.975),
    seeds=(0, 1, 2),
    networks=("demo", "unet-dsb", "hovernet-narrow"),
    heuristics=ALL_HEURISTICS,
    tiles=0,
    learn=0,
    side=0,
    train_steps=1500,
    slim_steps=150,
    recover_steps=100,
    minutes=10.0,
    cuts=4,
    fast=(0.86,),
    fast_steps=0,
    fast_minutes=9.3,  # with cutting and repairing, under ten
    crop=160,
    batch=4,
    timing=Timing(seconds=4.0, warmup=2, precision=0.02),
)

QUICK = Scale(
    name="quick",
    sparsities=(0.7, 0.9),
    weights=(0.8, 0.95),
    seeds=(0,),
    networks=("demo",),
    heuristics=("l2", "reconstruction"),
    tiles=2,
    learn=6,
    side=256,
    train_steps=30,
    slim_steps=4,
    recover_steps=4,
    minutes=0.5,
    cuts=2,
    fast=(0.8,),
    fast_steps=4,
    fast_minutes=0.5,
    crop=96,
    batch=2,
    timing=Timing(seconds=1.0, warmup=1, precision=0.05),
)

MINIATURE = Scale(
    name="miniature",
    sparsities=(0.5,),
    weights=(0.5,),
    seeds=(0,),
    networks=("unet-mini",),
    heuristics=("l2", "slimming"),
    tiles=1,
    learn=2,
    side=48,
    train_steps=2,
    slim_steps=1,
    recover_steps=1,
    minutes=0.0,
    cuts=2,
    fast=(0.5,),
    fast_steps=1,
    fast_minutes=0.0,
    crop=32,
    batch=1,
    timing=None,
)

SCALES = {scale.name: scale for scale in (FULL, QUICK, MINIATURE)}
