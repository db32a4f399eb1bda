"""Ground truth and folders as other people spell them: marks, cases, hidden files."""

import json
import zipfile

import h5py
import numpy as np
import pytest
import roifile
from PIL import Image

from core.images import Frame, read_truth
from core.images.datasets.layouts import find_layout
from core.metrics import score_instances

SIDE = 64
LABELS = np.kron(np.arange(64).reshape(8, 8), np.ones((8, 8), int))
LABELS[(np.indices(LABELS.shape) % 8 == 7).any(0)] = 0
COUNT = 63
FRAME = Frame((SIDE, SIDE), "tile")


def squares():
    for number in range(1, COUNT + 1):
        top, left = (8 * side for side in divmod(number, 8))
        bottom, right = top + 7, left + 7
        yield [[left, top], [right, top], [right, bottom], [left, bottom]]


def shape(ring):
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def features(**about):
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": shape(ring), "properties": about}
            for ring in squares()
        ],
    }


def assert_found(path):
    found = read_truth(path, FRAME)
    assert score_instances(LABELS, found.labels).aji > 0.98
    return found


@pytest.mark.parametrize("form", ["utf-16", "utf-8-sig", "utf-16-le-bom"])
def test_text_in_other_encodings(form, tmp_path):
    text = json.dumps(features(), indent=1).replace("\n", "\r\n")
    data = (
        b"\xff\xfe" + text.encode("utf-16-le")
        if form[-3:] == "bom"
        else text.encode(form)
    )
    (tmp_path / "é.GEOJSON").write_bytes(data)
    assert_found(tmp_path / "é.GEOJSON")


@pytest.mark.parametrize("form", ["utf-16", "iso-8859-1"])
def test_xml_that_says_its_encoding(form, tmp_path):
    lines = "".join(
        "<Region><Vertices>"
        + "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in ring)
        + "</Vertices></Region>"
        for ring in squares()
    )
    text = f"<?xml version='1.0' encoding='{form}'?><Annotations><Annotation Name='é'>"
    text += f"<Regions>{lines}</Regions></Annotation></Annotations>"
    (tmp_path / "a.xml").write_bytes(text.encode(form))
    assert assert_found(tmp_path / "a.xml").type_names == ("é",)


def test_names_of_qupath_in_parts_and_bare_geometries(tmp_path):
    named = features(classification={"names": ["Tumor", "Positive"]})
    (tmp_path / "a.geojson").write_text(json.dumps(named))
    assert assert_found(tmp_path / "a.geojson").type_names == ("Tumor: Positive",)
    bare = {"type": "GeometryCollection", "geometries": list(map(shape, squares()))}
    (tmp_path / "b.geojson").write_text(json.dumps(bare))
    assert_found(tmp_path / "b.geojson")


def test_a_zip_packed_by_macos(tmp_path):
    with zipfile.ZipFile(tmp_path / "A.ZIP", "w") as packed:
        packed.writestr("__MACOSX/._0001.roi", b"\0\5\x16\7")
        for number, ring in enumerate(squares()):
            points = np.array(ring, np.float32)
            roi = roifile.ImagejRoi.frompoints(points)
            packed.writestr(f"é/{number:04}.ROI", roi.tobytes())
    assert read_truth(tmp_path / "A.ZIP", FRAME).count == COUNT


def test_a_coco_file_of_many_pictures_spells_one_in_capitals(tmp_path):
    pictures = [{"id": n, "file_name": f"train/{n}/{name}"}
                for n, name in enumerate(("other.png", "TILE.png"))]  # fmt: skip
    marks = [
        {"id": n, "image_id": 1, "category_id": 1,
         "segmentation": [np.ravel(ring).tolist()]}
        for n, ring in enumerate(squares())
    ]  # fmt: skip
    found = {"images": pictures, "annotations": marks, "categories": []}
    (tmp_path / "a.json").write_text(json.dumps(found))
    assert_found(tmp_path / "a.json")


def test_labels_inside_of_a_struct_of_matlab(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["data/inst_map"] = LABELS.T.astype(float)
        file["data/link"] = h5py.ExternalLink("other.h5", "/x")
        file["#refs#/a"] = LABELS.T[:20, :20]
    assert_found(tmp_path / "a.mat")


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("known", [True, False])
def test_one_mask_a_nucleus_on_either_side(axis, known, tmp_path):
    masks = np.stack([n == LABELS for n in range(1, COUNT + 1)], axis).astype(np.uint8)
    np.save(tmp_path / "a.npy", masks)
    found = read_truth(tmp_path / "a.npy", FRAME if known else Frame((0, 0)))
    assert found.count == COUNT


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8)).save(path, format="PNG")


def labels(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(LABELS.astype(np.uint8)).save(path, format="PNG")


PAIRS = {
    "TNBC in a folder, small letters": ("x/slide_01/01_{}.png", "x/gt_01/01_{}.png"),
    "splits inside": ("images/train/{}.png", "labels/train/{}.png"),
    "words before": ("images/img_{}.png", "labels/label_{}.png"),
    "other case": ("Images/A{}.PNG", "Labels/a{}.PNG"),
    "in one folder": ("{}.png", "{}_mask.png"),
    "as Cellpose": ("{}_img.png", "{}_masks.png"),
}


@pytest.mark.parametrize("way", PAIRS)
def test_folders_of_other_spellings(way, tmp_path):
    for number in (1, 2):
        picture(tmp_path / PAIRS[way][0].format(number))
        labels(tmp_path / PAIRS[way][1].format(number))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = find_layout(tmp_path)
    assert found is not None
    assert len(found.entries) == 2
    for entry in found.entries:
        assert entry.label is not None
        assert "mask" not in entry.image.name
        assert entry.label.stem[-1] == entry.image.stem[-1] or "_" in entry.label.stem


def test_folders_in_capitals(tmp_path):
    for name in ("aa", "bb"):
        picture(tmp_path / name / "Images" / f"{name}.PNG")
        labels(tmp_path / name / "Masks" / "1.PNG")
    found = find_layout(tmp_path)
    assert found.layout.title == "DSB 2018"
    stack = tmp_path / "fold"
    stack.mkdir()
    np.save(stack / "Images.npy", np.zeros((2, 8, 8, 3)))
    np.save(stack / "Masks.npy", np.zeros((2, 8, 8, 6)))
    assert find_layout(stack).layout.title == "PanNuke"


def test_words_that_leave_two_pictures_alike_pair_nothing(tmp_path):
    picture(tmp_path / "images" / "img_1.png")
    picture(tmp_path / "images" / "tile_1.png")
    picture(tmp_path / "images" / "b.png")
    labels(tmp_path / "labels" / "b.png")
    labels(tmp_path / "labels" / "label_1.png")
    found = {e.name: e.label for e in find_layout(tmp_path).entries}
    assert found["img_1"] is None
    assert found["tile_1"] is None
    assert found["b"] is not None
