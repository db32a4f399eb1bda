"""The main story with a real X server, a real mouse and real keys.

Runs where Xvfb, xdotool and Qt's xcb plugin are there (Debian: ``xvfb xdotool
libxcb-cursor0 libxkbcommon-x11-0``), and is skipped, saying so, elsewhere.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageGrab

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
needed = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(needed), reason=f"not installed: {', '.join(needed)}"),
    pytest.mark.slow,
]


class Desk:
    """A display with the program on it."""

    def __init__(self, display: str, home: Path) -> None:
        self.display, self.home = display, home
        self.environment = {
            **os.environ,
            "DISPLAY": display,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "QT_QPA_PLATFORM": "xcb",
        }
        with (home / "stderr").open("w") as said:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "app"],
                cwd=ROOT,
                env=self.environment,
                stderr=said,
            )

    def do(self, *words: str) -> str:
        """Run xdotool."""
        done = subprocess.run(
            ["xdotool", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def window(self) -> str:
        """Return the id of the program's window, or nothing."""
        return self.do("search", "--onlyvisible", "--name", "PruneScope")[:20].split(
            "\n"
        )[0]

    def screen(self) -> np.ndarray:
        """Return what is on the screen, uint8 (height, width, 3)."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))

    def settings(self) -> dict[str, Any]:
        """Return what the program wrote when it was closed."""
        path = self.home / "prunescope" / "settings.json"
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept


def until(ready: Callable[[], bool], desk: Desk, what: str) -> None:
    """Wait for something that can be seen; fail with what the program said."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if desk.program.poll() is not None or time.monotonic() > end:
            said = (desk.home / "stderr").read_text()
            if "xcb" in said and "plugin" in said:
                pytest.skip("Qt's xcb plugin lacks a system library here")
            pytest.fail(f"no {what}; the program said: {said[-2000:]}")
        time.sleep(0.1)  # between two looks, not in place of one


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ready, told = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(told), "-screen", "0", "1440x900x24"],
        pass_fds=[told],
        stderr=subprocess.DEVNULL,
    )
    os.close(told)
    with os.fdopen(ready) as pipe:
        number = pipe.readline().strip()
    desk = Desk(f":{number}", tmp_path)
    yield desk
    desk.program.kill()
    desk.program.wait()
    server.terminate()
    server.wait()


def slider(screen: np.ndarray) -> tuple[int, int, int, int] | None:
    """Find the sparsity slider: the first thin blue line of the left column.

    Returns
    -------
    tuple
        Row, and the columns where it begins, where its handle is and where it ends.
    """
    found = lines(screen)
    if not found:
        return None
    row, left = found[0], screen[:, :330].astype(int)
    blue = left[row, :, 2] - left[row, :, 0] > 90
    start = int(np.flatnonzero(blue)[0])
    gap = np.flatnonzero(~blue[start:])
    other = np.abs(left[row] - left[row, max(start - 4, 0)]).max(1) > 12
    end = int(np.flatnonzero(other[: start + 300])[-1])
    return row, start, start + int(gap[0]) + 6, end


def lines(screen: np.ndarray) -> list[int]:
    """Return the rows of thin blue lines on the left: the slider, then what is left."""
    left = screen[:, 22:50].astype(int)
    solid = (left[..., 2] - left[..., 0] > 90).all(1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], solid.view(np.int8), [0]])))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [int(top + bottom) // 2 for top, bottom in pairs if 3 <= bottom - top <= 8]


def heuristic(screen: np.ndarray) -> int | None:
    """Find the list of heuristics: the first white box on the left, its middle row."""
    white = screen[:, 30:260].min(2) >= 250
    rows = np.flatnonzero(white.mean(1) > 0.6)
    return int(rows[0]) + 12 if len(rows) else None


def colourful(screen: np.ndarray) -> float:
    """Share of the middle of the screen that has the colours of stained tissue."""
    middle = screen[150:520, 300:920].astype(int)
    return float((np.ptp(middle, axis=2) > 60).mean())


def test_the_main_story_with_mouse_and_keys(desk: Desk) -> None:
    until(lambda: bool(desk.window()), desk, "window")
    until(lambda: colourful(desk.screen()) > 0.2, desk, "tile")
    # the slider, and what is left of parameters, operations and channels
    until(lambda: len(lines(desk.screen())) >= 4, desk, "model")
    desk.do("windowfocus", desk.window())

    # Drag the slider from where it is to four fifths.
    found = slider(desk.screen())
    assert found is not None
    row, start, handle, end = found
    goal = start + round(0.8 * (end - start))
    desk.do("mousemove", str(handle), str(row), "mousedown", "1")
    for x in np.linspace(handle, goal, 12).round().astype(int):
        desk.do("mousemove", str(x), str(row))
    desk.do("mouseup", "1")

    def dragged() -> bool:
        now = slider(desk.screen())
        return now is not None and abs(now[2] - goal) < 20

    until(dragged, desk, "slider where it was dragged to")

    # Another heuristic, chosen from its list.
    box = heuristic(desk.screen())
    assert box is not None
    controls = np.s_[box - 40 : box + 200, :300]
    closed = desk.screen()
    desk.do("mousemove", "120", str(box), "click", "1")
    until(lambda: differs(desk.screen(), closed, controls), desk, "list of heuristics")
    listed = desk.screen()
    desk.do("key", "Down", "key", "Down", "key", "Return")
    until(lambda: differs(desk.screen(), listed, controls), desk, "list that closes")

    # The wheel zooms at the cursor, and the masks hide and come back with H.
    before = desk.screen()
    desk.do("mousemove", "760", "330", "click", "4", "click", "4", "click", "4")
    until(lambda: differs(desk.screen(), before), desk, "zoom")
    zoomed = desk.screen()
    desk.do("key", "h")
    until(lambda: differs(desk.screen(), zoomed), desk, "tile without masks")
    hidden = desk.screen()
    desk.do("key", "h")
    until(lambda: differs(desk.screen(), hidden), desk, "tile with its masks again")
    outlined = desk.screen()
    desk.do("key", "d")
    until(lambda: differs(desk.screen(), outlined, some=0.002), desk, "difference")

    # The demo view is one key away, and Escape leaves it.
    bench = desk.screen()
    desk.do("key", "F5")
    until(lambda: differs(desk.screen(), bench, part=np.s_[:, :280]), desk, "demo view")
    desk.do("key", "Escape")
    until(lambda: slider(desk.screen()) is not None, desk, "bench again")

    # What was set is kept for the next start.
    desk.do("key", "ctrl+q")
    desk.program.wait(PATIENCE)
    kept = desk.settings()
    request, display = kept["request"], kept["display"]
    assert request["sparsity"] == pytest.approx(0.8, abs=0.03)
    assert request["recovery"] == "refit"
    assert request["heuristic"] != "reconstruction"  # which it is at the first start
    assert display["overlay"] == "difference"
    assert kept["model"] == "demo"
    assert "Traceback" not in (desk.home / "stderr").read_text()


def differs(
    now: np.ndarray,
    before: np.ndarray,
    part: object = np.s_[150:520, 300:920],
    some: float = 0.02,
) -> bool:
    """Return whether a part of the screen is another picture (not just a cursor)."""
    return float((now[part] != before[part]).any(-1).mean()) > some
