"""Folders of public data sets, as they are downloaded."""

import unicodedata

import numpy as np
import pytest
import scipy.io
from PIL import Image

from core.errors import InputError
from core.images.datasets.layouts import LAYOUTS, find_layout
from core.images.datasets.pairs import labels_beside, match
from core.images.opening import open_tile
from core.sources import Source
from core.sweep import read_folder
from core.types import ModelSpec
from tests.core.images.makers import picture

PIXELS = picture(64, 80)
LABELS = np.zeros((64, 80), np.int32)
LABELS[5:15, 5:15], LABELS[30:40, 50:62], LABELS[45:55, 10:30] = 1, 2, 3


def put(path, values=PIXELS):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values).astype(np.uint8)).save(path)


def put_mat(path, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"inst_map": LABELS.astype(float), **more})


def dsb(root):
    for name in ("aaaa", "bbbb"):
        put(root / "stage1_train" / name / "images" / f"{name}.png")
        for number in (1, 2, 3):
            mask = (number == LABELS) * 255
            put(root / "stage1_train" / name / "masks" / f"{number}.png", mask)


def consep(root):
    for part in ("Train", "Test"):
        put(root / part / "Images" / f"{part.lower()}_1.png")
        put(root / part / "Overlay" / f"{part.lower()}_1.png")
        kinds = {"type_map": LABELS.astype(float)}
        put_mat(root / part / "Labels" / f"{part.lower()}_1.mat", **kinds)


def monuseg(root):
    put(root / "Tissue Images" / "TCGA-1.tif")
    lines = "".join(
        f"<Region><Vertices>{''.join(points)}</Vertices></Region>"
        for points in (
            [f'<Vertex X="{x}.0" Y="{y}.0"/>' for x, y in corners]
            for corners in (
                [(5, 5), (15, 5), (15, 15), (5, 15)],
                [(50, 30), (62, 30), (62, 40), (50, 40)],
                [(10, 45), (30, 45), (30, 55), (10, 55)],
            )
        )
    )
    text = f"<Annotations><Annotation><Regions>{lines}</Regions></Annotation>"
    place = root / "Annotations"
    place.mkdir(parents=True)
    (place / "TCGA-1.xml").write_text(f"{text}</Annotations>")


def lizard(root):
    put(root / "lizard_images1" / "Lizard_Images1" / "a.png")
    put(root / "lizard_images2" / "Lizard_Images2" / "b.png")
    about = {"id": np.arange(1, 4)[:, None], "class": np.array([[1], [2], [3]])}
    for name in "ab":
        place = root / "lizard_labels" / "Lizard_Labels" / "Labels"
        put_mat(place / f"{name}.mat", **about)


def pannuke(root):
    for fold in (1, 2):
        place = root / f"Fold {fold}"
        (place / "images").mkdir(parents=True)
        (place / "masks").mkdir()
        stack = np.stack([PIXELS[:64, :64]] * 2).astype(float)
        np.save(place / "images" / "images.npy", stack)
        masks = np.zeros((2, 64, 64, 6))
        masks[..., 1] = LABELS[:, :64]
        masks[..., 5] = masks[..., 1] == 0
        np.save(place / "masks" / "masks.npy", masks)


def conic(root):
    root.mkdir(exist_ok=True)
    np.save(root / "images.npy", np.stack([PIXELS[:, :64]] * 3))
    both = np.stack([LABELS, np.minimum(LABELS, 2)], axis=-1)[:, :64]
    np.save(root / "labels.npy", np.stack([both] * 3).astype(np.uint16))


def tnbc(root):
    for number in ("01", "02"):
        put(root / f"Slide_{number}" / f"{number}_1.png")
        put(root / f"GT_{number}" / f"{number}_1.png", LABELS)


def nuinsseg(root):
    for organ in ("human bladder", "mouse liver"):
        put(root / organ / "tissue images" / "part_1.png")
        put(root / organ / "label masks" / "part_1.tif", LABELS)
        put(root / organ / "mask binary" / "part_1.png", (LABELS > 0) * 255)


def masks(root):
    put(root / "images" / "a.png")
    put(root / "masks" / "a_mask.png", LABELS)


def split(root):
    put(root / "train" / "images" / "a.png")
    put(root / "train" / "labels" / "a.png", LABELS)


def beside(folder):
    put(folder / "a.png")
    put(folder / "a_mask.png", LABELS)


WANTED = {
    beside: ("beside them", 1),
    dsb: ("DSB 2018", 2),
    consep: ("CoNSeP", 2),
    monuseg: ("MoNuSeg", 1),
    lizard: ("Lizard", 2),
    pannuke: ("PanNuke", 4),
    conic: ("CoNIC", 3),
    tnbc: ("TNBC", 2),
    nuinsseg: ("NuInsSeg", 2),
    masks: ("images/*, labels/*", 1),
    split: ("in each split", 1),
}


