"""Commands that open and save."""

from collections.abc import Sequence
from functools import partial

from app.plots.registry import CHARTS
from app.state.events import PartAsked
from app.state.values import SampleTitle
from app.views.main_window import dialogs
from app.views.main_window.commands.command import (
    Action,
    Command,
)
from app.views.main_window.signals import WindowSignals
from core.sources import Source
from core.tables import MODEL_EXPORTS, file_filter

SAMPLES, RECENT, EXPORT = "File/Samples", "File/Recent tiles", "File/Export"
RECENT_SESSIONS = "File/Recent sessions"
_MODELS = ";;".join(
    file_filter(each.title, each.endings, every=False) for each in MODEL_EXPORTS
)
_NUCLEI = "GeoJSON for QuPath (*.geojson);;Label image (*.tif)"


def _open(model: str, tile: str, window: WindowSignals) -> None:
    window.openAsked.emit(model, tile)


def _open_session(path: str, window: WindowSignals) -> None:
    window.sessionAsked.emit(path)


def _save(what: str, name: str, kinds: str) -> Action:
    """Return what asks for a place and exports one thing there."""
    return lambda window: dialogs.ask_save(
        window, partial(window.exportAsked.emit, what), name, kinds
    )


def _save_chart(key: str, window: WindowSignals) -> None:
    window.chartAsked.emit(key)


FILE_COMMANDS = (
    Command(
        "open.models",
        "Open model…",
        "Ctrl+M",
        "File",
        "Choose among models that come with the program, recent ones and files.",
        lambda window: window.modelsAsked.emit(),
        bar=True,
        icon="network",
    ),
    Command(
        "open.model",
        "Open model file…",
        "Ctrl+Shift+M",
        "File",
        "Open a model from a file.",
        dialogs.ask_model,
    ),
    Command(
        "open.tile",
        "Open tile…",
        "Ctrl+O",
        "File",
        "Open a tile from a file.",
        dialogs.ask_tile,
        bar=True,
        icon="image",
    ),
    Command(
        "open.part",
        "Another region…",
        "Ctrl+Shift+O",
        "File",
        "Choose another part of the open slide.",
        PartAsked(),
        "slide",
    ),
    Command(
        "open.tiles",
        "Folder of tiles…",
        "Ctrl+Alt+T",
        "File",
        "Score every tile of a folder, and list them with the worst first.",
        dialogs.ask_tiles,
        "sized",
    ),
    Command(
        "open.patches",
        "Open folder of patches…",
        "",
        "File",
        "Open all patches of a folder, for a model that classifies them.",
        dialogs.ask_patches,
    ),
    Command(
        "open.labels",
        "Open labels…",
        "Ctrl+L",
        "File",
        "Open the ground truth of the tile on show.",
        dialogs.ask_labels,
        "open",
        bar=True,
        icon="shapes",
    ),
    Command(
        "open.size",
        "Pixel size…",
        "",
        "File",
        "Type the pixel size of the tile, or turn resampling off.",
        lambda window: window.pixelSizeAsked.emit(),
        "sized",
    ),
    Command(
        "session.open",
        "Open session…",
        "Ctrl+Alt+O",
        "File",
        "Open a model and a tile with everything that was tried on them.",
        dialogs.ask_session,
        rule=True,
    ),
    Command(
        "session.save",
        "Save session",
        "Ctrl+Alt+S",
        "File",
        "Save what is open, how it is set, and everything that was tried.",
        lambda window: window.sessionSaveAsked.emit(""),
        "open",
    ),
    Command(
        "session.save_as",
        "Save session as…",
        "",
        "File",
        "Save the session as another file.",
        lambda window: window.sessionPlaceAsked.emit(),
        "open",
    ),
    Command(
        "open.settings",
        "Use settings from a file…",
        "",
        "File",
        "Open what a settings file names, set as it says.",
        dialogs.ask_setup,
    ),
    Command(
        "save.model",
        "Pruned model…",
        "Ctrl+S",
        EXPORT,
        "Save the pruned model of the active pane.",
        _save("model", "pruned.safetensors", _MODELS),
        "open",
    ),
    Command(
        "save.report",
        "Report…",
        "",
        EXPORT,
        "Save one page with all results of the active pane.",
        _save("report", "report.html", "HTML (*.html)"),
        "open",
    ),
    Command(
        "save.pruned",
        "Nuclei of the pruned model…",
        "",
        EXPORT,
        "Save the nuclei that the pruned model finds.",
        _save("pruned", "pruned.geojson", _NUCLEI),
        "open",
    ),
    Command(
        "save.dense",
        "Nuclei of the whole model…",
        "",
        EXPORT,
        "Save the nuclei that the dense model finds.",
        _save("dense", "dense.geojson", _NUCLEI),
        "open",
    ),
    Command(
        "save.points",
        "Points as a table…",
        "",
        EXPORT,
        "Save every model tried as a row of a table.",
        _save("points", "points.csv", "*.csv"),
        "open",
    ),
    Command(
        "save.folder",
        "Everything in a folder…",
        "Ctrl+Shift+S",
        EXPORT,
        "Save model, card, plan and masks into a folder.",
        lambda window: dialogs.ask_folder(
            window, partial(window.exportAsked.emit, "folder")
        ),
        "open",
    ),
    *(
        Command(
            f"save.{kind.key}",
            f"Plot: {kind.title.lower()}…",
            "",
            EXPORT,
            "Save this plot with its legend, as a drawing or a picture of any size.",
            partial(_save_chart, kind.key),
            "open",
            rule=kind is CHARTS[0],
        )
        for kind in CHARTS
    ),
    Command(
        "save.picture",
        "Picture of the window…",
        "",
        EXPORT,
        "Save the window as it is.",
        _save("picture", "prunescope.png", "*.png"),
    ),
    Command(
        "save.settings",
        "Settings as a file…",
        "",
        EXPORT,
        "Save what is open and how it is set.",
        _save("settings", "prunescope.json", dialogs.SETUPS),
        rule=True,
    ),
    Command(
        "quit",
        "Quit",
        "Ctrl+Q",
        "File",
        "Close the window.",
        lambda window: window.close(),
        rule=True,
    ),
)


def list_samples(
    samples: Sequence[SampleTitle], models: Sequence[SampleTitle]
) -> tuple[Command, ...]:
    """Return a command for each model and tile that comes with the program."""
    return (
        *(
            Command(
                f"model.{model.name}",
                model.title,
                "",
                "Model",
                "Open this model, which comes with the program.",
                partial(_open, model.name, ""),
            )
            for model in models
        ),
        *(
            Command(
                f"sample.{sample.name}",
                sample.title,
                "",
                SAMPLES,
                "Open this tile, which comes with the program.",
                partial(_open, "", Source("sample", sample.name).text),
            )
            for sample in samples
        ),
    )


def list_recent_sessions(paths: Sequence[str]) -> tuple[Command, ...]:
    """Return a command for each session that was opened or saved."""
    return tuple(
        Command(
            f"session.{place}",
            path,
            "",
            RECENT_SESSIONS,
            "Open this session again.",
            partial(_open_session, path),
        )
        for place, path in enumerate(paths)
    )


def list_recent(paths: Sequence[str]) -> tuple[Command, ...]:
    """Return a command for each tile that was opened from a file."""
    return tuple(
        Command(
            f"recent.{place}",
            path,
            "",
            RECENT,
            "Open this tile again.",
            partial(_open, "", path),
        )
        for place, path in enumerate(paths)
    )
