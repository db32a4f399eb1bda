"""Measuring in a process of its own.

Start with `compare`. A window that draws doubles the times it draws (measured
in the same process), and starting torch takes seconds; so a window keeps one
`LatencyProcess` for as long as it lives.
"""

import copy
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import torch
from torch import nn

from core.children import LATENCY, to_command
from core.errors import ModelError
from core.job import Cancelled, Job
from core.latency.measure import measure
from core.latency.messages import (
    MeasuringFailed,
    MeasuringProgress,
    MeasuringReady,
    MeasuringRequest,
    Message,
    pack_modules,
    read_frame,
    write_frame,
)
from core.latency.settings import FULL, TimingSettings
from core.results.latency import Comparison, Environment

_POLL = 0.01  # seconds between looks at the cancel flag: a drag waits for it
_WHAT = "Measuring latency"


def compare(
    dense: nn.Module,
    pruned: nn.Module,
    example: Any,
    *,
    settings: TimingSettings = FULL,
    job: Job | None = None,
    process: "LatencyProcess | None" = None,
) -> Comparison:
    """Measure two networks against each other.

    Both run in turns in one process that does nothing else, after a warm-up,
    in the memory layout that suits them best.

    Parameters
    ----------
    dense, pruned
        Networks that take ``example``; neither is changed.
    example
        Tensor or tuple of tensors, such as (1, 3, H, W).
    settings
        `FULL`, `QUICK` or your own.
    job
        For progress and cancelling; a cancelled measurement stops at once.
    process
        A process that is already there; else one is started and ended.

    Returns
    -------
    comparison
        ``.isolated`` is False when the networks could not be handed to a
        process of their own (a class defined in a script) and were measured
        in this one.

    Raises
    ------
    ModelError
        When a network fails on the example.
    Cancelled
        When the job was cancelled.
    """
    if process is not None:
        return process.compare(dense, pruned, example, settings=settings, job=job)
    with LatencyProcess() as own:
        return own.compare(dense, pruned, example, settings=settings, job=job)


class LatencyProcess:
    """A process that measures on request, and starts when first needed.

    Use it from one thread at a time; only `close` may come from another, and
    cancels what is being measured. It ends with `close`, with the ``with``
    block, or with this process, however that ends.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._ready = False
        self._known: dict[tuple[object, ...], Environment] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether there is a live process."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the process without waiting for it; no effect when it runs."""
        if self.running:
            return
        self.close()
        self._inbox, self._ready = queue.SimpleQueue(), False
        # what this process imports, wherever it stands
        paths = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
        env = os.environ | {"PYTHONPATH": paths}
        self._child = subprocess.Popen(
            to_command(LATENCY),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
        )
        assert self._child.stdout is not None
        arguments = (self._child.stdout, self._inbox)
        threading.Thread(target=_collect, args=arguments, daemon=True).start()

    def close(self) -> None:
        """End the process at once, whatever it does; may be started again."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                _close_quietly(stream)

    def compare(
        self,
        dense: nn.Module,
        pruned: nn.Module,
        example: Any,
        *,
        settings: TimingSettings = FULL,
        job: Job | None = None,
    ) -> Comparison:
        """Measure; see the function `compare`.

        The layout and threads found best for a dense network and input shape
        are kept, so that quick measurements after it need not look again.
        """
        job = job or Job()
        inputs = example if isinstance(example, tuple) else (example,)
        key = _key(dense, inputs, settings)
        known = self._known.get(key)
        if known is not None and settings.seconds < FULL.seconds:
            settings = _filled(settings, known)
        job.step(0, 0, _WHAT, "latency")  # packing takes a while: not in vain
        try:
            payload = pack_modules(dense, pruned, inputs)
        except Exception:  # noqa: BLE001 - a network refuses pickling in any way
            return _measure_here(dense, pruned, inputs, settings, job)
        found = (
            None if _frozen() else self._ask(MeasuringRequest(payload, settings), job)
        )
        if found is None:
            return _measure_here(dense, pruned, inputs, settings, job)
        if found.tried:
            self._known[key] = found.environment
        return found

    def _ask(self, request: MeasuringRequest, job: Job) -> Comparison | None:
        """Send a request and wait; None when it has to be measured here."""
        try:
            self.start()
        except OSError:  # no interpreter where one should be
            return None
        try:
            if not self._ready:
                self._wait(job)
            assert self._child is not None
            assert self._child.stdin is not None
            write_frame(self._child.stdin, request)
            reply = self._wait(job)
        except (OSError, EOFError, ValueError) as error:
            self._explain_end(error)
            return None
        except BaseException:  # cancelled or interrupted: it must not go on
            self.close()
            raise
        if isinstance(reply, MeasuringFailed) and not reply.unloadable:
            raise ModelError(
                f"The network could not be timed ({reply.message}); "
                "check that it takes this input."
            )
        return reply if isinstance(reply, Comparison) else None

    def _explain_end(self, error: Exception) -> None:
        """Say why the process is gone; returns when it never came up."""
        if self._child is None:  # another thread closed it: the window goes
            raise Cancelled from error
        came_up = self._ready
        self.close()
        if came_up:  # doing the same here might end this process as well
            raise ModelError(
                "The process that measures ended by itself, probably for lack of "
                "memory; close other programs or open a smaller tile."
            ) from error

    def _wait(self, job: Job) -> Message:
        """Wait for the next answer, passing progress on."""
        job.step(0, 0, _WHAT, "latency")
        while True:
            if job.cancelled:
                raise Cancelled
            try:
                message = self._inbox.get(timeout=_POLL)
            except queue.Empty:
                continue
            if message is None:
                raise EOFError
            if isinstance(message, MeasuringReady):
                self._ready = True
            if not isinstance(message, MeasuringProgress):
                return message
            job.step(message.done, message.total, _WHAT, "latency")


def _collect(stream: IO[bytes], inbox: "queue.SimpleQueue[Message | None]") -> None:
    """Move answers to where they can be waited for (own thread)."""
    try:
        while True:
            inbox.put(read_frame(stream))
    except (EOFError, OSError, ValueError):  # closed at either end
        inbox.put(None)


def _measure_here(
    dense: nn.Module,
    pruned: nn.Module,
    inputs: tuple[Any, ...],
    settings: TimingSettings,
    job: Job,
) -> Comparison:
    """Measure copies in this process, and say so in the result."""
    try:
        pair = copy.deepcopy(dense).eval(), copy.deepcopy(pruned).eval()

        def step(done: int, total: int) -> None:
            job.step(done, total, _WHAT, "latency")

        return measure(pair, inputs, settings, step, isolated=False)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"The network could not be timed ({error}); check that it takes this input."
        ) from error


def _key(
    dense: nn.Module, inputs: tuple[Any, ...], settings: TimingSettings
) -> tuple[object, ...]:
    shapes = tuple(
        tuple(each.shape) for each in inputs if isinstance(each, torch.Tensor)
    )
    size = sum(each.numel() for each in dense.parameters())
    return type(dense), size, shapes, settings.threads


def _filled(settings: TimingSettings, known: Environment) -> TimingSettings:
    """Take over what an earlier measurement found best."""
    layout = settings.layout
    if layout == "auto":
        layout = "channels_last" if known.layout == "channels_last" else "contiguous"
    return replace(settings, layout=layout, threads=settings.threads or known.threads)


def _frozen() -> bool:
    """Whether this is a bundled program, whose executable is not Python."""
    return bool(getattr(sys, "frozen", False))


def _close_quietly(stream: Any) -> None:
    with suppress(OSError):  # unsent bytes to a process that is gone
        stream.close()
