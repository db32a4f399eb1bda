"""Commands that change what is shown."""

from functools import partial

from app.state.events import DemoToggled, DisplayToggled
from app.views.main_window import dialogs
from app.views.main_window.commands.command import Command
from app.views.main_window.signals import WindowSignals


def _ask_theme(key: str, window: WindowSignals) -> None:
    window.themeAsked.emit(key)


def _toggle_side(side: str, window: WindowSignals) -> None:
    window.sideToggled.emit(side)


VIEW_COMMANDS = (
    Command(
        "view.masks",
        "Show or hide masks",
        "H",
        "View",
        "Draw the nuclei, or the tile alone.",
        DisplayToggled("visible"),
        checked="masks",
    ),
    Command(
        "view.fill",
        "Fill or outline",
        "F",
        "View",
        "Fill each nucleus, or draw its rim.",
        DisplayToggled("fill"),
        checked="fill",
    ),
    Command(
        "view.difference",
        "Difference",
        "D",
        "View",
        "Colour each nucleus by what became of it in the pruned model.",
        DisplayToggled("difference"),
        checked="difference",
    ),
    Command(
        "view.swipe",
        "Swipe between dense and pruned",
        "W",
        "View",
        "Draw dense masks left, pruned ones right of a divider.",
        DisplayToggled("swipe"),
        checked="swipe",
    ),
    Command(
        "view.truth",
        "Ground truth",
        "T",
        "View",
        "Draw the ground truth in white.",
        DisplayToggled("truth"),
        checked="truth",
    ),
    Command(
        "view.blink",
        "Dense masks in the pruned panes, while held",
        "B",
        "View",
        "Hold the key to see what the dense model finds.",
        lambda window: window.blinkAsked.emit(True),
        held=True,
    ),
    Command(
        "view.whole",
        "Whole tile",
        "0",
        "View",
        "Show the whole tile in every pane.",
        lambda window: window.wholeAsked.emit(),
        rule=True,
    ),
    *(
        Command(
            f"view.{side}",
            title,
            keys,
            "View",
            f"Show or hide the {side}; a small window shows some of them at a time.",
            partial(_toggle_side, side),
            "bench",
            checked=side,
            bar=bool(icon),
            icon=icon,
        )
        for side, title, keys, icon in (
            ("controls", "Controls", "F7", "panel-left"),
            ("plots", "Plots", "F8", "chart-line"),
            ("layers", "Layers", "F9", ""),
        )
    ),
    Command(
        "view.table",
        "Models tried",
        "Ctrl+J",
        "View",
        "Show or hide the table of models tried.",
        lambda window: window.tableToggled.emit(),
    ),
    Command(
        "view.full",
        "Full screen",
        "F11",
        "View",
        "Use the whole screen, or the window again.",
        lambda window: window.setWindowState(
            window.windowState() ^ dialogs.FULL_SCREEN
        ),
    ),
    *(
        Command(
            f"view.{key}",
            title,
            "",
            "View/Colours",
            "Colours of the window.",
            partial(_ask_theme, key),
        )
        for key, title in (
            ("system", "Colours as the desktop"),
            ("light", "Light"),
            ("dark", "Dark"),
        )
    ),
    Command(
        "view.demo",
        "Demo view",
        "F5",
        "View",
        "Show large words for an audience.",
        DemoToggled(),
        checked="demo",
        rule=True,
        bar=True,
        icon="presentation",
    ),
    Command(
        "story.next",
        "Story: next page",
        "Right",
        "View",
        "Go on with the story of the demo view.",
        lambda window: window.storyAsked.emit(1),
        "story",
    ),
    Command(
        "story.back",
        "Story: page before",
        "Left",
        "View",
        "Go back in the story of the demo view.",
        lambda window: window.storyAsked.emit(-1),
        "story",
    ),
)
