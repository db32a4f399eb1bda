"""Ground truth as the tools of the field write it."""

import gzip
import io
import json
import pickle
import re
import zipfile
from xml.etree import ElementTree as Xml

import cv2
import h5py
import numpy as np
import pytest
import roifile
import scipy.io
import tifffile
from PIL import Image
from scipy import ndimage
from scipy.sparse import csc_array

from core.errors import InputError
from core.export.geojson import Described, NucleusStyle, write_geojson
from core.images import Frame, check_labels, describe_fit, read_labels, read_truth
from core.images.labels.coco import run_length_mask
from core.images.labels.pickled import read_records
from core.metrics import score_instances
from core.types import Tile


def nuclei(height=120, width=150, seed=5):
    """Round nuclei, some of which touch; int32 without gaps."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.int32)
    for number in range(1, 40):
        x, y = rng.integers(8, width - 8), rng.integers(8, height - 8)
        radius = int(rng.integers(4, 8))
        spot = np.zeros(labels.shape, np.uint8)
        cv2.circle(spot, (int(x), int(y)), radius, 1, -1)
        if not labels[spot > 0].any():
            labels[spot > 0] = number
    ids = np.unique(labels[labels > 0])
    table = np.zeros(40, np.int32)
    table[ids] = np.arange(1, len(ids) + 1)
    return table[labels]


LABELS = nuclei()
COUNT = int(LABELS.max())
TYPES = np.random.default_rng(2).integers(1, 4, COUNT)
TYPE_MAP = np.concatenate([[0], TYPES])[LABELS].astype(np.uint8)
FRAME = Frame((150, 120), "tile")


def same(truth, labels=LABELS, types=None):
    """Whether the same nuclei are found, whatever their numbers, with their types."""
    assert truth.labels.dtype == np.int32
    assert truth.labels.shape == labels.shape
    assert score_instances(labels, truth.labels).aji == pytest.approx(1)
    if types is not None:
        for number in range(1, int(labels.max()) + 1):
            found = np.unique(truth.labels[labels == number])
            assert truth.classes[found[0] - 1] == types[number - 1]


def contours(labels):
    """Outlines that count pixels, as OpenCV finds them."""
    for number in range(1, int(labels.max()) + 1):
        mask = (labels == number).astype(np.uint8)
        lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        yield lines[0][:, 0]


# ---------------------------------------------------------------------- arrays


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_5(tmp_path, compressed):
    held = {"inst_map": LABELS.astype(float), "type_map": TYPE_MAP.astype(float)}
    scipy.io.savemat(tmp_path / "a.mat", held, do_compression=compressed)
    truth = read_truth(tmp_path / "a.mat")
    same(truth, types=TYPES)
    assert truth.type_names[1] == "inflammatory"


def test_matlab_7_3_counts_columns_first(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["inst_map"] = LABELS.T.astype(float)
    with (tmp_path / "a.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    same(read_truth(tmp_path / "a.mat"))


def test_matlab_7_3_never_opens_other_files(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["inst_map"] = LABELS
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["inst_map"] = h5py.ExternalLink("secret.h5", "inst_map")
    with pytest.raises(InputError, match="no array that is clearly labels"):
        read_truth(tmp_path / "a.mat")


def test_lizard_gives_types_by_id(tmp_path):
    ids = np.arange(1, COUNT + 1)[::-1]
    held = {"inst_map": LABELS, "id": ids[:, None], "class": TYPES[::-1][:, None]}
    scipy.io.savemat(tmp_path / "a.mat", held)
    truth = read_truth(tmp_path / "a.mat")
    same(truth, types=TYPES)
    assert truth.type_names[2] == "lymphocyte"


@pytest.mark.parametrize(
    ("held", "line"),
    [
        ({"s": {"inst_map": LABELS}}, "inst_map = s.inst_map"),
        ({"L": csc_array(LABELS)}, "inst_map = full(L)"),
        ({"c": np.array([[LABELS], [0]], object)}, "inst_map = c{1}"),
    ],
    ids=["struct", "sparse", "cell"],
)
def test_labels_within_something_are_told_how_to_be_saved(tmp_path, held, line):
    scipy.io.savemat(tmp_path / "a.mat", held)
    with pytest.raises(InputError, match=re.escape(line)):
        read_truth(tmp_path / "a.mat", FRAME)


def test_matlab_of_unclear_arrays_is_refused(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"first": LABELS, "second": LABELS})
    with pytest.raises(InputError, match="first, second"):
        read_truth(tmp_path / "a.mat")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_numpy_of_both_orders(tmp_path, order, name):
    values = np.asarray(LABELS, order=order)
    save = np.save if name.endswith("npy") else np.savez_compressed
    save(tmp_path / name, values)
    same(read_truth(tmp_path / name))


def test_conic_has_a_channel_of_types(tmp_path):
    stack = np.stack([LABELS, TYPE_MAP.astype(np.int32)], axis=-1)
    np.save(tmp_path / "one.npy", stack)
    np.save(tmp_path / "many.npy", np.stack([np.zeros_like(stack), stack]))
    same(read_truth(tmp_path / "one.npy", FRAME), types=TYPES)
    same(read_truth(tmp_path / "many.npy", Frame((150, 120), index=1)), types=TYPES)
    with pytest.raises(InputError, match="labels of 2 tiles; open the folder"):
        read_truth(tmp_path / "many.npy", FRAME)
    with pytest.raises(InputError, match="none of number 2"):
        read_truth(tmp_path / "many.npy", Frame((150, 120), index=2))


def test_pannuke_has_a_channel_for_each_type(tmp_path):
    stack = np.zeros((2, 120, 150, 6))
    for kind in range(1, 4):
        stack[1, ..., kind - 1] = np.where(kind == TYPE_MAP, LABELS, 0)
    stack[..., 5] = (stack[..., :5].sum(axis=-1) == 0) * 1.0
    np.save(tmp_path / "masks.npy", stack)
    truth = read_truth(tmp_path / "masks.npy", Frame((150, 120), index=1))
    same(truth, types=TYPES)
    assert truth.type_names[0] == "neoplastic"


@pytest.mark.parametrize("typed", [False, True])
def test_hovernet_patches_lie_behind_their_picture(tmp_path, typed):
    rng = np.random.default_rng(0)
    layers = [*rng.integers(0, 255, (3, 120, 150)), LABELS]
    layers += [TYPE_MAP] if typed else []
    np.save(tmp_path / "a.npy", np.stack(layers, axis=-1).astype(np.int32))
    same(read_truth(tmp_path / "a.npy", FRAME), types=TYPES if typed else None)


def test_one_mask_a_nucleus_as_an_array_and_as_a_folder(tmp_path):
    masks = np.stack([n == LABELS for n in range(1, COUNT + 1)])
    np.save(tmp_path / "a.npy", masks)
    same(read_truth(tmp_path / "a.npy", FRAME))
    folder = tmp_path / "masks"
    folder.mkdir()
    for number, mask in enumerate(masks):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{number:03}.png")
    same(read_truth(folder))
    (folder / "odd.png").write_bytes((folder / "000.png").read_bytes())
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "odd.png")
    with pytest.raises(InputError, match="another size than the masks beside it"):
        read_truth(folder)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_cellpose_is_read_without_running_it(tmp_path, protocol):
    held = {
        "masks": LABELS.astype(np.uint16), "outlines": LABELS * 0, "chan": [0, 0],
        "filename": "tile.png", "diameter": 17.5, "flows": [np.zeros((2, 3)), None],
    }  # fmt: skip
    array = np.array(held, dtype=object)
    with (tmp_path / "a_seg.npy").open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(array, file, protocol=protocol)
    same(read_truth(tmp_path / "a_seg.npy"))


class Runs:
    """Would create a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_never_runs(tmp_path, protocol):
    trace = tmp_path / "ran"
    data = pickle.dumps({"masks": Runs(trace)}, protocol=protocol)
    read_records(io.BytesIO(data))
    np.save(tmp_path / "a.npy", np.array({"masks": Runs(trace)}, object))
    with pytest.raises(InputError, match="pickles are not run here"):
        read_truth(tmp_path / "a.npy")
    assert not trace.exists()


