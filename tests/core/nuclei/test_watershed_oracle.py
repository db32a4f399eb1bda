"""Growing markers, components and holes against scikit-image and scipy."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.segmentation import watershed

from core.nuclei.watershed import components, fill_holes, flood


def landscape(seed, cells=14, size=120):
    """Discs that touch, with the height of the distance to each centre."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(10, size - 10, (cells, 2))
    grid = np.stack(np.mgrid[:size, :size], axis=-1)
    far = np.linalg.norm(grid[:, :, None] - centres, axis=-1)
    inside = far.min(axis=-1) < 14
    height = np.clip(far.min(axis=-1) / 14, 0, 1).astype(np.float32)
    markers = np.zeros((size, size), np.int32)
    for number, (row, column) in enumerate(centres.round().astype(int), 1):
        markers[row, column] = number
    return height, markers, inside


@pytest.mark.parametrize("seed", range(6))
def test_basins_are_those_of_scikit_image(seed):
    height, markers, inside = landscape(seed)
    mine = flood(height, markers, inside)
    theirs = watershed(height, markers, mask=inside, connectivity=2)
    assert np.array_equal(mine > 0, theirs > 0)
    # Heights are counted in 127 levels and equal ones in another order, so that a
    # shared border may lie a little aside; nothing differs further from one.
    assert (mine == theirs)[inside].mean() > 0.97
    border = ndimage.minimum_filter(theirs, 3) != ndimage.maximum_filter(theirs, 3)
    far = ndimage.distance_transform_edt(~border)
    assert far[mine != theirs].max(initial=0) < 3


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6])
def test_components_and_holes_are_those_of_scipy(share):
    mask = np.random.default_rng(3).random((90, 70)) < share
    count, labels = components(mask)
    theirs, number = ndimage.label(mask, np.ones((3, 3)))
    assert count == number
    assert len(np.unique(np.stack([labels, theirs]).reshape(2, -1), axis=1).T) == (
        count + 1
    )
    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))
