"""Nuclei as files for other programs, in the colours of the window."""

from collections.abc import Sequence
from pathlib import Path

from app.rendering.palette import KIND_COLOUR, PLAIN, type_colour
from app.state.values import KINDS, Nuclei
from core.errors import InputError
from core.export import Described, NucleusStyle, write_geojson, write_label_tiff
from core.job import Job
from core.metrics import Change, NucleusChanges
from core.tables import NUCLEUS_EXPORT_ENDINGS, NUCLEUS_EXPORTS

_TIFF = NUCLEUS_EXPORTS[1].endings


def write_masks(
    path: str, nuclei: Nuclei, described: Described, job: Job | None = None
) -> int:
    """Write nuclei as QuPath GeoJSON or as a label TIFF, going by the ending.

    Returns
    -------
    int
        Number of nuclei written.

    Raises
    ------
    InputError
        When the ending is neither, or nothing can be written there.
    """
    name = Path(path).name.lower()
    if not name.endswith(NUCLEUS_EXPORT_ENDINGS):
        raise InputError(
            f"{Path(path).name} is no kind of masks: end it with .geojson or .tif."
        )
    if name.endswith(_TIFF):
        write_label_tiff(path, nuclei.levels[0], described.mpp)
        return nuclei.count
    return write_geojson(path, nuclei.levels[0], described, job)


def by_type(
    nuclei: Nuclei,
    names: Sequence[str],
    mpp: float | None,
    became: Sequence[str] = (),
) -> Described:
    """Return nuclei described by their types.

    Parameters
    ----------
    nuclei
        Of one model.
    names
        Of the types, 1-based in ``nuclei.classes``.
    mpp
        Micrometres per pixel, or None.
    became
        What became of each, from `kinds_of`; may be left out.
    """
    plain = NucleusStyle("Nucleus", PLAIN)
    styles = [plain] * nuclei.count
    if nuclei.classes is not None:
        known = [NucleusStyle(name, type_colour(n)) for n, name in enumerate(names, 1)]
        table = [NucleusStyle("Nucleus", type_colour(0)), *known]
        styles = [table[n] if n < len(table) else table[0] for n in nuclei.classes]
    notes = {"Between the models": tuple(became)} if became else {}
    return Described(styles, mpp, notes)


def by_change(became: Sequence[str], mpp: float | None) -> Described:
    """Return nuclei described by what became of them, from `kinds_of`."""
    styles = {
        kind: NucleusStyle(kind.capitalize(), KIND_COLOUR[kind]) for kind in KINDS
    }
    table: dict[str, NucleusStyle] = {
        str(kind): style for kind, style in styles.items()
    }
    return Described([table[word] for word in became], mpp)


def kinds_of(changes: NucleusChanges, *, dense: bool) -> tuple[str, ...]:
    """Return what became of each nucleus of the dense or the pruned model."""
    codes = changes.before_kind if dense else changes.after_kind
    return tuple(Change(code).name.lower() for code in codes)
