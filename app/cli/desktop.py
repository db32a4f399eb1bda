"""The program in the menu of a Linux desktop: entry, icons and description."""

import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from app.rendering.theme import ICON_SIZES
from core.errors import InputError
from core.files import write_whole

NAME = "org.prunescope.PruneScope"


def install_desktop() -> list[Path]:
    """Write desktop entry, AppStream description and icons for this user.

    Returns
    -------
    list of Path
        What was written, below ``XDG_DATA_HOME`` (``~/.local/share``).

    Raises
    ------
    InputError
        On another system, without an installed command, or where nothing can be
        written.
    """
    if sys.platform != "linux":
        raise InputError("Desktop entries are for Linux; other systems have their own.")
    data = os.environ.get("XDG_DATA_HOME", "")
    folder = Path(data) if data else Path.home() / ".local" / "share"
    shipped, icons = files("resources") / "desktop", files("resources") / "icons"
    entry = (shipped / f"{NAME}.desktop").read_text(encoding="utf-8")
    entry = entry.replace("Exec=prunescope", f"Exec={_quoted(_find_command())}", 1)
    about = f"{NAME}.metainfo.xml"
    wanted: dict[Path, str | bytes] = {
        folder / "applications" / f"{NAME}.desktop": entry,
        folder / "metainfo" / about: (shipped / about).read_bytes(),
    }
    theme = folder / "icons" / "hicolor"
    drawing = theme / "scalable" / "apps" / f"{NAME}.svg"
    wanted[drawing] = (icons / "prunescope.svg").read_bytes()
    for size in ICON_SIZES:
        place = theme / f"{size}x{size}" / "apps" / f"{NAME}.png"
        wanted[place] = (icons / f"prunescope-{size}.png").read_bytes()
    try:
        for path, content in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write below {folder} ({reason}): set XDG_DATA_HOME to another "
            "folder."
        ) from error
    return list(wanted)


def _find_command() -> str:
    """Return the path of the installed command."""
    if getattr(sys, "frozen", False):
        return sys.executable
    called = Path(sys.argv[0]).absolute()
    if called.name == "prunescope":
        return str(called)
    found = shutil.which("prunescope")
    if found is None:
        raise InputError(
            "There is no command prunescope that a desktop could start: install the "
            "program first (docs/installing.md)."
        )
    return str(Path(found).absolute())


def _quoted(path: str) -> str:
    """Return a path as an argument of ``Exec``: quoted twice, once as a string."""
    for sign in '\\"`$':
        path = path.replace(sign, f"\\{sign}")
    return '"' + path.replace("\\", "\\\\").replace("%", "%%") + '"'
