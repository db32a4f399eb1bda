"""Synthetic tissue: exact, repeatable, and inked where the labels say."""

import cv2
import numpy as np
import pytest

from core.errors import InputError
from core.images.immunostain import membranes
from core.images.samples import SAMPLES, load_sample
from core.images.stain import (
    DAB,
    from_density,
    haematoxylin_eosin_matrix,
    jitter,
    separate,
    to_density,
)
from core.images.synthetic import TYPE_NAMES, synthetic_tile


@pytest.mark.parametrize("seed", range(4))
def test_labels_have_no_gaps_and_each_nucleus_is_one_piece(seed):
    tile, labels, classes = synthetic_tile(192, seed)

    assert tile.pixels.shape == (192, 192, 3)
    assert tile.pixels.dtype == np.uint8
    assert labels.dtype == np.int32
    assert np.array_equal(np.unique(labels), np.arange(len(classes) + 1))
    for label in range(1, len(classes) + 1):
        parts, _ = cv2.connectedComponents(
            (labels == label).astype(np.uint8), connectivity=4
        )
        assert parts == 2, f"nucleus {label} is in {parts - 1} pieces"


def test_same_seed_same_tile_other_seed_other_tile():
    first, again, other = (synthetic_tile(96, seed) for seed in (5, 5, 6))

    assert np.array_equal(first[0].pixels, again[0].pixels)
    assert np.array_equal(first[1], again[1])
    assert np.array_equal(first[2], again[2])
    assert not np.array_equal(first[0].pixels, other[0].pixels)


def test_nuclei_are_darker_than_what_surrounds_them():
    for seed in range(4):
        tile, labels, _ = synthetic_tile(256, seed)
        grey = tile.pixels.mean(axis=2)
        assert grey[labels > 0].mean() < grey[labels == 0].mean() - 20


def test_all_types_occur_and_look_as_named():
    areas: dict[int, list[int]] = {kind: [] for kind in range(1, len(TYPE_NAMES) + 1)}
    for seed in range(6):
        _, labels, classes = synthetic_tile(256, seed)
        inner = set(np.unique(labels[1:-1, 1:-1])) - set(np.unique(labels[[0, -1]]))
        sizes = np.bincount(labels.ravel())
        for label in inner - {0}:
            areas[int(classes[label - 1])].append(int(sizes[label]))

    assert all(areas.values())
    mean = {TYPE_NAMES[kind - 1]: np.mean(values) for kind, values in areas.items()}
    assert mean["epithelial"] > 2 * mean["inflammatory"] > 1.0 * mean["dead"]


@pytest.mark.parametrize("size", [1, 7, (33, 90)])
def test_any_size(size):
    tile, labels, classes = synthetic_tile(size, 3)
    shape = (size, size) if isinstance(size, int) else size
    assert tile.pixels.shape[:2] == labels.shape == shape
    assert labels.max(initial=0) == len(classes)


def test_scale_enlarges_nuclei_and_says_so():
    small, big = synthetic_tile(256, 1, scale=0.5), synthetic_tile(256, 1, scale=2.0)
    assert small[0].mpp == 0.5
    assert big[0].mpp == 0.125
    assert np.median(np.bincount(big[1].ravel())[1:]) > 4 * np.median(
        np.bincount(small[1].ravel())[1:]
    )


@pytest.mark.parametrize(
    ("size", "scale"), [(0, 1.0), ((4, 0), 1.0), (8, 0.0), (8, -1.0)]
)
def test_impossible_tiles_are_refused(size, scale):
    with pytest.raises(ValueError, match="cannot be made"):
        synthetic_tile(size, 0, scale=scale)


def test_samples_load_and_fit_their_ground_truth():
    assert next(iter(SAMPLES)) == "immunohistochemistry"
    real, made = load_sample("immunohistochemistry"), load_sample("synthetic")

    assert real.tile.pixels.shape == (512, 512, 3)
    assert real.labels is None
    assert made.labels is not None
    assert made.labels.shape == made.tile.pixels.shape[:2]
    assert set(made.classes) == {1, 2, 3, 4}
    with pytest.raises(InputError, match="no sample 'nothing'"):
        load_sample("nothing")


def test_density_and_back_is_exact():
    pixels = np.arange(1, 256, dtype=np.uint8).reshape(1, 85, 3)
    assert np.array_equal(from_density(to_density(pixels)), pixels)
    assert np.isfinite(to_density(np.zeros((1, 1, 3), np.uint8))).all()


@pytest.mark.parametrize("third", [None, DAB])
def test_separate_undoes_mixing(third):
    stains = haematoxylin_eosin_matrix(third)
    amounts = np.random.default_rng(0).uniform(0, 2, (5, 6, 3)).astype(np.float32)

    np.testing.assert_allclose(separate(amounts @ stains, stains), amounts, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(stains, axis=1), 1, rtol=1e-6)


def test_jittered_stains_stay_absorbing_and_of_unit_length():
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = jitter(haematoxylin_eosin_matrix(DAB), 0.3, rng)
        assert (moved > 0).all()
        np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, rtol=1e-5)


def test_immunohistochemistry_is_brown_over_pale_blue():
    ratios = []
    for seed in range(6):
        tile, labels, classes = synthetic_tile(160, seed, scale=0.6, stain="ihc")
        amounts = separate(to_density(tile.pixels), haematoxylin_eosin_matrix(DAB))
        ratios.append(float(np.percentile(amounts[..., 2], 95)))
        assert np.array_equal(np.unique(labels), np.arange(len(classes) + 1))
        plain, _, _ = synthetic_tile(160, seed, scale=0.6)
        eosin = separate(to_density(plain.pixels), haematoxylin_eosin_matrix(DAB))
        assert amounts[..., 1].mean() < eosin[..., 1].mean(), "no eosin"
    assert max(ratios) > 0.5, "some tiles are strongly brown"


def test_membranes_run_between_touching_nuclei():
    labels = np.zeros((20, 40), np.int32)
    labels[5:15, 5:20], labels[5:15, 20:35] = 1, 2
    line = membranes(labels)

    assert line[10, 18:22].max() == 1
    assert line[10, 8:17].max() == 0
    assert line[10, 23:32].max() == 0
