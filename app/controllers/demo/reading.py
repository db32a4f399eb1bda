"""A blinded reading, in which one says which of two pictures is the smaller model's.

Pure functions and values; the view is `app.views.panels.reading`, and what joins them
`app.controllers.demo.blinded_reading`. To read this file, start from `rounds_of` and
`verdict_of`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.text import format as text
from core.types import PruneRequest

Choice = Literal["left", "right", "same"]
ROUNDS = 8


@dataclass(frozen=True, slots=True)
class ReadingRound:
    """One place, shown twice.

    Parameters
    ----------
    place
        x and y in the tile, in pixels.
    pruned
        The side on which the pruned model is.
    """

    place: tuple[float, float]
    pruned: Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one round, and after how long, in seconds."""

    choice: Choice
    seconds: float


def rounds_of(
    centres: NDArray[np.float64], rng: np.random.Generator, most: int = ROUNDS
) -> tuple[ReadingRound, ...]:
    """Choose places far from each other, and sides by lot.

    Parameters
    ----------
    centres
        float (n, 2): x and y of the dense model's nuclei.
    rng
        Decides the first place and every side.
    most
        Rounds; fewer when there are fewer nuclei.

    Returns
    -------
    tuple of Round
        In a random order; empty without nuclei.
    """
    if not len(centres):
        return ()
    chosen = [int(rng.integers(len(centres)))]
    distance = np.hypot(*(centres - centres[chosen[0]]).T)
    while len(chosen) < min(most, len(centres)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.hypot(*(centres - centres[chosen[-1]]).T))
    rounds = []
    for index in rng.permutation(chosen):
        x, y = (float(value) for value in centres[index])
        rounds.append(ReadingRound((x, y), "left" if rng.random() < 0.5 else "right"))
    return tuple(rounds)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a reading ended.

    Parameters
    ----------
    right, decided, same
        Rounds that were named rightly, decided at all, and not decided.
    interval
        95 % of the share that would be named rightly, exact binomial
        (Clopper and Pearson 1934); 0 and 1 when nothing was decided.
    """

    right: int
    decided: int
    same: int
    interval: tuple[float, float]


def verdict_of(rounds: Sequence[ReadingRound], answers: Sequence[Answer]) -> Verdict:
    """Count the answers."""
    from scipy.stats import binomtest  # slow to import, and needed once

    pairs = list(zip(rounds, answers, strict=False))
    decided = [(r, a) for r, a in pairs if a.choice != "same"]
    right = sum(r.pruned == a.choice for r, a in decided)
    interval = (0.0, 1.0)
    if decided:
        found = binomtest(right, len(decided)).proportion_ci(0.95, method="exact")
        interval = float(found.low), float(found.high)
    return Verdict(right, len(decided), len(pairs) - len(decided), interval)


def in_words(verdict: Verdict) -> tuple[str, str]:
    """Return how a reading ended, for people: a headline, and what it means."""
    if not verdict.decided:
        return (
            "You could not tell them apart",
            f"In none of {text.counted(verdict.same, 'place')} did one look like the "
            "smaller model.",
        )
    right, decided = verdict.right, verdict.decided
    headline = f"{right} of {decided} right"
    low, high = verdict.interval
    chance = f"Guessing gives about {decided / 2:g} of {decided}."
    if low > 0.5:
        meaning = "This is more than luck: the two can be told apart."
    elif high < 0.5:
        meaning = (
            "This is less than luck: you saw a difference, and took the smaller "
            "model for the larger one."
        )
    else:
        meaning = "Luck alone could do that: there is no sign of a visible difference."
    sure = (
        f"With so few places, the true share of right answers lies between "
        f"{text.percent(low)} and {text.percent(high)} (95 % interval)."
    )
    words = f"{chance} {meaning} {sure}"
    if verdict.same:
        words += f" In {text.counted(verdict.same, 'place')} you could not tell."
    return headline, words


def explain(round_: ReadingRound, answer: Answer) -> tuple[str, str]:
    """Return how one place went: a sign, and sentences.

    Parameters
    ----------
    round_, answer
        What was shown, and what was said of it.
    """
    there = f"The smaller model is on the {round_.pruned}."
    if answer.choice == "same":
        return "?", f"You could not tell. {there}"
    right = answer.choice == round_.pruned
    verdict = "That is right." if right else "That is wrong."
    mark = "\u2713" if right else "\u2717"
    return mark, f"You said the {answer.choice} one. {verdict} {there}"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reading was about.

    Parameters
    ----------
    model, tile
        Sources.
    request
        The pruned model.
    plan
        Name of its plan.
    begun
        UTC, ISO 8601.
    """

    model: str
    tile: str
    request: PruneRequest
    plan: str
    begun: str


def as_json(
    setting: Setting, rounds: Sequence[ReadingRound], answers: Sequence[Answer]
) -> str:
    """Return a reading as JSON, finished or not."""
    entries: list[dict[str, Any]] = []
    for number, (round_, answer) in enumerate(
        zip(rounds, answers, strict=False), start=1
    ):
        entries.append(
            {
                "place": number,
                "x": round(round_.place[0], 1),
                "y": round(round_.place[1], 1),
                "pruned_side": round_.pruned,
                "answer": answer.choice,
                "right": None
                if answer.choice == "same"
                else answer.choice == round_.pruned,
                "seconds": round(answer.seconds, 2),
            }
        )
    found = verdict_of(rounds, answers)
    return json.dumps(
        {
            "prunescope_reading": 1,
            **asdict(setting),
            "rounds": len(rounds),
            "complete": len(answers) == len(rounds),
            "answers": entries,
            "right": found.right,
            "decided": found.decided,
            "cannot_tell": found.same,
            "interval_95": [round(end, 4) for end in found.interval],
            "note": "Recorded on this computer only. Not for diagnosis.",
        },
        indent=2,
    )