def test_a_header_may_claim_more_than_the_file_holds(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (200_000, 200_000)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"12345678")
    with pytest.raises(InputError):
        read_truth(tmp_path / "a.npy")


# --------------------------------------------------------------------- outlines


def test_our_own_geojson_comes_back_exactly(tmp_path):
    kinds = ("epithelial", "inflammatory", "stromal")
    styles = [NucleusStyle(kinds[kind - 1], (1, 2, 3)) for kind in TYPES]
    for name in ("a.geojson", "a.geojson.gz"):
        write_geojson(tmp_path / name, LABELS, Described(styles, 0.25))
        truth = read_truth(tmp_path / name, FRAME)
        same(truth)
        assert truth.type_names == kinds
        for number in range(1, COUNT + 1):
            found = truth.labels[number == LABELS][0]
            assert (
                truth.type_names[truth.classes[found - 1] - 1]
                == (kinds[TYPES[number - 1] - 1])
            )


def test_nuclei_with_holes_and_parts_come_back_exactly(tmp_path):
    labels = np.zeros((60, 60), np.int32)
    labels[5:30, 5:30] = 1
    labels[12:20, 12:20] = 0
    labels[14:17, 14:17] = 2
    labels[40:50, 5:12] = labels[40:50, 20:27] = 3
    style = [NucleusStyle("nucleus", (0, 0, 0))] * 3
    write_geojson(tmp_path / "a.geojson", labels, Described(style))
    truth = read_truth(tmp_path / "a.geojson", Frame((60, 60)))
    np.testing.assert_array_equal(truth.labels, labels)


