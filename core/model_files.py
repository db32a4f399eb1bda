"""Whether a folder or a zip file is a model, going by the names in it."""

import zipfile
from pathlib import Path

from core.tables import MODEL_LIKE_ENDINGS

_DESCRIPTIONS = ("config.json", "rdf.yaml", "bioimageio.yaml")
_CONFIGS = ("inference.json", "train.json", "metadata.json")


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is a model, as libraries save it: a description and weights."""
    try:
        names = {each.name for each in folder.iterdir()}
    except OSError:
        return False
    weights = any(Path(name).suffix.lower() in MODEL_LIKE_ENDINGS for name in names)
    described = not names.isdisjoint(_DESCRIPTIONS)
    bundle = any((folder / "configs" / name).is_file() for name in _CONFIGS)
    return (described and weights) or bundle


def is_packed_bundle(path: Path) -> bool:
    """Whether a file is a zip file of a MONAI bundle."""
    try:
        if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as packed:
            tails = {"/".join(name.split("/")[-2:]) for name in packed.namelist()}
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
    return not tails.isdisjoint(f"configs/{name}" for name in _CONFIGS)
