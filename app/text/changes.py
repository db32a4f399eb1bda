"""What became of nuclei, in words: every surface says it in these.

Counts of events do not add up, because a part of a merge may still be found; where
they are given, it is said how many nuclei they are of.
"""

from app.text.format import counted
from core.metrics import KINDS, Kind, KindCount, NucleusChanges
from core.tables import TASKS
from core.tables.metrics import TaskName

KIND_WORD: dict[Kind, str] = {
    "kept": "kept",
    "lost": "lost",
    "new": "new",
    "merged": "merged",
    "split": "split",
    "retyped": "other type",
}
_EVENT: dict[Kind, str] = {"merged": "merge", "split": "split"}


def describe_count(kind: Kind, count: KindCount) -> str:
    """Return ``290 kept`` or ``9 merges (18 nuclei, 12 also kept)``."""
    if kind not in _EVENT:
        return f"{count.events:,} {KIND_WORD[kind]}"
    words = counted(count.events, _EVENT[kind])
    if not count.events:
        return words
    parts = [counted(count.nuclei, "nucleus", "nuclei")]
    if count.also_kept:
        parts.append(f"{count.also_kept:,} also kept")
    if count.also_split:
        parts.append(f"{count.also_split:,} also split")
    return f"{words} ({', '.join(parts)})"


def describe_partition(changes: NucleusChanges, task: TaskName = "nuclei") -> str:
    """Return what became of every nucleus of the dense model, each counted once.

    Such as ``Of 314 nuclei: 302 kept, 6 lost, 6 merged. 5 are new.``
    """
    words = TASKS[task]
    total = counted(changes.n_before, words.one, words.many)
    if task == "patch":
        other = changes.count("retyped").events
        same = changes.n_before - other
        return f"Of {total}: {same:,} {words.same}, {other:,} {words.other}."
    counts = {kind: changes.count(kind).alone for kind in KINDS}
    new = counts.pop("new")
    parts = [f"{number:,} {KIND_WORD[kind]}" for kind, number in counts.items()]
    said = [part for part, number in zip(parts, counts.values(), strict=True) if number]
    sentence = f"Of {total}: {', '.join(said)}." if said else f"Of {total}: none."
    if not changes.n_before:
        sentence = "The dense model finds no nuclei."
    if new:
        sentence += f" {new:,} {'is' if new == 1 else 'are'} new."
    return sentence