def feature(ring, **properties):
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return {"type": "Feature", "geometry": shape, "properties": properties}


@pytest.mark.parametrize("wrapped", [False, True])
def test_geojson_of_scripts_that_count_pixels(tmp_path, wrapped):
    features = [
        feature(line.tolist(), classification={"name": f"kind {TYPES[n]}"})
        for n, line in enumerate(contours(LABELS))
    ]
    held = {"type": "FeatureCollection", "features": features} if wrapped else features
    (tmp_path / "a.json").write_text(json.dumps(held))
    truth = read_truth(tmp_path / "a.json", FRAME)
    same(truth, types=TYPES)
    assert truth.type_names == ("kind 1", "kind 2", "kind 3")


def test_cells_of_qupath_give_their_nuclei(tmp_path):
    cell = feature([[0, 0], [40.5, 0], [40.5, 40], [0, 40.2]])
    inner = [[10, 10], [20.5, 10], [20.5, 20], [10, 20], [10, 10]]
    cell["nucleusGeometry"] = {"type": "Polygon", "coordinates": [inner]}
    (tmp_path / "a.geojson").write_text(json.dumps([cell]))
    truth = read_truth(tmp_path / "a.geojson", Frame((50, 50)))
    assert truth.labels.astype(bool).sum() in range(100, 111)


def test_outlines_of_a_slide_lie_where_the_tile_begins(tmp_path):
    lines = [line * 2.0 + (3000.5, 7000.5) for line in contours(LABELS)]
    text = json.dumps([feature(line.tolist()) for line in lines])
    (tmp_path / "a.geojson").write_text(text)
    frame = Frame((150, 120), origin=(3000, 7000), step=2.0)
    truth = read_truth(tmp_path / "a.geojson", frame)
    assert score_instances(LABELS, truth.labels).aji > 0.6
    with pytest.raises(InputError, match="lies in the tile"):
        read_truth(tmp_path / "a.geojson", FRAME)


def test_aperio_xml(tmp_path):
    root = Xml.Element("Annotations", MicronsPerPixel="0.252")
    for kind in (1, 2, 3):
        group = Xml.SubElement(root, "Annotation", Name="")
        attributes = Xml.SubElement(group, "Attributes")
        Xml.SubElement(attributes, "Attribute", Name=f"kind {kind}")
        regions = Xml.SubElement(group, "Regions")
        for number, line in enumerate(contours(LABELS)):
            if TYPES[number] == kind:
                region = Xml.SubElement(regions, "Region", Id=str(number))
                points = Xml.SubElement(region, "Vertices")
                for x, y in line:
                    Xml.SubElement(points, "Vertex", X=f"{x}.0", Y=f"{y}.0")
    Xml.ElementTree(root).write(tmp_path / "a.xml", xml_declaration=True)
    same(read_truth(tmp_path / "a.xml", FRAME), types=TYPES)


def test_xml_with_entities_is_refused(tmp_path):
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><Annotations/>'
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match="declares a document type"):
        read_truth(tmp_path / "a.xml", FRAME)


def test_hovernet_json(tmp_path):
    nuclei_ = {
        str(n): {"bbox": [[0, 0], [1, 1]], "centroid": [0, 0], "type": int(TYPES[n]),
                 "contour": line.tolist(), "type_prob": 0.9}
        for n, line in enumerate(contours(LABELS))
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps({"mag": None, "nuc": nuclei_}))
    same(read_truth(tmp_path / "a.json", FRAME), types=TYPES)


def coco(labels, encode):
    titles = [{"id": kind, "name": f"kind {kind}"} for kind in (1, 2, 3)]
    pictures = [{"id": 7, "file_name": "sub/tile.png", "width": 150, "height": 120}]
    pictures += [{"id": 8, "file_name": "other.png", "width": 150, "height": 120}]
    found = [
        {"id": n + 1, "image_id": 7, "category_id": int(TYPES[n]),
         "segmentation": encode(labels == n + 1)}
        for n in range(COUNT)
    ]  # fmt: skip
    return {"images": pictures, "categories": titles, "annotations": found}


