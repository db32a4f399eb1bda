"""What `core` answers, as the values that the window shows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.rendering.overlay import label_pyramid
from app.state.values import KINDS, Changes, Events, Kind, Layer, ModelCard, Nuclei
from core.tables import ARCHITECTURES, metrics_for

if TYPE_CHECKING:
    from core.benchmark.results import LayerInfo
    from core.metrics import NucleusChanges, Scores
    from core.models import LoadedModel


def card_of(loaded: "LoadedModel", source: str) -> ModelCard:
    """Return a model in words."""
    import torch

    spec = loaded.spec
    known = ARCHITECTURES.get(spec.architecture)
    words = [known.title if known else spec.architecture]
    if spec.classes:
        words.append(f"{len(spec.classes)} nucleus types")
    if spec.mpp:
        words.append(f"{spec.mpp:g} µm per pixel")
    if loaded.plan is not None:
        words.append("already pruned")
    device = next(loaded.module.parameters()).device
    return ModelCard(
        source=source,
        name=spec.name[:1].upper() + spec.name[1:],
        about=" · ".join(words),
        classes=tuple(spec.classes),
        device=str(device).upper(),
        threads=torch.get_num_threads(),
    )


def nuclei_of(labels: NDArray[np.int32], classes: NDArray[np.int64] | None) -> Nuclei:
    """Return instances as the panes draw them.

    Parameters
    ----------
    labels
        int32 (height, width), 1..n.
    classes
        int (n,), or None.
    """
    from core.metrics.overlap import centroids

    ids, places = centroids(labels)
    if len(ids) and ids[-1] != len(ids):
        # Ground truth may skip ids; colours are looked up by position.
        place = np.zeros(int(ids[-1]) + 1, np.int32)
        place[ids] = np.arange(1, len(ids) + 1)
        labels, classes = place[labels], None
    if classes is not None and len(classes) != len(ids):
        classes = None
    return Nuclei(label_pyramid(labels), classes, places[:, ::-1])


def layer_of(info: "LayerInfo") -> Layer:
    """Return a layer as it is drawn."""
    place = info.place
    return Layer(
        name=info.name,
        width=info.width,
        part=place.stage if place else info.part,
        coupled=info.coupled,
        protected=info.protected,
        free=info.free,
        lane=place.lane if place else 0,
        level=place.level if place else 0,
        reads=place.reads if place else (),
    )


def changes_of(changes: "NucleusChanges", listed: Events | None = None) -> Changes:
    """Return what became of nuclei by the names that the window uses."""
    places: dict[Kind, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for event in changes.events:
        row, column = event.place
        places[KINDS[int(event.kind) - 1]].append((column, row))
    return Changes(
        _codes(changes.before_kind),
        _codes(changes.after_kind),
        {kind: np.array(found).reshape(-1, 2) for kind, found in places.items()},
        listed or Events.none(),
    )


def _codes(kinds: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return indices into `KINDS`; ids that are not in the map count as kept."""
    return np.maximum(kinds.astype(np.int8) - 1, 0).astype(np.int8)


def scores_of(scores: "Scores") -> Mapping[str, float]:
    """Return scores by name; those of types are left out where types are unknown."""
    return {
        row.key: float(value)
        for row in metrics_for("nuclei")
        if (value := getattr(scores, row.key)) is not None
    }
