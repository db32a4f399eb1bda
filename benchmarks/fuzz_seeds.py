"""One small valid file of every format that is read, for `benchmarks.fuzz`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def _add_labels(add: Callable[[str, str], Path], labels: Any) -> None:
    """Write ground truth in several formats."""
    import tifffile
    from PIL import Image

    tifffile.imwrite(add("labels", "labels.tif"), labels.astype(np.uint16))
    Image.fromarray(labels.astype(np.uint16)).save(add("labels", "labels.png"))
    np.save(add("labels", "labels.npy"), labels)
    np.savez(add("labels", "labels.npz"), inst_map=labels)
    square = [[[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]]
    shape = {"type": "Polygon", "coordinates": square}
    geo = '{"type": "FeatureCollection", "features": [{"type": "Feature", '
    geo += f'"properties": {{}}, "geometry": {shape!r}}}]}}'.replace("'", '"')
    add("labels", "labels.geojson").write_text(geo)


def _add_slides(add: Callable[[str, str], Path]) -> None:
    """Write slides of several levels: a plain pyramid, sub-images, a compressed one."""
    import tifffile

    pixels = np.random.default_rng(3).integers(60, 230, (256, 256, 3), np.uint8)
    levels = [pixels[:: 2**step, :: 2**step] for step in range(3)]
    for name, inside, more in (
        ("pages.tif", False, {}),
        ("subifds.ome.tif", True, {}),
        ("jpeg.tif", False, {"compression": "jpeg"}),
    ):
        options: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", **more}
        with tifffile.TiffWriter(add("slide", name)) as file:
            sub = {"subifds": 2} if inside else {}
            size = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}
            file.write(levels[0], **options, **sub, **size)
            for level in levels[1:]:
                file.write(level, subfiletype=1, **options)


def write_session_to(path: Path) -> None:
    """Write a session with two measured points."""
    from app.state.history import Arrangement
    from app.state.session.saved_trials import save_trial
    from app.state.session.session_file import SavedSession, write_session
    from core.results import Comparison, Timing, Trial, TrialIdentity
    from core.types import Counts, PruneRequest

    asked = [PruneRequest("l2", 0.5), PruneRequest("random", 0.9, seed=3)]
    times = np.linspace(5, 6, 12)
    trials = [
        Trial(
            identity=TrialIdentity("demo", "", "sample:synthetic", each),
            dense=Counts(900, 9000, 90),
            pruned=Counts(450, 4500, 60),
            scores={"aji": 0.8, "pq": 0.7},
            intervals={"aji": (0.7, 0.9)},
            measured=Comparison(
                Timing(times),
                Timing(times / 2),
                2.0,
                (1.9, 2.1),
                "faster",
                request=each,
            ),
        )
        for each in asked
    ]
    session = SavedSession(
        session=1,
        saved="2026-11-30T00:00:00+00:00",
        model="demo",
        tile="sample:synthetic",
        panes=tuple(asked),
        past=(Arrangement((asked[0],)),),
        trials=tuple(map(save_trial, trials)),
    )
    write_session(path, session)


def make_seeds(folder: Path) -> list[tuple[str, Path]]:
    """Write one small valid file of every format; returns kinds and paths."""
    import tifffile
    import torch
    from PIL import Image

    from app.state.session.settings import Settings
    from core.images.synthetic import synthetic_tile
    from core.models import load_model, save_model
    from core.pruning import make_plan, trace
    from core.store import Record, TrialIdentity, TrialStore, write_json
    from core.types import PruneRequest

    tile, labels, _ = synthetic_tile(64, 1)
    found: list[tuple[str, Path]] = []

    def add(kind: str, name: str) -> Path:
        found.append((kind, folder / name))
        return folder / name

    picture = Image.fromarray(tile.pixels)
    for ending in ("png", "jpg", "bmp", "gif", "webp", "jp2"):
        picture.save(add("image", f"tile.{ending}"))
    for name, more in (
        ("plain", {}),
        ("deflate", {"compression": "deflate", "tile": (32, 32)}),
        ("ome", {"ome": True, "metadata": {"PhysicalSizeX": 0.25}}),
    ):
        tifffile.imwrite(add("image", f"{name}.tif"), tile.pixels, **more)
    _add_labels(add, labels)
    model = load_model("unet-tiny")
    example = torch.zeros(1, 3, 64, 64)
    plan = make_plan(model.module, trace(model.module, example), "l2", 0.3)
    save_model(add("model", "model.safetensors"), model)
    torch.save(model.module.state_dict(), add("model", "model.pth"))
    add("plan", "plan.json").write_text(plan.to_json())
    _add_slides(add)
    write_session_to(add("session", "kept.prunescope"))
    request = '{"heuristic": "l2", "sparsity": 0.5}'
    add("setup", "setup.json").write_text(f'{{"request": {request}}}')
    kept = Settings(folder / "settings.json")
    del kept
    add("settings", "settings.json").write_text(f'{{"request": {request}, "panes": 1}}')
    trial = TrialIdentity("demo", "w", "d", PruneRequest("l2", 0.5))
    record = Record(trial, "impossible", "2026-01-01T00:00:00+00:00", reason="none")
    with TrialStore(add("store", "run.sqlite")) as store:
        store.add(record)
    write_json([record], add("store", "run.json"))
    return found
