"""Commands that change settings, start and stop work, and help."""

from app.state import events
from app.state.app_state import MOST
from app.views.main_window import dialogs
from app.views.main_window.commands.command import Command

EDIT_COMMANDS = (
    Command(
        "edit.undo",
        "Undo",
        "Ctrl+Z",
        "Edit",
        "Go back to the settings before.",
        events.Travelled(-1),
        "undo",
        bar=True,
    ),
    Command(
        "edit.redo",
        "Redo",
        "Ctrl+Shift+Z Ctrl+Y",
        "Edit",
        "Take the last undo back.",
        events.Travelled(1),
        "redo",
        bar=True,
    ),
    Command(
        "pane.add",
        "Add a pane",
        "Ctrl+T",
        "Edit",
        "Show one more pruned model beside the active one.",
        events.PaneAdded(),
        "room",
        rule=True,
    ),
    Command(
        "pane.close",
        "Close pane",
        "Ctrl+W",
        "Edit",
        "Close the active pane.",
        events.PaneClosed(),
        "several",
    ),
    *(
        Command(
            f"pane.{place + 1}",
            f"Edit pane {place + 1}",
            str(place + 1),
            "Edit",
            "Let the controls edit this pane.",
            events.PaneChosen(place),
            # the digits are those of the demo view's buttons while it is on
            f"pane {place + 1}",
        )
        for place in range(MOST)
    ),
)
RUN_COMMANDS = (
    Command(
        "model.classes",
        "Names of classes…",
        "",
        "Model",
        "Name the classes that the open classifier tells apart.",
        lambda window: window.classesAsked.emit(),
        "classes",
        rule=True,
    ),
    Command(
        "model.unlock",
        "Unlock all layers",
        "",
        "Model",
        "Let every layer be pruned again.",
        lambda window: window.unlockAsked.emit(),
        "locked",
        rule=True,
    ),
    Command(
        "model.calibrate",
        "Calibrate on a folder…",
        "",
        "Model",
        "Read activation statistics from the tiles of a folder; no labels are used.",
        dialogs.ask_calibration,
        "open",
    ),
    Command(
        "model.calibrate.default",
        "Calibrate on the open tile and the samples",
        "",
        "Model",
        "Read activation statistics from the open tile and the built-in ones.",
        lambda window: window.calibrationAsked.emit(""),
        "calibrated",
    ),
    Command(
        "run.explore",
        "Explore this curve, or stop",
        "Ctrl+E",
        "Run",
        "Try a row of sparsities with these settings and fill the plots.",
        events.ExploreSwitched(),
        "open",
        checked="exploring",
    ),
    Command(
        "run.again",
        "Compute again",
        "Ctrl+Return",
        "Run",
        "Compute what was cancelled after all.",
        events.Resumed(),
        "paused",
    ),
    Command(
        "run.cancel",
        "Cancel, or leave the demo view",
        "Esc",
        "Run",
        "Stop what is running.",
        lambda window: window.escapeAsked.emit(),
    ),
    Command(
        "run.sweep",
        "Sweep…",
        "Ctrl+R",
        "Run",
        "Try many models on many tiles, in a process of its own.",
        lambda window: window.sweepAsked.emit(),
        rule=True,
        bar=True,
    ),
)
HELP_COMMANDS = (
    Command(
        "help.find",
        "Find a command…",
        "Ctrl+K Ctrl+Shift+P",
        "Help",
        "Find any command by a few letters.",
        lambda window: window.paletteAsked.emit(),
    ),
    Command(
        "help.keys",
        "Keys…",
        "F1 ?",
        "Help",
        "List all keys.",
        lambda window: window.keysAsked.emit(),
    ),
    Command(
        "help.hints",
        "Show hints",
        "",
        "Help",
        "Show what a newcomer wants to know.",
        lambda window: window.hintsAsked.emit(True),
    ),
    Command(
        "help.about",
        "About PruneScope",
        "",
        "Help",
        "Say which version this is and what it is for.",
        dialogs.tell_about,
        rule=True,
    ),
)
