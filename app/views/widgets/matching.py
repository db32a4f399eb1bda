"""Which entries of a list a few typed letters mean: pure functions."""

from collections.abc import Sequence


def ranked(query: str, entries: Sequence[str]) -> list[int]:
    """Return the entries that fit, the best first.

    An entry fits when it has all letters of each typed word in order. Letters
    that begin words, and letters that follow each other, count most; among
    equals the order stays.

    Parameters
    ----------
    query
        What was typed; everything fits an empty one.
    entries
        What can be chosen.
    """
    words = query.lower().split()
    scored = []
    for index, entry in enumerate(entries):
        scores = [_score(word, entry.lower()) for word in words]
        if all(score is not None for score in scores):
            total = sum(score for score in scores if score is not None)
            scored.append((-total, index))
    return [index for _, index in sorted(scored)]


def _score(word: str, entry: str) -> float | None:
    """Return how well a word fits an entry, or None."""
    best = None
    for start, letter in enumerate(entry):
        if letter != word[0]:
            continue
        found = _from(word, entry, start)
        if found is not None and (best is None or found > best):
            best = found
    return best


def _from(word: str, entry: str, start: int) -> float | None:
    """Return the score of a fit that begins at ``start``."""
    score, place = 0.0, start - 1
    for letter in word:
        following = entry.find(letter, place + 1)
        if following < 0:
            return None
        begins = following == 0 or not entry[following - 1].isalnum()
        adjacent = following == place + 1
        score += 1.0 + 2.0 * begins + 1.5 * adjacent
        place = following
    return score - 0.01 * start
