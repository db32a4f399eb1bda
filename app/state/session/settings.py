"""What comes back at the next start."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QByteArray, QSettings

from app.state.app_state import AppState, Display, Pane
from app.state.session.setup_file import request_from
from core.types import PruneRequest

T = TypeVar("T")

_RECENT = 8
_PANES = 4  # pruned ones at most


class Settings:
    """The last state, kept by Qt where the platform keeps such things.

    Parameters
    ----------
    store
        Tests pass one that writes to their own folder.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings("prunescope", "prunescope")
        self._given = store is not None

    @property
    def folder(self) -> Path | None:
        """Folder of a store that was given; None for the platform's own."""
        return Path(self._store.fileName()).parent if self._given else None

    @property
    def hints(self) -> bool:
        """Whether a newcomer's hints are shown; until they are dismissed."""
        return str(self._store.value("hints", "true")).lower() == "true"

    def set_hints(self, on: bool) -> None:
        self._store.setValue("hints", on)

    @property
    def slide(self) -> str:
        """Key of the slide that the demo view tells times for; empty at first."""
        return str(self._store.value("slide", ""))

    def set_slide(self, key: str) -> None:
        self._store.setValue("slide", key)

    @property
    def theme(self) -> str:
        """``system``, ``light`` or ``dark``."""
        return str(self._store.value("theme", "system"))

    def set_theme(self, theme: str) -> None:
        self._store.setValue("theme", theme)

    @property
    def last(self) -> tuple[str, str]:
        """Model and tile that were open; empty strings when none were."""
        return str(self._store.value("model", "")), str(self._store.value("tile", ""))

    def state(self) -> AppState:
        """Return the state to begin with: last controls, panes and display."""
        kept = self._read("request")
        default = PruneRequest("reconstruction", 0.5)
        request = _request(kept) or _restored(default, kept)
        display = _restored(Display(), self._read("display"))
        panes = self._read("panes")
        before, after = (_panes(panes.get(side)) for side in ("before", "after"))
        if len(before) + len(after) >= _PANES:
            before = after = ()
        return AppState(
            panes=(*before, Pane(request), *after), active=len(before), display=display
        )

    def save(
        self,
        state: AppState,
        geometry: QByteArray,
        splitter: QByteArray | None = None,
    ) -> None:
        """Keep what is open and how it was set."""
        if state.opened is not None:
            self._store.setValue("model", state.opened.model.source)
            self._store.setValue("tile", state.opened.source)
        self._store.setValue("request", asdict(state.request))
        self._store.setValue("display", asdict(state.display))
        panes = {
            "before": [asdict(pane.request) for pane in state.panes[: state.active]],
            "after": [asdict(pane.request) for pane in state.panes[state.active + 1 :]],
        }
        self._store.setValue("panes", panes)
        self._store.setValue("geometry", geometry)
        if splitter is not None:
            self._store.setValue("splitter", splitter)
        self._store.sync()

    @property
    def geometry(self) -> QByteArray | None:
        """Place and size of the window, if it was open before."""
        value = self._store.value("geometry")
        return value if isinstance(value, QByteArray) else None

    @property
    def splitter(self) -> QByteArray | None:
        """Widths of the columns, if the window was open before."""
        value = self._store.value("splitter")
        return value if isinstance(value, QByteArray) else None

    @property
    def recent(self) -> tuple[str, ...]:
        """Tiles that were opened from files, the latest first."""
        value = self._store.value("recent", [])
        if isinstance(value, str):
            return (value,)  # Qt reads a list of one back as its item
        return tuple(value) if isinstance(value, list) else ()

    def add_recent(self, path: str) -> None:
        """Put a file at the head of the recent ones."""
        others = [one for one in self.recent if one != path]
        self._store.setValue("recent", [path, *others][:_RECENT])

    def _read(self, key: str) -> Mapping[str, Any]:
        value = self._store.value(key, {})
        return value if isinstance(value, dict) else {}


def _request(kept: Any) -> PruneRequest | None:
    """Return a request that was kept, or None when it cannot be used."""
    try:
        return request_from(kept)
    except (TypeError, ValueError):
        return None


def _panes(kept: Any) -> tuple[Pane, ...]:
    """Return the panes that were kept, as far as they can be used."""
    found = [_request(each) for each in kept] if isinstance(kept, list) else []
    return tuple(Pane(request) for request in found if request is not None)


def _restored(default: T, kept: Mapping[str, Any]) -> T:
    """Return ``default`` with kept fields, as far as they have the same type.

    A settings file of another version, or one edited by hand, must never keep
    the program from starting.
    """
    found = {}
    for field in fields(default):  # type: ignore[arg-type]
        value, old = kept.get(field.name), getattr(default, field.name)
        try:
            if isinstance(old, bool):
                found[field.name] = value if isinstance(value, bool) else old
            elif value is not None:
                found[field.name] = type(old)(value)
        except (TypeError, ValueError):
            continue
    return type(default)(**{**_plain(default), **found})


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