def counts_of(mask):
    """COCO's own run lengths, by hand."""
    flat = np.concatenate([[0], mask.T.ravel().astype(int)])
    edges = np.flatnonzero(np.diff(flat))
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()


def packed_counts(counts):
    """COCO's text for run lengths (maskApi.c, rleToString)."""
    text = ""
    for place, value in enumerate(counts):
        value -= counts[place - 2] if place > 2 else 0
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != -1 if bits & 0x10 else value != 0
            text += chr((bits | 0x20 * more) + 48)
    return text


def test_coco_of_polygons_and_run_lengths(tmp_path):
    def polygon(mask):
        lines, _ = cv2.findContours(
            mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        return [lines[0].ravel().tolist()]

    def lengths(mask):
        return {"size": [120, 150], "counts": counts_of(mask)}

    def text(mask):
        return {"size": [120, 150], "counts": packed_counts(counts_of(mask))}

    for encode in (polygon, lengths, text):
        (tmp_path / "a.json").write_text(json.dumps(coco(LABELS, encode)))
        same(read_truth(tmp_path / "a.json", FRAME), types=TYPES)
    with pytest.raises(InputError, match="describes 2 pictures, none of them called"):
        read_truth(tmp_path / "a.json", Frame((150, 120), "third"))


def test_run_lengths_must_add_up():
    with pytest.raises(ValueError, match="add up"):
        run_length_mask([10**12], (5, 5))


def test_imagej_rois(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for number, line in enumerate(contours(LABELS)):
            roi = roifile.ImagejRoi.frompoints(line.astype(np.float32))
            packed.writestr(f"{number:04}.roi", roi.tobytes())
    same(read_truth(tmp_path / "a.zip", FRAME))


# ------------------------------------------------------------------------ images


def test_colours_stand_for_ids(tmp_path):
    rng = np.random.default_rng(1)
    table = rng.integers(30, 255, (COUNT + 1, 3), dtype=np.uint8)
    table[0] = 0
    Image.fromarray(table[LABELS]).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", table[LABELS], photometric="rgb")
    for name in ("a.png", "a.tif"):
        truth = read_truth(tmp_path / name)
        same(truth)
        assert f"{COUNT} colours" in truth.notes[0]


def test_two_channels_are_labels_and_types(tmp_path):
    values = np.stack([LABELS, TYPE_MAP]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    same(read_truth(tmp_path / "a.tif"), types=TYPES)


def test_a_mask_becomes_its_parts_with_a_note(tmp_path):
    Image.fromarray((LABELS > 0).astype(np.uint8) * 255).save(tmp_path / "a.png")
    truth = read_truth(tmp_path / "a.png")
    parts, count = ndimage.label(LABELS > 0, np.ones((3, 3)))
    same(truth, parts)
    assert truth.count == count
    assert "is a mask (0 and 255), not labels" in truth.notes[0]


def test_one_nucleus_is_no_mask(tmp_path):
    one = (LABELS == 3).astype(np.uint8)
    Image.fromarray(one).save(tmp_path / "a.png")
    truth = read_truth(tmp_path / "a.png")
    assert truth.notes == ()
    np.testing.assert_array_equal(truth.labels, one)


def test_a_map_of_classes_becomes_its_parts_with_types(tmp_path):
    Image.fromarray(TYPE_MAP).save(tmp_path / "a.png")
    truth = read_truth(tmp_path / "a.png")
    assert "is a map of 3 classes" in truth.notes[0]
    for kind in (1, 2, 3):
        inside = truth.classes[truth.labels[kind == TYPE_MAP] - 1]
        assert set(inside) == {kind}


def test_ids_that_ran_out_of_numbers_are_split(tmp_path):
    wrapped = np.where(LABELS > 0, (LABELS - 1) % 14 + 1, 0).astype(np.uint8)
    Image.fromarray(wrapped).save(tmp_path / "a.png")
    truth = read_truth(tmp_path / "a.png")
    assert "stand for nuclei in several places" in truth.notes[0]
    assert truth.count >= COUNT - 2


def test_labels_that_were_resized_smoothly_are_refused(tmp_path):
    small = cv2.resize(LABELS.astype(np.float32), None, fx=1.5, fy=1.5)
    tifffile.imwrite(tmp_path / "a.tif", small.astype(np.uint16))
    with pytest.raises(InputError, match="resized with interpolation"):
        read_truth(tmp_path / "a.tif")
    near = cv2.resize(LABELS, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_NEAREST)
    tifffile.imwrite(tmp_path / "b.tif", near.astype(np.uint16))
    assert read_truth(tmp_path / "b.tif").notes == ()


def test_real_labels_are_taken_as_they_are(shared):
    data = shared / "data"
    files = [
        *sorted((data / "consep" / "test" / "labels").iterdir())[:3],
        *sorted((data / "dsb2018_stained" / "labels").iterdir())[:8],
        *sorted((data / "tnbc" / "labels").iterdir())[:8],
    ]
    for path in files:
        stored = tifffile.imread(path) if path.suffix == ".tif" else Image.open(path)
        truth = read_truth(path)
        assert truth.notes == (), path
        np.testing.assert_array_equal(truth.labels, np.asarray(stored))


def test_labels_that_are_turned_against_their_tile():
    labels = nuclei(128, 128)
    grey = np.where(labels > 0, 90, 220).astype(np.uint8)
    tile = Tile(np.repeat(grey[..., None], 3, axis=2))
    assert describe_fit(tile, labels) == ()
    assert "better when transposed" in describe_fit(tile, labels.T)[0]
    assert "better when mirrored" in describe_fit(tile, labels[:, ::-1])[0]
    wide = Tile(np.zeros((120, 150, 3), np.uint8))
    with pytest.raises(InputError, match="rows and columns look exchanged"):
        check_labels(wide, LABELS.T)


# ------------------------------------------------------------------------- files


def test_the_cases_stand_for_one_truth(shared):
    cases = shared / "cases" / "labels"
    wanted = np.load(cases / "truth.npy")
    frame = Frame((256, 256), "tile")
    exact = (
        "cellpose_seg.npy", "coco.json", "consep.mat", "dsb_masks", "hovernet_out.json",
        "matlab73.mat", "monuseg.xml", "npz.npz", "nuinsseg_rois.zip", "png16.png",
        "png_rgb_colours.png", "qupath.geojson", "tif_f32.tif", "truth.npy",
        "tif_inst_type_2ch.tif",
    )  # fmt: skip
    for name in exact:
        same(read_truth(cases / name, frame), wanted)
    for name in ("png_binary_0_255.png", "png_semantic_classes.png"):
        assert "not labels" in read_truth(cases / name, frame).notes[0]
    for name in ("interpolated.tif", "tile.png"):
        with pytest.raises(InputError):
            read_truth(cases / name, frame)


@pytest.mark.filterwarnings("ignore")
def test_damaged_ground_truth_gives_labels_or_a_sentence(shared, tmp_path):
    rng = np.random.default_rng(4)
    refused = 0
    for source in sorted((shared / "cases" / "labels").iterdir()):
        if source.is_dir():
            continue
        data = np.frombuffer(source.read_bytes(), np.uint8)
        path = tmp_path / source.name
        for turn in range(6):
            broken = data.copy()
            top = min(len(data), 600 if turn % 2 else len(data))
            broken[rng.integers(0, top, 6)] = rng.integers(0, 256, 6)
            path.write_bytes(broken[: len(data) // (1 + turn % 3)].tobytes())
            try:
                labels = read_labels(path, Frame((256, 256), "tile"))
            except InputError:
                refused += 1
            else:
                assert labels.dtype == np.int32
    assert refused > 20


def test_a_gzip_bomb_is_bounded(tmp_path, monkeypatch):
    from core.images.labels import vectors

    monkeypatch.setattr(vectors, "MOST_BYTES", 1000)
    (tmp_path / "a.geojson.gz").write_bytes(gzip.compress(b"[" + b" " * 5000 + b"]"))
    with pytest.raises(InputError, match="MB of text"):
        read_truth(tmp_path / "a.geojson.gz")


@pytest.mark.parametrize("top", [4_000_001, 2**31 - 1])
def test_ids_that_are_too_large_for_tables_have_no_types(tmp_path, top):
    ids = np.arange(1, COUNT + 1)
    ids[-1] = top
    labels = np.concatenate([[0], ids])[LABELS]
    held = {"inst_map": labels, "id": ids[:, None], "class": TYPES[:, None]}
    scipy.io.savemat(tmp_path / "a.mat", held)
    truth = read_truth(tmp_path / "a.mat")
    np.testing.assert_array_equal(truth.labels, labels)
    assert truth.classes is None
    assert truth.count == COUNT
