"""Networks of a user's own Python file, which is run only after a consent.

The consent names a file and the SHA-256 of its content, and holds for that content in
this process and those that it starts; no model file and no settings carry it. The
bytes that were hashed are those that run.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from core.errors import ModelError
from core.models.formats.states import inner_states
from core.models.outputs import fit_reader
from core.models.weights import adopt, check_fit
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.models.loaded import Found

ARCHITECTURE = "python"
_ALLOWED = "PRUNESCOPE_ALLOWED_NETWORKS"  # for child processes: sha256 -> path
_PREFIX = "prunescope_network_"
_MOST = 10_000_000  # bytes of a source file


class ConsentNeededError(ModelError):
    """A network's code would be run, and nobody has agreed to that.

    Parameters
    ----------
    code
        What would be run.
    """

    def __init__(self, code: NetworkCode) -> None:
        self.code = code
        super().__init__(
            f"{code.describe()} would be run, with all rights of your account, to "
            "build this network. Read it; if you trust it, open the model again and "
            "agree (--trust on the command line)."
        )


@dataclass(frozen=True, slots=True)
class NetworkCode:
    """A class in a Python file.

    Parameters
    ----------
    path
        Of the file.
    name
        Of the class, or of a function that returns the network.
    sha256
        Of the file's content.
    """

    path: Path
    name: str
    sha256: str

    @classmethod
    def find(cls, text: str) -> NetworkCode:
        """Read ``FILE.py:CLASS`` and hash the file, which is not run.

        Raises
        ------
        ModelError
            When there is no such file, or no class is named.
        """
        file, sign, name = text.rpartition(":")
        if not sign or not name.isidentifier() or not file:
            raise ModelError(
                f"{text[:200]!r} names no network; write FILE.py:CLASS, such as "
                "my_net.py:MyNet"
            )
        path = Path(file).absolute()
        return cls(path, name, hashlib.sha256(_source(path)).hexdigest())

    def describe(self) -> str:
        """File, class and hash, for a question."""
        return f"{self.name} of {self.path} (SHA-256 {self.sha256})"


def _source(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST:
            raise ModelError(f"{path.name} is too large for a Python file")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the network's code {path} cannot be read ({error.strerror}); give its "
            "place with --network FILE.py:CLASS"
        ) from error


def allow(code: NetworkCode) -> None:
    """Note that a user agreed to run this content of a file."""
    known = _allowed() | {code.sha256: str(code.path)}
    os.environ[_ALLOWED] = json.dumps(known)


def is_allowed(code: NetworkCode) -> bool:
    """Whether a user agreed to run this content."""
    return code.sha256 in _allowed()


def _allowed() -> dict[str, str]:
    try:
        found = json.loads(os.environ.get(_ALLOWED, "{}"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def build_network(
    file: str, name: str, sha256: str, arguments: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build a network of a Python file; the builder of the architecture ``python``.

    Parameters
    ----------
    file, name
        Of the source, and of the class in it.
    sha256
        That the source had when the model was opened first.
    arguments
        Keyword arguments of the class.

    Raises
    ------
    ConsentNeededError
        When nobody has agreed to run it.
    ModelError
        When the file has changed or is gone, has no such class, or fails.
    """
    code = NetworkCode.find(f"{file}:{name}")
    if code.sha256 != sha256:
        raise ModelError(
            f"{code.path.name} has changed since this model was saved, so the weights "
            "may not fit it any more; open the weights with --network again"
        )
    if not is_allowed(code):
        raise ConsentNeededError(code)
    builder = getattr(_run(code), name, None)
    if not callable(builder):
        raise ModelError(f"{code.path.name} holds no class {name!r}; check its name")
    try:
        made = builder(**(arguments or {}))
    except Exception as error:  # code of a user raises anything
        raise ModelError(
            f"{name} of {code.path.name} cannot be built with {dict(arguments or {})} "
            f"({_first(error)}); give its arguments with --network-arguments"
        ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(f"{name} of {code.path.name} is no torch.nn.Module")
    return made


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _run(code: NetworkCode) -> ModuleType:
    """Run the file once, as a module of its own name."""
    name = _PREFIX + code.sha256
    if name in sys.modules:
        return sys.modules[name]
    source = _source(code.path)
    if hashlib.sha256(source).hexdigest() != code.sha256:
        raise ModelError(f"{code.path.name} has just changed; open the model again")
    module = ModuleType(name)
    module.__file__ = str(code.path)
    sys.modules[name] = module
    try:
        exec(compile(source, str(code.path), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise ModelError(
            f"{code.path.name} cannot be run ({type(error).__name__}: "
            f"{_first(error)}); correct it, or install what it imports"
        ) from error
    return module


def open_network(
    path: Path | None,
    state: Mapping[str, Tensor],
    text: str,
    given: Mapping[str, Any],
    *,
    fitted: bool = True,
) -> Found:
    """Build a user's network and describe it.

    Parameters
    ----------
    path
        Of its weights; None keeps those that its constructor makes.
    state
        Weights of that file, under whatever prefix they have.
    text
        ``FILE.py:CLASS``.
    given
        Keyword arguments of the class.
    fitted
        Whether the network takes RGB, and its outputs tell how they are read.

    Returns
    -------
    tuple
        Description, with the reader that fits its outputs, and its weights.

    Raises
    ------
    ConsentNeededError
        When nobody has agreed to run the file.
    ModelError
        When it fails, or the weights are of another network.
    """
    code = NetworkCode.find(text)
    config: dict[str, Any] = {
        "file": str(code.path),
        "name": code.name,
        "sha256": code.sha256,
        "arguments": dict(given),
    }
    module = build_network(**config).eval()
    weights: dict[str, Tensor] = dict(module.state_dict())
    if path is not None:
        weights = _fitting(module, state, path.name)
        adopt(module, weights, path.name)
    stem = f"{code.name} (weights of its constructor)" if path is None else path.stem
    spec = ModelSpec(stem, "nuclei", ARCHITECTURE, config, reader="mask")
    return (fit_reader(spec, module) if fitted else spec), weights


def relocate(spec: ModelSpec, text: str) -> ModelSpec:
    """Return the description of a saved network whose source lies elsewhere now.

    Raises
    ------
    ModelError
        When it needs no source, or this is another one.
    """
    if spec.architecture != ARCHITECTURE:
        raise ModelError(f"{spec.name} is built without code; leave --network out")
    code = NetworkCode.find(text)
    if (code.sha256, code.name) != (spec.config["sha256"], spec.config["name"]):
        raise ModelError(
            f"{spec.name} was saved with other code than {code.path.name}; give the "
            "file that it was opened with"
        )
    return replace(spec, config={**spec.config, "file": str(code.path)})


def _fitting(
    module: nn.Module, state: Mapping[str, Tensor], where: str
) -> dict[str, Tensor]:
    """Return the weights under the prefix with which most of their names fit."""
    wanted = module.state_dict().keys()
    best = max(inner_states(state), key=lambda inner: len(inner.keys() & wanted))
    check_fit(module, best, where)
    return best
