"""Every row of the tables of formats, written by the real libraries and read back.

``python -m benchmarks.formats``: prints opened, refused rightly or wrong for each file
of a picture, ground truth and model, then reads 600 damaged copies of them in child
processes, of which nothing but a picture, labels, a model or one sentence may come.
``--part models`` makes the rows of models only.
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import h5py
import imagecodecs
import numpy as np
import roifile
import scipy.io
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.format_models import judge_model, model_rows
from benchmarks.mutations import READ, REFUSED, read_damaged
from core.errors import InputError
from core.export.geojson import Described, NucleusStyle, write_geojson
from core.images import Frame, read_slide, read_truth
from core.metrics import score_instances
from core.models import load_model

SIDE = 128
LARGEST = 4 << 20  # bytes of a model file that is damaged on purpose
Row = tuple[str, str, Callable[[Path], object], bool]  # what, name, writes, opens


def _picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    small = rng.integers(90, 240, (9, 9, 3)).astype(np.uint8)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _labels() -> np.ndarray:
    labels = np.zeros((SIDE, SIDE), np.int32)
    spots = [(x, y) for y in range(14, SIDE, 25) for x in range(14, SIDE, 25)]
    for number, place in enumerate(spots, start=1):
        cv2.circle(labels, place, 6 + number % 4, number, -1)
    return labels


RGB, LABELS = _picture(), _labels()
COUNT = int(LABELS.max())
KINDS = np.arange(COUNT) % 3 + 1
KIND_MAP = np.concatenate([[0], KINDS])[LABELS]
FRAME = Frame((SIDE, SIDE), "tile")


def pictures() -> Iterator[Row]:
    """Rows of F11 and F12, and stacks that are no pictures."""

    def pillow(**options: object) -> Callable[[Path], object]:
        return lambda path: Image.fromarray(RGB).save(path, **options)

    def tiff(values: np.ndarray, **options: object) -> Callable[[Path], object]:
        return lambda path: tifffile.imwrite(path, values, **options)

    for ending in ("png", "jpg", "bmp", "gif", "webp", "jp2"):
        yield "picture", f"a.{ending}", pillow(), True
    deep = (RGB.astype(np.uint32) * 4095 // 255).astype(np.uint16)
    twelve = np.ascontiguousarray(deep[..., 0])
    yield (
        "picture",
        "twelve.jpg",
        lambda p: p.write_bytes(imagecodecs.jpeg_encode(twelve, bitspersample=12)),
        True,
    )
    icc = np.random.default_rng(1).bytes(1_200_000)
    yield "picture", "long.jpg", pillow(icc_profile=icc), True
    exif = Image.Exif()
    exif[274] = 6
    yield "picture", "turned.jpg", pillow(exif=exif), True
    rgb = {"photometric": "rgb"}
    yield "picture", "deep.tif", tiff(deep, **rgb), True
    for how in ("zlib", "lzw", "zstd", "jpeg", "jpeg2000", "webp"):
        options = {"compression": how, "tile": (64, 64), **rgb}
        yield "picture", f"{how}.tif", tiff(RGB, **options), True
    cmyk = Image.fromarray(RGB).convert("CMYK")
    yield "picture", "cmyk.tif", cmyk.save, True
    planes = np.moveaxis(RGB, 2, 0)
    for axes in ("ZYX", "TYX"):
        options = {"ome": True, "photometric": "minisblack", "metadata": {"axes": axes}}
        yield "picture", f"{axes}.ome.tif", tiff(planes, **options), False
    named = {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3", "CD8"]}}
    options = {"ome": True, "photometric": "minisblack", "metadata": named}
    yield "picture", "markers.ome.tif", tiff(planes, **options), False
    uneven = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}
    yield "uneven picture", "uneven.ome.tif", tiff(RGB, metadata=uneven, **rgb), False
    yield "picture", "text.png", lambda p: p.write_text("no picture"), False


def _json(value: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps(value))


def _npy(values: object) -> Callable[[Path], object]:
    return lambda path: np.save(path, values)


def _mat(**values: object) -> Callable[[Path], object]:
    return lambda path: scipy.io.savemat(path, values)


def _tiff(values: NDArray[Any]) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, values)


def truths() -> Iterator[Row]:
    """Rows of F8 and F9."""
    for make in (_arrays, _outlines):
        for name, write in make().items():
            yield "truth", name, write, True
    yield "truth", "other.npy", _npy(np.array({"x": 1}, object)), False


def _arrays() -> dict[str, Callable[[Path], object]]:
    ids = {"id": np.arange(1, COUNT + 1)[:, None], "class": KINDS[:, None]}
    layers = np.zeros((SIDE, SIDE, 6))
    for kind in (1, 2, 3):
        layers[..., kind - 1] = np.where(kind == KIND_MAP, LABELS, 0)
    colours = np.random.default_rng(3).integers(20, 255, (COUNT + 1, 3), np.uint8)
    colours[0] = 0
    return {
        "consep.mat": _mat(
            inst_map=LABELS.astype(float), type_map=KIND_MAP.astype(float)
        ),
        "kumar.mat": _mat(inst_map=LABELS),
        "lizard.mat": _mat(inst_map=LABELS, **ids),
        "new.mat": _hdf5,
        "a.npy": _npy(LABELS),
        "a.npz": lambda path: np.savez_compressed(path, LABELS),
        "conic.npy": _npy(np.stack([LABELS, KIND_MAP], axis=-1)),
        "pannuke.npy": _npy(layers),
        "hovernet.npy": _npy(np.dstack([RGB, LABELS, KIND_MAP]).astype(np.int32)),
        "a_seg.npy": _npy(np.array({"masks": LABELS}, object)),
        "float.tif": _tiff(LABELS.astype(np.float32)),
        "colours.png": Image.fromarray(colours[LABELS]).save,
    }


def _outlines() -> dict[str, Callable[[Path], object]]:
    inside = [(n == LABELS).astype(np.uint8) for n in range(1, COUNT + 1)]
    lines = [
        cv2.findContours(m, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0][0][:, 0]
        for m in inside
    ]
    style = [NucleusStyle("nucleus", (1, 2, 3))] * COUNT
    features = [
        {"type": "Feature", "properties": {},
         "geometry": {"type": "Polygon", "coordinates": [line.tolist()]}}
        for line in lines
    ]  # fmt: skip
    nuc = {
        str(n): {"contour": line.tolist(), "type": 1} for n, line in enumerate(lines)
    }
    coco = {
        "images": [{"id": 1, "file_name": "tile.png", "width": SIDE, "height": SIDE}],
        "annotations": [
            {"image_id": 1, "segmentation": [line.ravel().tolist()]} for line in lines
        ],
    }
    return {
        "own.geojson": lambda path: write_geojson(path, LABELS, Described(style)),
        "list.geojson": _json(features),
        "hovernet.json": _json({"nuc": nuc}),
        "coco.json": _json(coco),
        "a.xml": lambda path: _xml(path, lines),
        "a.zip": lambda path: _rois(path, lines),
    }


def not_labels() -> Iterator[Row]:
    """Rows of F9: truth that is none."""
    mask = (LABELS > 0).astype(np.uint8) * 255
    yield "parts", "mask.png", Image.fromarray(mask).save, True
    yield "parts", "classes.png", Image.fromarray(KIND_MAP.astype(np.uint8)).save, True
    smooth = cv2.resize(LABELS.astype(np.float32), None, fx=1.5, fy=1.5)
    yield "truth", "smooth.tif", _tiff(smooth.astype(np.uint16)), False
    yield "truth", "labels.jpg", Image.fromarray(mask).save, False


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["inst_map"] = LABELS.T.astype(float)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")


def _xml(path: Path, lines: list[np.ndarray]) -> None:
    def region(line: np.ndarray) -> str:
        points = "".join(f'<Vertex X="{x}.0" Y="{y}.0"/>' for x, y in line)
        return f"<Region><Vertices>{points}</Vertices></Region>"

    body = "".join(map(region, lines))
    text = f"<Annotations><Annotation><Regions>{body}</Regions></Annotation>"
    path.write_text(f"{text}</Annotations>")


def _rois(path: Path, lines: list[np.ndarray]) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for number, line in enumerate(lines):
            roi = roifile.ImagejRoi.frompoints(line.astype(np.float32))
            packed.writestr(f"{number:04}.roi", roi.tobytes())


def judge(row: Row, path: Path) -> str:
    """Read one file; ``opened``, ``refused`` or ``wrong`` and why."""
    what, _, _, opens = row
    try:
        right = _read(what, path)
    except InputError as error:
        return f"wrong: {error}" if opens else "refused"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"wrong: {type(error).__name__}: {error}"
    if not opens:
        return "wrong: opened"
    return "opened" if right else "wrong: other content"


def _read(what: str, path: Path) -> bool:
    """Read one file, and say whether it is what was written."""
    if what == "model":
        load_model(path)
        return True
    if what.endswith("picture"):
        with read_slide(path) as slide:
            found = slide.read_whole().pixels
        return found.shape == RGB.shape
    truth = read_truth(path, FRAME)
    if what == "parts":
        return bool(truth.notes) and truth.labels.astype(bool).any()
    return score_instances(LABELS, truth.labels).aji > 0.99


@dataclass
class Part:
    """The rows of one kind and what came of them.

    Parameters
    ----------
    title
        For the summary.
    verdicts
        Counted.
    kept
        What each smaller file is read as, and where it lies.
    """

    title: str
    verdicts: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[str, Path]] = field(default_factory=list)

    def note(self, what: str, name: str, verdict: str) -> None:
        """Print the verdict on one row, and count it."""
        print(f"{what:<16} {name:<28} {verdict}", flush=True)
        self.verdicts[verdict.partition(":")[0]] += 1

    def describe(self) -> str:
        """Return the sums."""
        words = (f"{count} {word}" for word, count in sorted(self.verdicts.items()))
        return f"{self.title}: {self.verdicts.total()} rows, {', '.join(words)}"


def judge_files(folder: Path) -> Part:
    """Judge pictures and ground truth."""
    part = Part("pictures and ground truth")
    for row in [*pictures(), *truths(), *not_labels()]:
        path = folder / row[1]
        row[2](path)
        part.note(row[0], row[1], judge(row, path))
        part.kept.append((row[0], path))
    return part


def judge_models(folder: Path) -> Part:
    """Judge models; the larger ones are deleted at once."""
    part = Part("models")
    for row in model_rows():
        path = folder / row.name
        part.note(row.what, row.name, judge_model(row, folder))
        if path.is_file() and 0 < path.stat().st_size < LARGEST:
            part.kept.append(("model", path))
            continue
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    return part


def damage_files(files: list[tuple[str, Path]], count: int) -> Counter[str]:
    """Read `count` damaged copies, as many of each file, in child processes."""
    found: Counter[str] = Counter()
    files = [each for each in files if each[1].stat().st_size]
    for place, (what, path) in enumerate(files):
        each = count // len(files) + (place < count % len(files))
        found += read_damaged(path, partial(_read, what), each)
    return found


def main() -> int:
    """Print a line for each file, and the sums; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=600)
    parser.add_argument("--part", choices=("all", "files", "models"), default="all")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)  # children of a fork start no threads of its pool
    judges = {"files": judge_files, "models": judge_models}
    with tempfile.TemporaryDirectory() as name:
        made = [
            judge(Path(name))
            for key, judge in judges.items()
            if asked.part in ("all", key)
        ]
        kept = [file for part in made for file in part.kept]
        damaged = damage_files(kept, asked.mutations)
    for part in made:
        print(part.describe())
    fine = {READ, REFUSED}
    wrong = {what: count for what, count in damaged.items() if what not in fine}
    print(
        f"{damaged.total()} damaged copies of {len(kept)} files: {damaged[READ]} read, "
        f"{damaged[REFUSED]} refused, {sum(wrong.values())} crashed"
    )
    for what in wrong:
        print(f"  {what}")
    return 1 if wrong or any(part.verdicts["wrong"] for part in made) else 0


if __name__ == "__main__":
    sys.exit(main())
