"""Runs a blinded reading: draws lots, shows places, records answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QObject, Slot

from app.controllers.demo.reading import (
    Answer,
    Choice,
    ReadingRound,
    Setting,
    as_json,
    explain,
    in_words,
    rounds_of,
    verdict_of,
)
from app.rendering.palette import by_type, type_colour
from app.state.app_state import Message
from app.state.events import MessageShown
from app.state.store import Store
from app.views.panels.reading import ReadPlace
from app.views.widgets.tile_parts import Mask
from core.files import write_whole

if TYPE_CHECKING:
    from app.state.values import Nuclei
    from app.views.panels.reading import ReadingPanel


class BlindedReading(QObject):
    """Joins the reading view and the state.

    Parameters
    ----------
    view
        Asks.
    store
        Model and tile are taken from it when a reading begins; what changes
        later does not change the reading.
    folder
        Where answers are recorded; made when first needed.
    parent
        Qt owner.
    rng
        Decides places and sides; a test passes its own.
    """

    def __init__(
        self,
        view: "ReadingPanel",
        store: Store,
        folder: Callable[[], Path],
        parent: QObject,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(parent)
        self._view, self._store, self._folder = view, store, folder
        self._rng = rng or np.random.default_rng()
        self._rounds: tuple[ReadingRound, ...] = ()
        self._answers: list[Answer] = []
        self._setting: Setting | None = None
        self._path: Path | None = None
        self._masks: tuple[tuple[Mask, ...], tuple[Mask, ...]] = ((), ())
        self._since = 0.0
        view.answered.connect(self.answer)
        view.againAsked.connect(self.start)

    @Slot()
    def start(self) -> bool:
        """Begin a reading of the model on show; tells why when it cannot."""
        state = self._store.state
        opened, outcome = state.opened, state.outcome
        if opened is None or outcome is None or outcome.part is not None:
            return False
        if outcome.request.sparsity == 0:
            self._tell("Choose a smaller model first, then read.")
            return False
        rounds = rounds_of(opened.nuclei.centres, self._rng)
        if not rounds:
            self._tell("There are no nuclei to read in this tile: open another one.")
            return False
        now = datetime.now(UTC)
        self._rounds, self._answers = rounds, []
        self._setting = Setting(
            opened.model.source,
            opened.source.pair,
            outcome.request,
            outcome.plan_hash,
            now.isoformat(timespec="seconds"),
        )
        self._path = self._folder() / f"reading-{now:%Y%m%d-%H%M%S-%f}.json"
        opacity = state.display.opacity
        self._masks = _mask(opened.nuclei, opacity), _mask(outcome.nuclei, opacity)
        self._view.set_picture(opened.picture)
        types = opened.model.classes if opened.nuclei.classes is not None else ()
        colours = {name: type_colour(n) for n, name in enumerate(types, 1)}
        self._view.set_legend(colours, opened.model.types_note)
        self._show()
        return True

    def _show(self) -> None:
        number = len(self._answers)
        round_ = self._rounds[number]
        sides = self._sides(round_)
        self._view.set_round(number + 1, len(self._rounds), round_.place, sides)
        self._since = monotonic()

    def _sides(self, round_: ReadingRound) -> tuple[tuple[Mask, ...], tuple[Mask, ...]]:
        """Return what the left and the right picture show."""
        dense, pruned = self._masks
        return (pruned, dense) if round_.pruned == "left" else (dense, pruned)

    def _explained(self) -> tuple[ReadPlace, ...]:
        """Return every place with the names of its pictures and what was said."""
        names = "The full model", "The smaller model"
        return tuple(
            ReadPlace(
                round_.place,
                self._sides(round_),
                names[::-1] if round_.pruned == "left" else names,
                *explain(round_, answer),
            )
            for round_, answer in zip(self._rounds, self._answers, strict=True)
        )

    def again_in_view(self) -> None:
        """Show the place again: the pictures have their size only now."""
        if self._rounds:
            self._show()

    @Slot(str)
    def answer(self, choice: str) -> None:
        """Record an answer and go on."""
        if self._setting is None or len(self._answers) >= len(self._rounds):
            return
        taken = Answer(cast("Choice", choice), monotonic() - self._since)
        self._answers.append(taken)
        kept = self._record()
        if len(self._answers) < len(self._rounds):
            self._show()
            return
        headline, words = in_words(verdict_of(self._rounds, self._answers))
        where = f"Recorded in {self._path}" if kept else ""
        self._view.set_result(headline, words, self._explained(), where)

    def _record(self) -> bool:
        """Write all answers so far: none is lost when the reading ends early."""
        assert self._setting is not None
        assert self._path is not None
        words = as_json(self._setting, self._rounds, self._answers)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, words)
        except OSError as error:
            reason = error.strerror or str(error)
            self._tell(f"Cannot record the answers in {self._path} ({reason}).")
            return False
        return True

    def _tell(self, words: str) -> None:
        self._store.dispatch(MessageShown(Message(words, kind="warning")))


def _mask(nuclei: "Nuclei", opacity: float) -> tuple[Mask, ...]:
    """Return outlines in the colours of types: the same look on both sides."""
    colours = by_type(nuclei.count, nuclei.classes, fill=False, opacity=opacity)
    return (Mask(nuclei.levels, colours),)
