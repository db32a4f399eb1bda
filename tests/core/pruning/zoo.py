"""Architectures on which `apply_plan` must equal `mask_plan`.

`ZOO` maps a name to a function that returns a module (eval mode, float64,
seeded, no parameter at its default) and a tuple of example inputs. A forward
takes milliseconds.
"""

from tests.core.pruning.architectures import families, joins, layers, sequences
from tests.core.pruning.architectures.recipe import Entry

ZOO: dict[str, Entry] = {
    **families.ENTRIES,
    **joins.ENTRIES,
    **layers.ENTRIES,
    **sequences.ENTRIES,
}
