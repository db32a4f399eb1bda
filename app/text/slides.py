"""How long a slide takes: from what was measured on the tile, in plain words."""

from dataclasses import dataclass

from app.state.values import Opened
from app.text.format import TIMES
from core.results import Comparison

_ASSUMED_MPP = 0.25  # 40x, at which nuclei models are trained


@dataclass(frozen=True, slots=True)
class SlideSize:
    """A piece of tissue that people know.

    Parameters
    ----------
    key, name
        For settings, and for people.
    width, height
        Of the tissue, in millimetres.
    """

    key: str
    name: str
    width: float
    height: float

    def pixels(self, mpp: float | None) -> float:
        """Return how many pixels it has.

        Parameters
        ----------
        mpp
            Micrometres per pixel; 0.25 is taken when it is not known.
        """
        side = 1000 / (mpp or _ASSUMED_MPP)
        return self.width * side * self.height * side


SLIDES = (
    SlideSize("biopsy", "Biopsy", 15, 15),
    SlideSize("resection", "Resection", 25, 20),
    SlideSize("large", "Whole slide", 50, 25),
)


def slide_called(key: str) -> SlideSize:
    """Return a slide by its key; the first one when there is no such."""
    return next((slide for slide in SLIDES if slide.key == key), SLIDES[0])


def seconds_per_megapixel(
    opened: Opened, measured: Comparison
) -> tuple[float, float] | None:
    """Return the time of both models from pixels to nuclei.

    Parameters
    ----------
    opened
        Says how long finding nuclei in the network's maps takes: the same for
        both models.
    measured
        Says how long the networks take.

    Returns
    -------
    tuple of float or None
        Seconds per million pixels of tissue, dense and pruned; None when the
        measurement is too noisy, or it is not known how many pixels it is for.
    """
    if measured.pixels <= 0 or not measured.measurable:
        return None
    width, height = opened.picture.size
    rest = opened.seconds.get("instances", 0.0) / max(width * height, 1)
    return (
        (measured.dense_ms / 1000 / measured.pixels + rest) * 1e6,
        (measured.pruned_ms / 1000 / measured.pixels + rest) * 1e6,
    )


def meaning(opened: Opened, measured: Comparison | None, slide: SlideSize) -> str:
    """Return what the speed means for a slide on this computer, in a sentence."""
    if measured is None:
        return "Measuring how fast it is…"
    if not measured.measurable:
        return f"How long a slide takes is {measured.verdict}: the computer is busy."
    times = seconds_per_megapixel(opened, measured)
    if times is None:
        return ""
    mpp = opened.picture.mpp
    million = slide.pixels(mpp) / 1e6
    dense, pruned = (rough(million * each) for each in times)
    size = f"{slide.name.lower()} of {slide.width:g} {TIMES} {slide.height:g} mm"
    # a ratio that may as well be 1 is no news for a slide
    if dense == pruned or measured.verdict == "no difference":
        words = f"A {size} takes about {dense} on this computer with either model."
    else:
        words = f"A {size} takes about {pruned} on this computer instead of {dense}."
    if mpp is None:
        words += f" (At {_ASSUMED_MPP:g} µm per pixel: the tile does not say.)"
    return words


def rough(seconds: float) -> str:
    """Return a duration as one would say it: ``40 seconds``, ``2.5 hours``."""
    for size, one, many in (
        (86400, "day", "days"),
        (3600, "hour", "hours"),
        (60, "minute", "minutes"),
    ):
        value = seconds / size
        if value >= 0.95:
            shown = f"{value:.0f}" if value >= 9.5 else f"{round(value * 2) / 2:g}"
            return f"{shown} {one if shown == '1' else many}"
    whole = max(round(seconds), 1)
    return f"{whole} {'second' if whole == 1 else 'seconds'}"