@pytest.mark.parametrize("make", WANTED, ids=lambda make: make.__name__)
def test_layouts_are_recognised_with_their_labels(tmp_path, make):
    make(tmp_path / "data")
    words, count = WANTED[make]
    found = read_folder(tmp_path / "data")
    assert found.notes[0].startswith("Read as")
    assert words in found.notes[0]
    assert len(found.tiles) == count
    assert len({tile.name for tile in found.tiles}) == count
    for tile in found.tiles:
        assert tile.labels.max() >= 2
        np.testing.assert_array_equal(
            tile.labels > 0, (LABELS > 0)[:, : tile.labels.shape[1]]
        )


def test_every_layout_has_a_test():
    titles = " ".join(words for words, _ in WANTED.values())
    for layout in LAYOUTS:
        assert any(word in titles for word in layout.title.replace(",", "").split())


def test_one_class_a_folder_is_no_layout_of_nuclei(tmp_path):
    put(tmp_path / "ADI" / "a.png")
    put(tmp_path / "TUM" / "b.png")
    assert find_layout(tmp_path) is None
    assert [tile.target for tile in read_folder(tmp_path).tiles] == ["ADI", "TUM"]


def test_more_labels_than_pictures_is_refused(tmp_path):
    conic(tmp_path)
    np.save(tmp_path / "images.npy", np.stack([PIXELS[:, :64]] * 2))
    with pytest.raises(InputError, match=r"2 pictures and labels\.npy the labels of 3"):
        read_folder(tmp_path)


def test_names_match_whatever_their_unicode_form(tmp_path):
    name = "Präparat é"
    put(tmp_path / "images" / f"{unicodedata.normalize('NFD', name)}.png")
    put(tmp_path / "labels" / f"{unicodedata.normalize('NFC', name)}.png", LABELS)
    found = read_folder(tmp_path)
    np.testing.assert_array_equal(found.tiles[0].labels, LABELS)
    image = next((tmp_path / "images").iterdir())
    assert labels_beside(image) is not None


def test_suffixes_of_label_files_are_left_out(tmp_path):
    images = [tmp_path / "a.png", tmp_path / "b.png"]
    labels = [tmp_path / "a_mask.png", tmp_path / "b.ome.tif", tmp_path / "c.png"]
    entries, orphans = match(images, labels)
    assert [entry.label for entry in entries] == labels[:2]
    assert orphans == labels[2:]


def test_types_are_numbered_as_the_model_does(tmp_path):
    pannuke(tmp_path)
    spec = ModelSpec("m", "nuclei", "unet", classes=("Epithelial", "INFLAMMATORY"))
    tile = read_folder(tmp_path).tiles_for(spec)[0]
    assert set(tile.classes) == {2}
    other = ModelSpec("m", "nuclei", "unet", classes=("stroma",))
    assert read_folder(tmp_path).tiles_for(other)[0].classes is None


def test_a_pipe_in_a_name_is_part_of_the_name(tmp_path):
    put(tmp_path / "a|b.png")
    assert len(read_folder(tmp_path / "a|b.png").tiles) == 1


def test_a_region_cuts_the_labels_too(tmp_path):
    put(tmp_path / "tile.png")
    put(tmp_path / "truth.png", LABELS)
    text = f"{tmp_path}/tile.png#region=40,20,30,25|{tmp_path}/truth.png"
    found = open_tile(Source.of_tile(text))
    np.testing.assert_array_equal(found.tile.pixels, PIXELS[20:45, 40:70])
    np.testing.assert_array_equal(found.truth.labels, LABELS[20:45, 40:70])


def test_a_pixel_size_can_be_typed(tmp_path):
    put(tmp_path / "a.png")
    found = open_tile(Source.of_tile(f"{tmp_path}/a.png#pixel=0.5;resample=off"))
    assert found.tile.mpp == 0.5
    assert not found.tile.rescale
    folder = read_folder(f"{tmp_path}#pixel=0.5")
    assert folder.tiles[0].tile.mpp == 0.5
    assert folder.digest != read_folder(tmp_path).digest
    with pytest.raises(InputError, match="for one picture"):
        read_folder(f"{tmp_path}#region=0,0,5,5")


def test_the_cases_are_recognised(shared):
    data = shared / "cases" / "datasets"
    wanted = {
        "consep": 2, "dsb2018": 2, "geojson_labels": 1, "mat_labels": 1, "monuseg": 1,
        "pannuke": 1, "tnbc": 1, "train_split": 1,
    }  # fmt: skip
    for name, count in wanted.items():
        found = read_folder(data / name)
        assert sum(tile.labels is not None for tile in found.tiles) == count, name
    kinds = {tile.target for tile in read_folder(data / "nct_crc").tiles}
    assert kinds == {"ADI", "TUM"}
