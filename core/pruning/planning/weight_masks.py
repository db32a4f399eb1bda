"""Which single weights are kept: the plan of unstructured pruning, as data.

To read this file, start from `MaskPlan`.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.errors import PruningError

Mask = NDArray[np.bool_]

_FORMAT = 1
_NO_FASTER = (
    "Unstructured pruning: weights become zero but layers keep their size, so there "
    "is no speed-up here."
)
_NOT_ONE = (
    "This is not a plan of unstructured pruning: pass what MaskPlan.to_json or "
    "MaskPlan.save wrote."
)


@dataclass(frozen=True)
class MaskPlan:
    """What is kept of each weight of a model.

    Parameters
    ----------
    kept
        Parameter name to bool mask of the parameter's shape, True = kept;
        parameters that are not named are kept whole.
    params
        Number of parameters of the dense model.
    request
        Settings that led to it, JSON-serialisable; for the record only.
    """

    kept: Mapping[str, Mask]
    params: int
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What is removed."""
        return "weights"

    @property
    def file_name(self) -> str:
        """Name of its file in a folder of results."""
        return "plan.masks.safetensors"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What everyone should know who looks for speed."""
        return (_NO_FASTER,)

    @property
    def removed(self) -> int:
        """Number of weights that are set to zero."""
        return sum(
            int(mask.size - np.count_nonzero(mask)) for mask in self.kept.values()
        )

    @property
    def sparsity(self) -> float:
        """Share of all parameters that is set to zero."""
        return self.removed / max(self.params, 1)

    @cached_property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that name what is kept."""
        digest = hashlib.sha256()
        for name in sorted(self.kept):
            mask = self.kept[name]
            digest.update(f"{name}{mask.shape}".encode())
            digest.update(np.packbits(mask).tobytes())
        return digest.hexdigest()[:16]

    def difference(self, other: "MaskPlan") -> dict[str, tuple[int, int]]:
        """Return, for each weight that differs, how many are kept only here, there."""
        found: dict[str, tuple[int, int]] = {}
        for name in dict.fromkeys([*self.kept, *other.kept]):
            here, there = self.kept.get(name), other.kept.get(name)
            some = here if here is not None else there
            assert some is not None
            here = np.ones(some.shape, dtype=bool) if here is None else here
            there = np.ones(some.shape, dtype=bool) if there is None else there
            if not np.array_equal(here, there):
                found[name] = (int((here & ~there).sum()), int((there & ~here).sum()))
        return found

    def then(self, later: "MaskPlan") -> "MaskPlan":
        """Compose: what both keep."""
        kept = dict(self.kept)
        for name, mask in later.kept.items():
            kept[name] = mask & kept[name] if name in kept else mask
        return MaskPlan(kept, self.params, later.request)

    def to_json(self) -> str:
        """Return the plan as JSON; `from_json` reads it back."""
        masks = {
            name: {
                "shape": list(mask.shape),
                "bits": base64.b64encode(np.packbits(mask).tobytes()).decode(),
            }
            for name, mask in self.kept.items()
        }
        return json.dumps({"format": _FORMAT, "masks": masks, **self._rest()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a plan written by `to_json`.

        Raises
        ------
        PruningError
            When the text is not such a plan.
        """
        try:
            data = json.loads(text)
            if data["format"] != _FORMAT:
                raise ValueError(data["format"])
            kept = {
                name: _unpack(
                    np.frombuffer(base64.b64decode(entry["bits"]), np.uint8),
                    entry["shape"],
                )
                for name, entry in data["masks"].items()
            }
            return cls(kept, index(data["params"]), dict(data["request"]))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise PruningError(_NOT_ONE) from error

    def save(self, path: str | Path) -> None:
        """Write the plan as safetensors: one packed mask for each weight."""
        tensors = {name: np.packbits(mask) for name, mask in self.kept.items()}
        shapes = {name: list(mask.shape) for name, mask in self.kept.items()}
        rest = json.dumps({"format": _FORMAT, "shapes": shapes, **self._rest()})
        try:
            save_file(tensors, str(path), metadata={"prunescope.masks": rest})
        except (OSError, SafetensorError) as error:
            raise PruningError(
                f"The plan cannot be written to {path} ({error}): choose another "
                "folder."
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a plan written by `save`.

        Raises
        ------
        PruningError
            When the file is not such a plan.
        """
        try:
            with safe_open(str(path), framework="numpy") as file:
                rest = json.loads(file.metadata()["prunescope.masks"])
                if rest["format"] != _FORMAT:
                    raise ValueError(rest["format"])
                kept = {
                    name: _unpack(file.get_tensor(name), shape)
                    for name, shape in rest["shapes"].items()
                }
            return cls(kept, index(rest["params"]), dict(rest["request"]))
        except (
            OSError,
            SafetensorError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            raise PruningError(f"{path}: {_NOT_ONE}") from error

    def _rest(self) -> dict[str, Any]:
        return {"params": self.params, "request": dict(self.request)}


def _unpack(bits: NDArray[np.uint8], shape: list[int]) -> Mask:
    """Undo ``packbits``; the shape must fit the bits exactly."""
    size = int(np.prod([index(side) for side in shape], dtype=object))
    if min(shape, default=1) < 0 or bits.ndim != 1 or bits.size != -(-size // 8):
        raise ValueError(f"{bits.size} bytes do not hold {shape}")
    return np.unpackbits(bits, count=size).astype(bool).reshape(shape)


def as_tensor(mask: Mask) -> torch.Tensor:
    """Return a mask as a bool tensor."""
    return torch.from_numpy(np.ascontiguousarray(mask))
