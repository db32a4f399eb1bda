"""Names of classes in a text file beside the weights of a classifier.

A checkpoint holds numbers alone. The names of its classes are read from
``NAME.classes.txt`` or ``classes.txt`` beside it: one name a line, in the order of
the outputs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.models.loaded import LoadedModel
    from core.types import ModelSpec

_MOST = 1_000_000  # bytes


def name_classes(spec: ModelSpec, path: Path, *, alone: bool = False) -> ModelSpec:
    """Return a spec with the names that lie beside a file of weights.

    Parameters
    ----------
    spec
        Of a classifier; others are returned as they are.
    path
        Of its weights.
    alone
        Whether only a file of that very name is read: the model has names already.

    Raises
    ------
    ModelError
        When there are names, but not one for each class.
    """
    if spec.task != "patch":
        return spec
    places = (f"{path.stem}.classes.txt", "classes.txt")
    for name in places[:1] if alone else places:
        place = path.with_name(name)
        if place.is_file():
            return _named(spec, place)
    return spec


def write_names(path: Path, names: Sequence[str]) -> Path:
    """Write names of classes beside a file of weights, where `name_classes` looks.

    Parameters
    ----------
    path
        Of the weights.
    names
        In the order of the outputs.

    Returns
    -------
    Path
        The text file.

    Raises
    ------
    ModelError
        When it cannot be written.
    """
    place = path.with_name(f"{path.stem}.classes.txt")
    try:
        write_whole(place, "\n".join(names) + "\n")
    except OSError as error:
        raise ModelError(
            f"{place} cannot be written ({error.strerror}): copy the model into a "
            "folder of your own."
        ) from error
    return place


def with_classes(model: LoadedModel, names: Sequence[str]) -> LoadedModel:
    """Return a classifier with names that were typed.

    Parameters
    ----------
    model
        Its weights are shared.
    names
        In the order of the outputs; none keeps those that the model has.

    Raises
    ------
    ModelError
        When it is no classifier, or there is not one name for each class.
    """
    if not names:
        return model
    if model.spec.task != "patch":
        raise ModelError(
            f"{model.spec.name} finds nuclei; names of classes can be given to a "
            "classifier of patches."
        )
    spec = _checked(model.spec, tuple(names), "The list of classes")
    return replace(model, spec=spec)


def _named(spec: ModelSpec, place: Path) -> ModelSpec:
    try:
        if place.stat().st_size > _MOST:
            raise ModelError(f"{place.name} is too large for names of classes.")
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{place.name} cannot be read ({error}); save it as text in UTF-8."
        ) from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    return _checked(spec, names, place.name)


def _checked(spec: ModelSpec, names: tuple[str, ...], what: str) -> ModelSpec:
    outputs = int(spec.config.get("classes", len(names)))
    wanted = 2 if outputs == 1 else outputs  # one output tells two classes apart
    if len(names) != wanted or len(set(names)) != wanted:
        raise ModelError(
            f"{what} has {len(set(names))} different names and the model {wanted} "
            "classes; give one name for each, in the order of the outputs."
        )
    return replace(spec, classes=names)
