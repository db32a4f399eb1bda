"""Types of nuclei under the names of another list."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def renumber_types(
    classes: NDArray[np.int64] | None, names: Sequence[str], wanted: Sequence[str]
) -> NDArray[np.int64] | None:
    """Number the types of ground truth as a model does.

    Parameters
    ----------
    classes
        int64 (n,), 1-based into `names`, 0 when unknown; or None.
    names
        Of the types in the file.
    wanted
        Of the types that a model tells apart.

    Returns
    -------
    array or None
        1-based into `wanted`, 0 for types that the model does not know; None when it
        knows none of them. Names are compared whatever their case.
    """
    places = {name.casefold(): place for place, name in enumerate(wanted, start=1)}
    table = np.array([0, *(places.get(name.casefold(), 0) for name in names)])
    if classes is None or not table.any():
        return None
    return np.asarray(table[np.clip(classes, 0, len(names))], np.int64)
