"""One full round with no display: the same window, offscreen, saved as a picture."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import Arguments
from app.export.points import as_csv
from app.state.events import ExploreSwitched, TrainingStarted
from app.worker.runner import Failure
from core.errors import BenchError, InputError
from core.files import whole_file, write_whole

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.bootstrap import Application
    from app.state.values import Engine

FOLDER = "prunescope-out"
SIZE = (1440, 900)
_LIMIT = 900.0  # seconds after which a round counts as stuck


def picture(asked: Arguments, path: str, engine: "Engine | None" = None) -> int:
    """Run one round, save the window and return the exit code.

    Parameters
    ----------
    asked
        Model, tile and request; the demo where left out.
    path
        Of the PNG.
    engine
        `core` when left out.
    """
    from app.cli.commands import guarded

    return guarded(lambda: _round(asked, Path(path), None, engine))


def without_display(asked: Arguments, engine: "Engine | None" = None) -> int:
    """Say that there is no display, run a round anyway, and leave what it gave.

    Writes a picture and a table into ``prunescope-out`` of the working folder.
    """
    from app.cli.commands import guarded

    folder = Path(FOLDER)
    sys.stdout.write(
        "There is no display: running one round offscreen instead, "
        f"results go to {folder}.\n"
    )
    sys.stdout.flush()
    return guarded(
        lambda: _round(asked, folder / "window.png", folder / "table.csv", engine)
    )


def _round(
    asked: Arguments, path: Path, table: Path | None, engine: "Engine | None"
) -> None:
    """Open, prune, explore, measure, and save the window.

    Raises
    ------
    BenchError
        When anything fails that the user can do something about.
    """
    from PySide6.QtCore import QEvent, qInstallMessageHandler
    from PySide6.QtGui import QCursor
    from PySide6.QtWidgets import QApplication

    from app import bootstrap
    from app.rendering import theme
    from app.state.app_state import showing
    from app.state.session.settings import Settings

    _check(path)
    qInstallMessageHandler(_quiet)
    app = QApplication.instance() or QApplication(["prunescope"])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    with tempfile.TemporaryDirectory() as folder:
        # A picture shows the defaults, and must not change anyone's settings.
        kept = Settings(Path(folder) / "settings.json")
        bench = bootstrap.build(kept, engine, showing(asked.request))
        try:
            # An offscreen pointer rests on the first button otherwise.
            QCursor.setPos(0, SIZE[1] * 2)
            bench.window.resize(*SIZE)
            bench.window.show()
            _play(app, bench, asked)
            with whole_file(path) as file:
                if not bench.window.grab().save(str(file), "PNG"):
                    raise InputError(f"Cannot write {path}: choose another place.")
            if table is not None:
                points = sorted(
                    bench.store.state.trials, key=lambda trial: trial.removed
                )
                write_whole(table, as_csv(points))
        finally:
            bench.window.close()
            bench.window.deleteLater()
            app.sendPostedEvents(bench.window, QEvent.Type.DeferredDelete.value)
            qInstallMessageHandler(None)


def _quiet(kind: object, _: object, message: str) -> None:
    """Pass on what Qt says, but not that offscreen windows have no size hints."""
    if "propagateSizeHints" not in message:
        sys.stderr.write(f"{message}\n")


def _check(path: Path) -> None:
    """Make the folder, or say why nothing can be written there, before the work."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = path.exists()
        with path.open("ab"):
            pass
        if not known:  # nothing stays behind when the round fails
            path.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write {path} ({reason}): choose another place."
        ) from error


def _play(app: "QApplication", bench: "Application", asked: Arguments) -> None:
    """Do what a person does in the first minute."""
    failures: list[Failure] = []
    bench.runner.failed.connect(lambda _, failure: failures.append(failure))

    def idle() -> bool:
        state = bench.store.state
        if state.choosing is not None:
            name = Path(asked.source.name).name
            raise InputError(
                f"{name} is a whole slide; name a part of it (--region X,Y,WIDTH,"
                "HEIGHT, with --level or --mpp)."
            )
        return (
            state.opened is not None
            and not state.busy
            and not state.todo
            and bench.controller.settled
        )

    bench.controller.open(asked.model or "demo", asked.source)
    _wait(app, idle, failures)
    if asked.request.recovery == "finetune":  # one training, not one a point
        bench.store.dispatch(TrainingStarted())
    else:
        bench.store.dispatch(ExploreSwitched())
    _wait(app, idle, failures)
    bench.controller.set_display(overlay="difference")
    _wait(app, idle, failures)


def _wait(
    app: "QApplication", ready: Callable[[], bool], failures: list[Failure]
) -> None:
    """Run the event loop until ``ready``, or until something failed."""
    from PySide6.QtCore import QDeadlineTimer, QEventLoop

    end = time.monotonic() + _LIMIT
    while not ready():
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, QDeadlineTimer(20))
        time.sleep(0.005)  # leave the processor to the worker
        if failures and failures[0].expected:
            raise BenchError(failures[0].message)
        if failures:
            raise RuntimeError(f"{failures[0].message}\n{failures[0].details}")
        if time.monotonic() > end:
            raise RuntimeError("the round did not end")
