"""Readers of outputs: how maps become nuclei, and what can be set of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ReaderSetting:
    """One threshold of a reader.

    Parameters
    ----------
    key
        Name in `ModelSpec.threshold`.
    title
        For people.
    tip
        One sentence that explains it.
    default
        Where a spec does not give it.
    most
        Largest value; the smallest is 0.
    step
        Of an entry.
    """

    key: str
    title: str
    tip: str
    default: float
    most: float = 1.0
    step: float = 0.05


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """One way to turn maps into nuclei.

    Parameters
    ----------
    key
        Value of `ModelSpec.reader`.
    title
        For a list.
    tip
        What the network must give, in a sentence.
    settings
        Thresholds, the most important one first.
    """

    key: str
    title: str
    tip: str
    settings: tuple[ReaderSetting, ...]

    @property
    def defaults(self) -> dict[str, float]:
        """Thresholds by key."""
        return {each.key: each.default for each in self.settings}


_FOREGROUND = ReaderSetting(
    "foreground", "Foreground", "Least probability of a pixel of a nucleus.", 0.5
)


def _smallest(pixels: float) -> ReaderSetting:
    return ReaderSetting(
        "smallest", "Smallest", "Least area of a nucleus in pixels.", pixels, 1e4, 1
    )


def _smooth(key: str, what: str, sigma: float) -> ReaderSetting:
    tip = f"Standard deviation in pixels by which the {what} is blurred first."
    return ReaderSetting(key, f"Blur of the {what}", tip, sigma, 50, 0.1)


_SEPARATION = ReaderSetting(
    "separation",
    "Separation",
    "Least pixels between the middles of two nuclei.",
    6.0,
    200,
    1,
)
_MASK = (_FOREGROUND, _SEPARATION, _smooth("smooth", "distance", 1.0), _smallest(12))
_CONTOUR = (
    _FOREGROUND,
    ReaderSetting(
        "contour",
        "Contour",
        "Least probability of a pixel of a contour, which separates nuclei.",
        0.5,
    ),
    _smallest(12),
)
_ROWS = (
    ReaderRow(
        "distance",
        "Probability and distance",
        "Maps np (a logit, or two) and dist (1 in the middles of nuclei, 0 outside).",
        (
            _FOREGROUND,
            ReaderSetting("object", "Middle", "Least distance of a marker.", 0.5),
            _smallest(12),
            _smooth("smooth", "distance", 0.8),
            _smooth("calm", "probability", 0.0),
            ReaderSetting("sure", "Sure", "Least mean probability of a nucleus.", 0.0),
            ReaderSetting(
                "merge",
                "Merge",
                "Two are one when the pass between them is this share of their height; "
                "above 1 joins nothing.",
                0.8,
                2,
            ),
        ),
    ),
    ReaderRow(
        "hv",
        "Horizontal and vertical distance (HoVer-Net)",
        "Maps np (two logits) and hv (two distances, -1 to 1).",
        (
            _FOREGROUND,
            ReaderSetting("object", "Energy", "Energy that separates nuclei.", 0.4),
            _smallest(10),
        ),
    ),
    ReaderRow(
        "mask",
        "Mask (logits)",
        "One logit a pixel, or logits of background and nucleus or its types; touching "
        "nuclei are separated at their necks.",
        _MASK,
    ),
    ReaderRow(
        "probability",
        "Mask (probabilities)",
        "As a mask of logits, after sigmoid or softmax.",
        _MASK,
    ),
    ReaderRow(
        "contour",
        "Mask and contour (logits)",
        "Logits of nucleus and contour, or of background, nucleus and contour.",
        _CONTOUR,
    ),
    ReaderRow(
        "contour-probability",
        "Mask and contour (probabilities)",
        "As mask and contour of logits, after sigmoid or softmax.",
        _CONTOUR,
    ),
    ReaderRow(
        "stardist",
        "Star-convex polygons (StarDist)",
        "Maps prob (0 to 1) and dist (pixels to the border in 8 directions or more).",
        (
            _FOREGROUND,
            ReaderSetting(
                "overlap",
                "Overlap",
                "Largest share of a nucleus that may lie on likelier ones.",
                0.4,
            ),
            _smallest(12),
        ),
    ),
)

OUTPUT_READERS: Mapping[str, ReaderRow] = MappingProxyType(
    {row.key: row for row in _ROWS}
)
"""Readers of nuclei by key."""
PATCH_READER = "patch"
"""Reader of classifiers, which have no thresholds."""
