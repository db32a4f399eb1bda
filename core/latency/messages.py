"""Frames between the window and the process that measures.

A frame is eight bytes of length and a pickle. Pickle is safe here and only
here: both ends are this program, and the pipe has no name that another could
open. Files never take this way.
"""

import io
import pickle
import struct
from dataclasses import dataclass
from typing import IO, Any

import torch
from torch import nn

from core.latency.settings import TimingSettings
from core.results.latency import Comparison

_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class MeasuringRequest:
    """What the process is asked.

    Parameters
    ----------
    payload
        Networks and inputs, as `pack_modules` makes it.
    settings
        How to measure.
    """

    payload: bytes
    settings: TimingSettings


@dataclass(frozen=True, slots=True)
class MeasuringReady:
    """The process has loaded torch and waits."""


@dataclass(frozen=True, slots=True)
class MeasuringProgress:
    """Blocks done and expected."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class MeasuringFailed:
    """Why there is no result.

    Parameters
    ----------
    message
        For the user.
    unloadable
        The networks could not be rebuilt there: measure here instead.
    """

    message: str
    unloadable: bool = False


Message = MeasuringReady | MeasuringProgress | MeasuringFailed | Comparison


def pack_modules(dense: nn.Module, pruned: nn.Module, inputs: tuple[Any, ...]) -> bytes:
    """Serialise both networks and their inputs.

    Raises
    ------
    Exception
        Whatever pickling raises when a network cannot be handed over.
    """
    buffer = io.BytesIO()
    torch.save((dense, pruned, inputs), buffer)
    return buffer.getvalue()


def unpack_modules(payload: bytes) -> tuple[nn.Module, nn.Module, tuple[Any, ...]]:
    """Rebuild what `pack_modules` was given."""
    dense, pruned, inputs = torch.load(io.BytesIO(payload), weights_only=False)
    return dense, pruned, inputs


def write_frame(stream: IO[bytes], value: object) -> None:
    """Send one value."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """Receive one value.

    Raises
    ------
    EOFError
        When the other end has gone.
    """
    (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return pickle.loads(_exactly(stream, size))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
