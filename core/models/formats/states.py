"""The state dict inside a checkpoint, whatever else was saved with it.

To read this file, start from `find_state` and `clean`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.models.formats.pickles import Placeholder, StoredTensor

if TYPE_CHECKING:
    from torch import Tensor

NESTED = (
    "desc",
    "state_dict",
    "model_state_dict",
    "model_state",
    "network_weights",
    "network",
    "weights",
    "params",
    "model",
    "net",
    "ema",
    "ema_state_dict",
    "state_dict_ema",
    "model_ema",
    "shadow_params",
)
_DEEPEST = 6  # dicts inside dicts
_MOST_PARTS = 64  # of a dict or a list, in which weights are looked for
_MODULES = 64  # modules inside modules
_COUNTED = ("total_ops", "total_params")  # left by the counting tool thop


def find_state(content: Any, depth: int = 0) -> dict[str, Any] | None:
    """Find the weights in what a checkpoint holds.

    Parameters
    ----------
    content
        From `core.models.formats.archives.read_content`.
    depth
        Of containers around it.

    Returns
    -------
    dict of str to StoredTensor or Placeholder, or None
        The dict of the usual name that holds one, else the dict with most tensors,
        wherever it is, but for those of an optimiser; of a whole pickled module, its
        parameters and buffers by name.
    """
    if isinstance(content, Placeholder):
        return dict(_walk(content)) or None
    if depth > _DEEPEST:
        return None
    if isinstance(content, list | tuple):
        return _largest(content[:_MOST_PARTS], depth)
    if not isinstance(content, Mapping) or "param_groups" in content:
        return None
    for key in NESTED:
        if key in content:
            found = find_state(content[key], depth + 1)
            if found:
                return found
    named = {
        key: value
        for key, value in content.items()
        if isinstance(key, str)
        and (isinstance(value, StoredTensor) or is_unreadable(value))
    }
    inner = [
        value
        for key, value in content.items()
        if isinstance(value, Mapping | list | tuple) and "optim" not in str(key)[:80]
    ]
    found = _largest(inner[:_MOST_PARTS], depth)
    return found if found and len(found) > len(named) else named or None


def _largest(parts: Sequence[Any], depth: int) -> dict[str, Any] | None:
    """Return the state with most tensors among parts of a checkpoint."""
    states = filter(None, (find_state(part, depth + 1) for part in parts))
    return max(states, key=len, default=None)


def is_unreadable(value: Any) -> bool:
    """Tell whether a value is a tensor of a kind that is not read."""
    kind = value.kind if isinstance(value, Placeholder) else ""
    return kind.startswith(("torch._utils.", "torch.nested.", "torch._tensor."))


def _walk(module: Placeholder, prefix: str = "", depth: int = 0) -> Iterator[Any]:
    """Name the tensors of a pickled module, of Python or of TorchScript."""
    state = module.state
    if depth > _MODULES or not isinstance(state, Mapping):
        return
    groups: list[Any] = [state]
    if isinstance(state.get("_modules"), Mapping):
        groups = [state.get(name) for name in ("_parameters", "_buffers", "_modules")]
    for group in groups:
        if not isinstance(group, Mapping):
            continue
        for name, value in group.items():
            if not isinstance(name, str):
                continue
            if isinstance(value, StoredTensor):
                yield prefix + name, value
            elif isinstance(value, Placeholder) and value is not module:
                yield from _walk(value, f"{prefix}{name}.", depth + 1)


def clean(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that a network computes with.

    Parameters
    ----------
    state
        Name -> tensor, as saved.

    Returns
    -------
    dict of str to Tensor
        Floating point as float32. Masks of ``torch.nn.utils.prune`` are multiplied
        into their weights; what counting tools added is left out.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        owner, _, leaf = name.rpartition(".")
        if leaf in _COUNTED or leaf == "n_averaged":
            continue
        if name.endswith("_mask") and f"{name[:-5]}_orig" in state:
            continue
        if name.endswith("_orig"):
            mask = state.get(f"{name[:-5]}_mask")
            if mask is not None and mask.shape == tensor.shape:
                tensor = tensor * mask
                name = f"{owner}.{leaf[:-5]}" if owner else leaf[:-5]
        found[name] = tensor.float() if tensor.is_floating_point() else tensor
    return found


def inner_states(state: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Yield the weights under each prefix that most of them share.

    Wrappers put a prefix before each name (``module.``, ``model.``, ``net.``), and a
    training module holds weights of its loss beside those of the network.

    Parameters
    ----------
    state
        Name -> tensor.

    Yields
    ------
    dict of str to Tensor
        First `state` itself, then what is inside of one more prefix.
    """
    yield dict(state)
    current = dict(state)
    for _ in range(_DEEPEST):
        counts: dict[str, int] = {}
        for name, tensor in current.items():
            head, dot, _ = name.partition(".")
            if dot:
                counts[head] = counts.get(head, 0) + max(tensor.numel(), 1)
        if not counts:
            return
        head = max(counts, key=lambda key: counts[key])
        if 2 * counts[head] < sum(tensor.numel() for tensor in current.values()):
            return
        current = {
            name.partition(".")[2]: tensor
            for name, tensor in current.items()
            if name.startswith(f"{head}.")
        }
        yield current
