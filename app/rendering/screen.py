"""How large the window and its text are on a screen: pure functions of sizes."""

from PySide6.QtGui import QGuiApplication

_FIRST = (1440, 900)  # width and height of the first window
_FRAME = (8, 48)  # pixels of a window around what is in it
_READABLE = 1440  # pixels of height for which text of 14 pixels is large enough
_SCALES = (1.0, 1.25, 1.5, 2.0)


def find_text_scale(height: int, ratio: float) -> float:
    """Return by how much text is enlarged on a screen.

    A 4K screen whose desktop does not scale has pixels of half the usual size.

    Parameters
    ----------
    height
        Of the screen, in the desktop's own pixels.
    ratio
        Pixels of the screen for one of the desktop's: 1 where it does not scale.

    Returns
    -------
    float
        1 to 2; 1 where the desktop scales already.
    """
    wanted = height / _READABLE if ratio <= 1 else 1.0
    return max((each for each in _SCALES if each <= wanted + 1e-9), default=1.0)


def current_text_scale() -> float:
    """Return by how much text is enlarged on the first screen."""
    screen = QGuiApplication.primaryScreen()
    return find_text_scale(screen.size().height(), screen.devicePixelRatio())


def first_size() -> tuple[int, int]:
    """Return width and height of a window that was never open before."""
    room = QGuiApplication.primaryScreen().availableGeometry()
    return fit_size((room.width(), room.height()), current_text_scale())


def fit_size(available: tuple[int, int], scale: float = 1.0) -> tuple[int, int]:
    """Return a first size that fits a screen, with the frame of the window.

    Parameters
    ----------
    available
        Width and height that panels of the desktop leave, in pixels.
    scale
        By how much text is enlarged.
    """
    wide, high = (round(side * scale) for side in _FIRST)
    return min(wide, available[0] - _FRAME[0]), min(high, available[1] - _FRAME[1])
