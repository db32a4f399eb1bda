"""Readers on maps made by hand."""

import cv2
import numpy as np
import pytest
import torch

from core.errors import ModelError
from core.images.synthetic import synthetic_tile
from core.metrics import score_instances
from core.models.loaded import LoadedModel
from core.models.outputs import fit_reader, with_reader
from core.nuclei import READERS, instances, majority_types
from core.nuclei.outputs import read_outputs
from core.nuclei.postprocess import read_distance
from core.nuclei.watershed import fill_holes, flood, merge_shallow, renumber
from core.tables import OUTPUT_READERS
from core.training.targets import distance_map
from core.types import ModelSpec

DISTANCE = ModelSpec("d", "nuclei", "unet", classes=("one", "two"))
HV = ModelSpec("h", "nuclei", "hovernet", reader="hv", window=(256, 164))


def discs(*centres, radius=10, shape=(64, 80)):
    """Discs as labels; the nearer centre wins where two overlap."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    far = np.stack([np.hypot(y - r, x - c) for r, c in centres])
    return np.where(far.min(axis=0) <= radius, 1 + far.argmin(axis=0), 0).astype(
        np.int32
    )


def distance_maps(labels):
    return {"np": (labels > 0).astype(np.float32), "dist": distance_map(labels)}


def hv_maps(labels):
    """What a perfect HoVer-Net would say: offsets to the centroid, -1 to 1."""
    hv = np.zeros((2, *labels.shape), np.float32)
    for label in range(1, labels.max(initial=0) + 1):
        rows, cols = np.nonzero(labels == label)
        for axis, offset in enumerate((cols - cols.mean(), rows - rows.mean())):
            hv[axis, rows, cols] = offset / max(np.abs(offset).max(), 1)
    return {"np": (labels > 0).astype(np.float32), "hv": hv}


CASES = [(DISTANCE, distance_maps), (HV, hv_maps)]


@pytest.mark.parametrize(("spec", "maps"), CASES, ids=["distance", "hv"])
def test_two_touching_discs_are_two(spec, maps):
    truth = discs((30, 25), (30, 43))
    found = instances(maps(truth), spec)

    assert found.count == 2
    assert found.labels.dtype == np.int32
    assert score_instances(truth, found.labels).aji > 0.95


@pytest.mark.parametrize(("spec", "maps"), CASES, ids=["distance", "hv"])
@pytest.mark.parametrize("shape", [(64, 80), (1, 1), (3, 200)])
def test_empty_maps_have_no_nuclei(spec, maps, shape):
    found = instances(maps(np.zeros(shape, np.int32)), spec)
    assert found.count == 0
    assert found.labels.shape == shape


@pytest.mark.parametrize("shape", [(40, 40), (1, 1), (1, 30)])
def test_full_maps_are_one_nucleus(shape):
    full = np.ones(shape, np.float32)
    spec = ModelSpec("d", "nuclei", "unet", threshold={"smallest": 1})
    found = instances({"np": full, "dist": full}, spec)
    assert (found.labels == 1).all()


def test_a_blob_without_a_peak_is_one_nucleus():
    truth = discs((30, 25), (30, 60))
    maps = distance_maps(truth)
    maps["dist"] = np.where(truth == 2, 0.1, maps["dist"]).astype(np.float32)
    assert np.array_equal(instances(maps, DISTANCE).labels > 0, truth > 0)
    assert instances(maps, DISTANCE).count == 2


def test_small_specks_are_left_out():
    truth = discs((30, 25), (10, 60))
    truth[50, 70:73] = 3
    assert instances(distance_maps(truth), DISTANCE).count == 2


def test_bad_numbers_do_not_break_the_reader():
    maps = distance_maps(discs((30, 25)))
    maps["dist"][0, :5] = np.nan
    maps["np"][0, :5] = np.nan
    with np.errstate(invalid="ignore"):
        assert instances(maps, DISTANCE).count == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_perfect_maps_give_back_crowded_tissue(seed):
    _, truth, classes = synthetic_tile(256, seed)
    maps = distance_maps(truth)
    maps["tp"] = np.concatenate([[0], classes])[truth].astype(np.uint8)
    spec = ModelSpec("d", "nuclei", "unet", classes=("a", "b", "c", "d"))
    found = instances(maps, spec)

    assert score_instances(truth, found.labels).aji > 0.95
    assert np.array_equal(np.unique(found.labels), np.arange(found.count + 1))
    assert len(found.classes) == found.count
    for label in range(1, found.count + 1):
        of = np.bincount(truth[found.labels == label]).argmax()
        assert found.classes[label - 1] == classes[of - 1]


def test_flood_prefers_low_ground_over_short_ways():
    """Two markers, a ridge close to the first: the ridge is the border."""
    height = np.zeros((9, 40), np.float32)
    height[:, 10] = 1.0
    markers = np.zeros((9, 40), np.int32)
    markers[4, 8], markers[4, 36] = 1, 2
    labels = flood(height, markers, np.ones((9, 40), bool))

    assert (labels[:, :9] == 1).all()
    assert (labels[:, 12:] == 2).all()
    assert (labels > 0).all()


def test_flood_stays_inside_and_leaves_unmarked_parts():
    inside = np.zeros((20, 20), bool)
    inside[2:8, 2:8] = inside[12:18, 12:18] = True
    markers = np.zeros((20, 20), np.int32)
    markers[4, 4] = 1
    labels = flood(np.zeros((20, 20), np.float32), markers, inside)

    assert (labels[2:8, 2:8] == 1).all()
    assert np.count_nonzero(labels) == 36


def test_parts_are_joined_unless_a_valley_separates_them():
    labels = np.zeros((5, 30), np.int32)
    labels[1:4, 2:10], labels[1:4, 10:20], labels[1:4, 20:28] = 1, 2, 3
    form = np.full((5, 30), 0.9, np.float32)
    form[:, 19:21] = 0.2
    joined = merge_shallow(labels, form, 0.8)

    assert joined[2, 5] == joined[2, 15] != joined[2, 24]
    assert np.array_equal(joined > 0, labels > 0)
    assert np.array_equal(merge_shallow(labels, form, 1.1), labels)
    assert np.array_equal(
        merge_shallow(labels[:, :10], form[:, :10], 0.8), labels[:, :10]
    )


def test_types_are_voted_inside_each_nucleus():
    labels = discs((30, 20), (30, 60))
    kinds = np.ones(labels.shape, np.uint8)
    kinds[labels == 2] = 2
    kinds[30, 55:62] = 1

    assert list(majority_types(labels, kinds, 2)) == [1, 2]
    assert list(majority_types(labels, np.zeros_like(kinds), 2)) == [0, 0]
    assert len(majority_types(np.zeros_like(labels), kinds, 2)) == 0


def test_renumber_and_fill_holes():
    labels = np.array([[0, 5, 5, 0, 9], [2, 2, 2, 0, 0]], np.int32)
    assert renumber(labels, 2).tolist() == [[0, 2, 2, 0, 0], [1, 1, 1, 0, 0]]
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    assert fill_holes(ring).all()
    ring[2, 2:] = False
    assert np.array_equal(fill_holes(ring), ring)


def test_a_patch_classifier_is_refused_in_a_sentence():
    spec = ModelSpec("ResNet", "patch", "resnet18", reader="patch")
    with pytest.raises(ModelError, match="choose a nuclei model"):
        instances({}, spec)


def test_nuclei_of_low_mean_probability_are_left_out_and_specks_calmed():
    faint = np.zeros((40, 60), np.float32)
    faint[5:20, 5:20], faint[5:20, 35:50] = 0.55, 0.9
    faint[30, 30] = 1.0  # a single pixel
    maps = {"np": faint, "dist": (faint > 0).astype(np.float32)}
    plain = {"smallest": 1, "object": 0.5, "foreground": 0.5}

    assert read_distance(maps, plain).max() == 3
    sure = read_distance(maps, {**plain, "sure": 0.6})
    assert sorted(np.unique(sure[5:20])) == [0, sure[10, 40]]
    assert sure[10, 40] > 0
    assert sure[10, 10] == 0
    assert sure[30, 30] > 0
    calm = read_distance(maps, {**plain, "calm": 1.0})
    assert calm[30, 30] == 0
    assert calm[10, 10] > 0
    assert calm[10, 40] > 0


def contour_maps(labels):
    """Insides and borders, two pixels wide, as a network with both would give."""
    eroded = np.zeros(labels.shape, bool)
    for label in range(1, labels.max(initial=0) + 1):
        inside = (labels == label).astype(np.uint8)
        eroded |= cv2.erode(inside, np.ones((5, 5), np.uint8)) > 0
    edge = (labels > 0) & ~eroded
    return {"np": eroded.astype(np.float32), "contour": edge.astype(np.float32)}


def star_maps(labels, rays=32):
    """Distances to the border of each disc, as StarDist gives them."""
    distances = np.zeros((rays, *labels.shape), np.float32)
    likely = np.zeros(labels.shape, np.float32)
    for label in range(1, labels.max(initial=0) + 1):
        inside = labels == label
        depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
        likely[inside] = (depth / max(depth.max(), 1))[inside]
        spots = set(zip(*(part.tolist() for part in np.nonzero(inside)), strict=True))
        for row, column in spots:
            for place in range(rays):
                angle = 2 * np.pi * place / rays
                for step in range(1, 40):
                    at = (
                        round(row + step * np.sin(angle)),
                        round(column + step * np.cos(angle)),
                    )
                    if at not in spots:
                        break
                distances[place, row, column] = step - 1
    return {"np": likely, "rays": distances}


@pytest.mark.parametrize(
    ("reader", "maps"), [("contour", contour_maps), ("stardist", star_maps)]
)
def test_touching_discs_of_other_readers(reader, maps):
    truth = discs((30, 25), (30, 43))
    found = instances(maps(truth), ModelSpec("m", "nuclei", "graph", reader=reader))
    assert found.count == 2
    assert score_instances(truth, found.labels).aji > 0.85


@pytest.mark.parametrize("reader", sorted(OUTPUT_READERS))
def test_every_reader_of_the_table_has_a_function(reader):
    assert reader in READERS
    assert set(READERS) == set(OUTPUT_READERS)


def _spec(reader, **more):
    return ModelSpec("m", "nuclei", "graph", reader=reader, **more)


def test_channels_of_a_mask_and_contour():
    logits = torch.full((1, 2, 4, 4), -9.0)
    logits[:, 0, 1:3] = 9.0
    maps = read_outputs(logits, _spec("contour"))
    assert (maps["np"] > 0.5).sum() == 8
    assert (maps["contour"] < 0.5).all()
    three = torch.zeros(1, 3, 4, 4)
    three[:, 2] = 9.0
    assert (read_outputs(three, _spec("contour"))["contour"] > 0.9).all()
    apart = {"mask": logits[:, :1].sigmoid(), "edge": logits[:, 1:].sigmoid()}
    assert (read_outputs(apart, _spec("contour-probability"))["np"] > 0.5).sum() == 8
    with pytest.raises(ModelError, match="channels"):
        read_outputs(torch.zeros(1, 5, 4, 4), _spec("contour"))


@pytest.mark.parametrize(
    ("outputs", "reader"),
    [
        ({"y": torch.tensor([[[[-3.0, 4.0]]]])}, "mask"),
        ({"y": torch.tensor([[[[0.25, 0.5]]]])}, "probability"),
        ({"y": torch.tensor([[[[0.25, 0.5]], [[0.75, 0.5]]]])}, "probability"),
        ({"y": torch.tensor([[[[0.25, 0.5]], [[0.5, 0.5]]]])}, "mask"),
        ({"np": torch.zeros(1, 2, 4, 4), "hv": torch.zeros(1, 2, 4, 4)}, "hv"),
        ({"np": torch.zeros(1, 1, 4, 4), "dist": torch.zeros(1, 1, 4, 4)}, "distance"),
        ({"prob": torch.rand(1, 1, 4, 4), "dist": torch.rand(1, 32, 4, 4)}, "stardist"),
        ({"mask": torch.rand(1, 1, 4, 4), "edge": torch.rand(1, 1, 4, 4)},
         "contour-probability"),
        ({"y": torch.randn(3, 7)}, "patch"),
    ],
)  # fmt: skip
def test_a_reader_is_chosen_by_names_shapes_and_values(outputs, reader):
    class Network(torch.nn.Module):
        def forward(self, image):
            return outputs

    assert fit_reader(_spec("mask"), Network()).reader == reader


def test_readers_and_thresholds_are_changed_and_checked():
    model = LoadedModel(torch.nn.Identity(), _spec("mask", threshold={"smooth": 2.0}))
    found = with_reader(model, threshold={"": 0.25, "smallest": 40})
    assert found.spec.threshold == {"smooth": 2.0, "foreground": 0.25, "smallest": 40}
    other = with_reader(model, "contour", {"contour": 0.3})
    assert (other.spec.reader, other.spec.threshold) == ("contour", {"contour": 0.3})
    for reader, given, words in (
        ("nothing", {}, "choose one of"),
        ("", {"energy": 0.1}, "has no threshold"),
        ("", {"foreground": 1.5}, "0 to 1"),
    ):
        with pytest.raises(ModelError, match=words):
            with_reader(model, reader, given)
    patch = LoadedModel(torch.nn.Identity(), ModelSpec("p", "patch", "resnet18"))
    with pytest.raises(ModelError, match="no reader"):
        with_reader(patch, "mask")
