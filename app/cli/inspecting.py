"""What any file or folder is: pictures, slides, ground truth, data sets.

Also a file that is refused is described, with the reason.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BenchError, InputError
from core.files import is_folder, is_package
from core.model_files import is_model_folder, is_packed_bundle
from core.tables import MODEL_LIKE_ENDINGS, TILE_ENDINGS

if TYPE_CHECKING:
    from core.images import Slide


def is_for_tiles(path: Path) -> bool:
    """Whether a path is described here rather than opened as a model."""
    if is_folder(path):
        return not is_model_folder(path)
    if is_package(path) or is_packed_bundle(path):
        return False
    return path.suffix.lower() not in MODEL_LIKE_ENDINGS


def describe_path(path: Path) -> list[str]:
    """Describe a file or a folder, a line for each fact.

    Parameters
    ----------
    path
        What it is used for is said: as a picture, ground truth or a data set. The
        reasons against each are said only where it is none of them.

    Raises
    ------
    InputError
        When there is nothing of that name.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    attempts = [_attempt("picture", lambda: _picture(path))]
    if path.is_dir():
        attempts.append(_attempt("data set", lambda: _folder(path)))
    if not (_is_data_set(path) if path.is_dir() else _is_slide(path)):
        attempts.append(_attempt("ground truth", lambda: _truth(path)))
    used = [line for fits, lines in attempts if fits for line in lines]
    refused = [line for fits, lines in attempts if not fits for line in lines]
    helper = _HELPERS.get(path.suffix.lower())
    if not used and helper is not None:
        refused = [helper.format(name=path.name)]
    return [path.name, *(f"  {line}" for line in used or refused)]


_HELPERS = {
    ".py": "Python code: with weights it is a network of one's own, opened by "
    "--network {name}:CLASS",
    ".yaml": "text that describes what lies beside it: inspect the folder around it",
    ".yml": "text that describes what lies beside it: inspect the folder around it",
    ".ini": "text that describes what lies beside it: inspect the slide",
    ".md": "text for people",
}


def _is_data_set(path: Path) -> bool:
    from core.images.datasets.layouts import find_layout

    try:
        return find_layout(path) is not None
    except InputError:
        return False


def _is_slide(path: Path) -> bool:
    from core.images.slides.openslide import detect

    return detect(path) is not None


def _attempt(
    what: str, describe: Callable[[], Iterator[str]]
) -> tuple[bool, list[str]]:
    """Describe, or say why it is refused."""
    try:
        return True, [f"{what}: {line}" for line in describe()]
    except BenchError as error:
        return False, [f"no {what}: {error}"]


def _picture(path: Path) -> Iterator[str]:
    from core.images import read_slide

    with read_slide(path) as slide:
        width, height = slide.size
        yield f"{slide.title}, {width:,} x {height:,} pixels, {_pixel_size(slide)}"
        if len(slide.levels) > 1:
            sizes = (f"{n}: {w:,} x {h:,}" for n, (w, h) in enumerate(_sizes(slide)))
            yield f"{len(slide.levels)} levels ({'; '.join(sizes)})"
        if slide.associated:
            yield f"beside it: {', '.join(slide.associated)}"
        yield from slide.notes
        yield _opens(slide)


def _sizes(slide: "Slide") -> list[tuple[int, int]]:
    return [level.size for level in slide.levels]


def _pixel_size(slide: "Slide") -> str:
    if slide.mpp is None:
        return "states no pixel size (--tile-mpp gives one)"
    return f"{slide.level_mpp(0):.4g} µm per pixel"


def _opens(slide: "Slide") -> str:
    from core.images import MAX_PIXELS

    if slide.size[0] * slide.size[1] <= MAX_PIXELS:
        slide.level_mpp(0)  # says when pixels are not square
        return "opens whole"
    return "opens in part: --region X,Y,WIDTH,HEIGHT, with --level or --mpp"


def _truth(path: Path) -> Iterator[str]:
    from core.images import read_truth

    found = read_truth(path)
    height, width = found.labels.shape
    yield f"{found.count} nuclei in {width:,} x {height:,} pixels"
    if found.classes is not None:
        yield f"types: {', '.join(found.type_names)}"
    yield from found.notes


def _folder(path: Path) -> Iterator[str]:
    from core.benchmark.tasks.class_labels import class_folders
    from core.images.datasets.layouts import find_layout
    from core.images.datasets.pairs import images_in, subfolder

    found = find_layout(path)
    if found is not None:
        yield found.describe()
        return
    place = subfolder(path, ("images",)) or path
    count = len(images_in(place))
    classes = class_folders(path, TILE_ENDINGS) if not count else ()
    if classes:
        names = ", ".join(each.name for each in classes[:12])
        yield f"one folder of images for each class ({names}), for classifiers"
        return
    if not count:
        raise InputError(
            f"{path} lies in no way that is known; put tiles into images/ and "
            "their ground truth into labels/, with the same names."
        )
    yield f"{count} images without ground truth beside them"
