"""Whether a window can be shown, and what is missing where it cannot."""

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

PACKAGES = (
    "libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 "
    "libxcb-render-util0 libxcb-xinerama0 libegl1 libgl1 libfontconfig1 libdbus-1-3"
)
_OTHER = ("offscreen", "minimal", "vnc", "wayland", "eglfs", "linuxfb")


def has_display() -> bool:
    """Return whether there is a screen to show a window on."""
    if sys.platform != "linux":
        return True
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in names)


def find_display_fault() -> str:
    """Return a sentence about what keeps Qt from showing a window, or nothing.

    Qt itself would abort the process. Only X11 is looked at; other platforms and
    Wayland say what they lack themselves.
    """
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if sys.platform != "linux" or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    if platform.startswith(_OTHER):
        return ""
    plugin = _plugin()
    if plugin is None:
        return ""
    try:
        ctypes.CDLL(str(plugin))
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        return (
            f"Qt cannot show a window, as a system library is missing ({error}): "
            f"install {PACKAGES} (their names on Debian and Ubuntu)."
        )
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    broken = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if not broken:
        return ""
    name = os.environ.get("DISPLAY", "")
    return (
        f"The display {name!r} cannot be reached: start an X server there, or set "
        "DISPLAY to the one that runs."
    )


def _plugin() -> Path | None:
    """Return Qt's plug-in for X11, which is found without loading Qt."""
    found = importlib.util.find_spec("PySide6")
    for folder in found.submodule_search_locations or () if found else ():
        plugin = Path(folder) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
        if plugin.is_file():
            return plugin
    return None
