"""One-to-one matching of nuclei with the largest sum of weights.

Exact, and fast on nuclei: most pairs are decided by a local rule, and the
Hungarian algorithm sees only the knots that remain.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def match_unique(rows: Ints, cols: Ints, weights: Floats) -> Ints:
    """Choose pairs so that no row and no column occurs twice.

    Parameters
    ----------
    rows, cols
        int64 (m,), the two ends of each candidate pair.
    weights
        float64 (m,), above 0; their chosen sum is as large as possible.

    Returns
    -------
    chosen
        int64, indices into the candidates, ascending.

    Notes
    -----
    A pair at least as heavy as the heaviest rival at its row and the heaviest
    rival at its column *together* belongs to some best matching: in any other
    matching it can replace both at no loss. Taking such pairs and dropping
    their rivals is repeated; what is left is solved exactly.
    """
    alive = np.arange(len(rows))
    chosen = []
    while len(alive):
        r, c, w = rows[alive], cols[alive], weights[alive]
        safe = np.flatnonzero(w >= _rival(r, w) + _rival(c, w))
        safe = safe[_first(r[safe])]
        safe = safe[_first(c[safe])]
        if not len(safe):
            break
        chosen.append(alive[safe])
        free = ~(_among(r, r[safe]) | _among(c, c[safe]))
        alive = alive[free]
    chosen.extend(_solve_knots(rows, cols, weights, alive))
    return np.sort(np.concatenate(chosen)) if chosen else alive


def _rival(ends: Ints, weights: Floats) -> Floats:
    """Heaviest *other* pair that shares each pair's end; 0 when there is none."""
    order = np.lexsort((-weights, ends))
    ordered, heavy = ends[order], weights[order]
    start = np.flatnonzero(np.diff(ordered, prepend=-1))
    size = np.diff(start, append=len(ordered))
    second = np.where(size > 1, heavy[np.minimum(start + 1, len(heavy) - 1)], 0.0)
    rivals = np.repeat(heavy[start], size)
    rivals[start] = second
    out = np.empty_like(rivals)
    out[order] = rivals
    return out


def _first(ends: Ints) -> Ints:
    """Indices of the first occurrence of each value, ascending."""
    return np.sort(np.unique(ends, return_index=True)[1])


def _among(ends: Ints, taken: Ints) -> NDArray[np.bool_]:
    table = np.zeros(int(ends.max(initial=0)) + 1, np.bool_)
    table[taken] = True
    found: NDArray[np.bool_] = table[ends]
    return found


def _solve_knots(rows: Ints, cols: Ints, weights: Floats, alive: Ints) -> list[Ints]:
    """Solve each connected group of the remaining pairs exactly."""
    if not len(alive):
        return []
    # late: importing these takes longer than scoring a thousand nuclei
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    r_ids, r = np.unique(rows[alive], return_inverse=True)
    c_ids, c = np.unique(cols[alive], return_inverse=True)
    nodes = len(r_ids) + len(c_ids)
    ends = (r, c + len(r_ids))
    graph: Any = coo_array((np.ones(len(r)), ends), shape=(nodes, nodes))
    groups, group = connected_components(graph, directed=False)
    order = np.argsort(group[r], kind="stable")
    bounds = np.searchsorted(group[r][order], np.arange(groups + 1))
    chosen = []
    for low, high in pairwise(bounds.tolist()):
        members = order[low:high]
        own_r, at_r = np.unique(r[members], return_inverse=True)
        own_c, at_c = np.unique(c[members], return_inverse=True)
        gain = np.zeros((len(own_r), len(own_c)))
        gain[at_r, at_c] = weights[alive[members]]
        pair = np.full(gain.shape, -1, np.int64)
        pair[at_r, at_c] = alive[members]
        picked = pair[linear_sum_assignment(gain, maximize=True)]
        chosen.append(picked[picked >= 0])
    return chosen
