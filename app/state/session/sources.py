"""What files are, going by their names: pure functions."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from core.files import is_folder
from core.model_files import is_model_folder, is_packed_bundle
from core.sources import Source
from core.tables import MODEL_ENDINGS, MODEL_EXPORTS, MODEL_FORMATS

SESSION_ENDING = ".prunescope"
FORMATS = tuple(each.key for each in MODEL_EXPORTS)  # of a pruned model
_WEIGHTS = MODEL_FORMATS[0].endings[0]
_TITLES = {"types": "nucleus types of real tissue"}
_LABEL_WORDS = ("label", "mask", "_gt", "truth", "instance")


def shipped_models() -> list[tuple[str, str]]:
    """Return names and titles of the models that come with the program.

    Their files are looked for, and none is opened: the window is not to wait.
    """
    found = (item.name for item in files("resources").iterdir())
    names = sorted(n.removesuffix(_WEIGHTS) for n in found if n.endswith(_WEIGHTS))
    return [(name, _model_title(name)) for name in names]


def _model_title(name: str) -> str:
    kind = name.rpartition("-")[2]
    if kind.isdigit():
        return f"Demo model, {kind} % of its parameters removed"
    return f"Demo model, {_TITLES.get(kind, 'whole')}"


def sorted_out(paths: Sequence[str]) -> tuple[str, str]:
    """Return the model and the tile (with labels) among dropped files.

    Parameters
    ----------
    paths
        Of one drop. Of two images the one whose name or folder speaks of labels
        is the ground truth; when neither does, they cannot be told apart, and
        the first is opened alone.

    Returns
    -------
    model, tile
        Empty when there is none.
    """
    models = [path for path in paths if _is_model(path)]
    images = [path for path in paths if path not in models]
    named = [path for path in images if _speaks_of_labels(path)]
    tiles = [path for path in images if path not in named] or named
    labels = named[0] if named and tiles is not named else ""
    tile = Source.of_tile(tiles[0], labels).pair if tiles else ""
    return models[0] if models else "", tile


def left_out(paths: Sequence[str]) -> str:
    """Return a sentence about files of a drop that are not opened; empty for none."""
    model, tile = sorted_out(paths)
    source = Source.of_tile(tile)
    used = {model, source.name, source.labels}
    names = [Path(path).name for path in paths if path not in used]
    if not names:
        return ""
    listed = (
        f"{names[0]} and {len(names) - 1} more"
        if len(names) > 2
        else " and ".join(names)
    )
    opened = Path(source.name).name if tile else Path(model).name
    return (
        f"Opened {opened}; not {listed}. One model, one tile and its labels (with "
        "label or mask in their name) are opened at once."
    )


def labels_beside(tile: Path) -> Path | None:
    """Return the ground truth that lies beside a tile: ``../labels/<stem>.*``."""
    folder = tile.parent.parent / "labels"
    if tile.parent.name != "images" or not folder.is_dir():
        return None
    return next(iter(sorted(folder.glob(f"{tile.stem}.*"))), None)


def _is_model(path: str) -> bool:
    """Whether a file or folder is a model, by its ending or by what it holds."""
    if is_folder(path):
        return is_model_folder(Path(path))
    if Path(path).suffix.lower() in MODEL_ENDINGS or is_packed_bundle(Path(path)):
        return True
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            start = file.read(512)
    except (OSError, ValueError):
        return False
    if start.startswith(b"PK\3\4"):  # torch's own zip names its folder's data.pkl
        return b"/data.pkl" in start
    # a pickle of torch, or the length and the JSON that safetensors begins with
    return start.startswith((b"\x80\x02", b"\x80\x04")) or start[8:10] == b'{"'


def _speaks_of_labels(path: str) -> bool:
    name = Path(path)
    words = (name.stem.lower(), name.parent.name.lower())
    return any(word in part for word in _LABEL_WORDS for part in words)
