"""What comes back at the next start: a text file, checked field by field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_path
from PySide6.QtCore import QByteArray

from app.state.app_state import AppState, Pane
from app.state.display import Display
from core.codec import from_json, to_json
from core.files import set_aside, write_whole
from core.tables import MAX_PANES, METRICS
from core.types import PruneRequest

NAME = "settings.json"
_OLD = "prunescope.conf"  # of versions before 0.2, written by Qt
_RECENT = 8

Theme = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Kept:
    """All that the file holds.

    Parameters
    ----------
    prunescope
        Version of the format.
    hints, slide, theme
        What was dismissed or chosen.
    model, tile
        What was open; empty when nothing was.
    recent
        Tiles that were opened from files, the latest first.
    recent_models, recent_sessions
        Models and sessions that were, likewise.
    request, before, after, display
        How the window was set; see `AppState`.
    geometry, splitter
        Qt's own words for where the window was, in base 64.
    folders
        Where boxes for files open, by what they ask for.
    """

    prunescope: Literal[1] = 1
    hints: bool = True
    slide: str = ""
    theme: Theme = "system"
    model: str = ""
    tile: str = ""
    recent: tuple[str, ...] = ()
    recent_models: tuple[str, ...] = ()
    recent_sessions: tuple[str, ...] = ()
    request: PruneRequest | None = None
    before: tuple[PruneRequest, ...] = ()
    after: tuple[PruneRequest, ...] = ()
    display: Display | None = None
    geometry: str = ""
    splitter: str = ""
    folders: dict[str, str] = field(default_factory=dict)


class Settings:
    """The last state, in the folder for settings of the platform.

    Parameters
    ----------
    path
        Of the file; tests and pictures pass one of their own.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or user_config_path("prunescope", appauthor=False) / NAME
        self._given = path is not None
        self.notice = ""
        """What is to be told about the file at the start; empty when nothing is."""
        self._kept = self._read()

    @property
    def folder(self) -> Path | None:
        """Folder of a file that was given; None for the platform's own."""
        return self._path.parent if self._given else None

    @property
    def hints(self) -> bool:
        """Whether a newcomer's hints are shown; until they are dismissed."""
        return self._kept.hints

    def set_hints(self, on: bool) -> None:
        self._keep(hints=on)

    @property
    def slide(self) -> str:
        """Key of the slide that the demo view tells times for; empty at first."""
        return self._kept.slide

    def set_slide(self, key: str) -> None:
        self._keep(slide=key)

    @property
    def theme(self) -> str:
        """``system``, ``light`` or ``dark``."""
        return self._kept.theme

    def set_theme(self, theme: str) -> None:
        self._keep(theme=theme)

    @property
    def last(self) -> tuple[str, str]:
        """Model and tile that were open; empty strings when none were."""
        return self._kept.model, self._kept.tile

    def state(self) -> AppState:
        """Return the state to begin with: last controls, panes and display."""
        kept = self._kept
        request = kept.request or PruneRequest("reconstruction", 0.5)
        before, after = (tuple(map(Pane, side)) for side in (kept.before, kept.after))
        if len(before) + len(after) >= MAX_PANES:
            before = after = ()
        display = kept.display or Display()
        if display.metric not in METRICS:
            display = replace(display, metric=Display().metric)
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
        changes: dict[str, Any] = {}
        if state.opened is not None:
            changes["model"] = state.opened.model.source
            changes["tile"] = state.opened.source.pair
        if splitter is not None:
            changes["splitter"] = _to_text(splitter)
        self._keep(
            request=state.request,
            display=state.display,
            before=_requests(state.panes[: state.active]),
            after=_requests(state.panes[state.active + 1 :]),
            geometry=_to_text(geometry),
            **changes,
        )

    @property
    def geometry(self) -> QByteArray | None:
        """Place and size of the window, if it was open before."""
        return _to_bytes(self._kept.geometry)

    @property
    def splitter(self) -> QByteArray | None:
        """Widths of the columns, if the window was open before."""
        return _to_bytes(self._kept.splitter)

    @property
    def recent(self) -> tuple[str, ...]:
        """Tiles that were opened from files, the latest first."""
        return self._kept.recent

    def add_recent(self, path: str) -> None:
        """Put a file at the head of the recent ones."""
        others = [one for one in self.recent if one != path]
        self._keep(recent=(path, *others)[:_RECENT])

    @property
    def recent_models(self) -> tuple[str, ...]:
        """Models that were opened from files, the latest first."""
        return self._kept.recent_models

    def add_recent_model(self, path: str) -> None:
        """Put a file at the head of the recent models."""
        others = [one for one in self.recent_models if one != path]
        self._keep(recent_models=(path, *others)[:_RECENT])

    @property
    def recent_sessions(self) -> tuple[str, ...]:
        """Sessions that were opened or saved, the latest first."""
        return self._kept.recent_sessions

    def add_recent_session(self, path: str) -> None:
        """Put a file at the head of the recent sessions."""
        others = [one for one in self.recent_sessions if one != path]
        self._keep(recent_sessions=(path, *others)[:_RECENT])

    @property
    def folders(self) -> dict[str, str]:
        """Where boxes for files open, by what they ask for; those that are there."""
        found = self._kept.folders.items()
        return {name: path for name, path in found if Path(path).is_dir()}

    def set_folders(self, folders: Mapping[str, str]) -> None:
        if dict(folders) != self._kept.folders:
            self._keep(folders=dict(folders))

    def _keep(self, **changes: Any) -> None:
        """Change values and write the file, whole; a full disk must stop nobody."""
        self._kept = replace(self._kept, **changes)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, to_json(self._kept, indent=1) + "\n")
        except OSError as error:
            self.notice = f"Settings cannot be kept in {self._path} ({error.strerror})."

    def _read(self) -> Kept:
        """Read the file; one that cannot be used is set aside and told about."""
        try:
            return from_json(Kept, self._path.read_bytes())
        except FileNotFoundError:
            return self._read_old()
        except OSError as error:
            reason = error.strerror or str(error)
            self.notice = f"The settings {self._path} cannot be read ({reason})."
            return Kept()
        except ValueError as error:
            aside = set_aside(self._path)
            where = f"They are kept as {aside.name}." if aside else ""
            self.notice = (
                f"The settings of last time cannot be used ({error}), so that the "
                f"window starts anew. {where}"
            ).strip()
            return Kept()

    def _read_old(self) -> Kept:
        """Take over what is plain text in a settings file that Qt wrote.

        The file holds Python objects too; reading them would run what they say, so
        that Qt is not asked for any.
        """
        path = self._path.with_name(_OLD)
        try:
            lines = path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return Kept()
        values = _plain_lines(lines)
        self.notice = (
            "Theme, recent tiles and what was open were taken over from the version "
            "before; how the window was set was not."
        )
        theme = values.get("theme", "")
        recent = tuple(filter(None, values.get("recent", "").split(", ")))
        return Kept(
            hints=values.get("hints", "true") == "true",
            slide=values.get("slide", ""),
            theme=theme if theme in ("light", "dark") else "system",  # type: ignore[arg-type]
            model=values.get("model", ""),
            tile=values.get("tile", ""),
            recent=recent[:_RECENT],
        )


def _plain_lines(lines: Iterable[str]) -> dict[str, str]:
    """Return what is plain text in an INI file of Qt: no object, no escape."""
    found = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and "@" not in value[:2] and "\\" not in value:
            found[key] = value.strip('"').replace('", "', ", ")
    return found


def _requests(panes: tuple[Pane, ...]) -> tuple[PruneRequest, ...]:
    return tuple(pane.request for pane in panes)


def _to_text(value: QByteArray) -> str:
    return bytes(value.toBase64().data()).decode("ascii")


def _to_bytes(text: str) -> QByteArray | None:
    if not text:
        return None
    return QByteArray.fromBase64(text.encode("utf-8", errors="replace"))
