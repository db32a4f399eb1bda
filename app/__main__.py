"""``prunescope``: the window, or one of the commands that need none.

To read this file, start from `main`. Nothing heavy is imported here: the window
is on screen before torch is loaded.
"""

import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import COMMANDS, Arguments, parse
from app.cli.display import find_display_fault, has_display
from app.cli.model_arguments import allow_named
from core.errors import InputError
from core.logs import collect_fatal_faults, end_watch, start_log, watch_fatal_faults
from core.privacy import disable_telemetry

if TYPE_CHECKING:
    from app.bootstrap import Application
    from app.state.session.settings import Settings
    from app.views.main_window.window import Window

log = logging.getLogger(__name__)
DESKTOP = "org.prunescope.PruneScope"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl+C, logging out, a closed terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments
        Of the command line; those of the process when left out.

    Returns
    -------
    int
        0 done, 2 bad arguments or input, 1 anything else.
    """
    disable_telemetry()
    words = sys.argv[1:] if arguments is None else list(arguments)
    asked = parse(words)
    try:
        start_log(asked.log_level, asked.log_file)
    except InputError as error:
        print(f"prunescope: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return 2
    log.info("asked for: %s", shlex.join(words))
    return _run(asked)


def _run(asked: Arguments) -> int:
    """Do what was asked for, with a display or without one."""
    if asked.command in COMMANDS:
        from app.cli.commands import run

        return run(asked)
    if asked.screenshot:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        from app.cli.screenshot import picture

        return picture(asked, asked.screenshot)
    fault = find_display_fault() if has_display() else ""
    if fault:
        print(f"prunescope: {fault}", file=sys.stderr)  # noqa: T201 - a command line
    if fault or not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        from app.cli.screenshot import without_display

        return without_display(asked)
    return _show(asked)


def _show(asked: Arguments) -> int:
    """Open the window and stay until it is closed."""
    from PySide6.QtWidgets import QApplication

    from app import bootstrap
    from app.controllers import faults
    from app.rendering import theme
    from app.state.session.settings import Settings

    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("PruneScope")
    app.setDesktopFileName(DESKTOP)  # finds the icon on Wayland
    app.setWindowIcon(theme.load_icon())
    settings = Settings()
    bootstrap.dress(settings.theme)
    theme.follow(app, lambda: settings.theme)
    found = collect_fatal_faults()
    watch_fatal_faults()
    bench = bootstrap.build(settings)
    faults.install_hooks(bench.store)
    bootstrap.restore(bench, settings)
    faults.tell_of_last(bench.store, found)
    if asked.given:
        bench.controller.go_to(asked.request)
    _close_on_signals(bench.window)
    bench.window.show()
    if asked.trust:
        allow_named(asked.model)
    _open(bench, settings, asked)
    code = app.exec()
    log.info("ended")
    end_watch()
    if not bench.runner.ended:
        # Work that never looks at its cancel flag must not keep the program.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _open(bench: "Application", settings: "Settings", asked: Arguments) -> None:
    """Open what was asked for, or what was open last with all that was tried."""
    from PySide6.QtWidgets import QApplication

    from app import bootstrap

    named = bool(asked.model or asked.tile or asked.labels or asked.session)
    kept = bootstrap.keep_session(bench, settings, fresh=named or asked.given)
    app = QApplication.instance()
    if kept is not None and isinstance(app, QApplication):
        # logging out: nobody waits for the window to close
        app.commitDataRequest.connect(lambda _: kept.save_now(closed=True))
    if asked.session and bench.sessions.open(Path(asked.session)):
        return
    if not named and not asked.given and bench.sessions.restore():
        return
    bootstrap.open_first(bench, settings, asked.model, asked.source)


def _close_on_signals(window: "Window") -> None:
    """End as if the window was closed, so that its state is saved."""
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, lambda *_: window.close_unasked())


if __name__ == "__main__":
    sys.exit(main())
