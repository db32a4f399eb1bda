"""The process that measures: ``python -m core.latency.worker_process``.

Reads requests on standard input and answers on standard output. It ends when
its input closes, so it dies with whoever started it.
"""

import os
import queue
import sys
import threading
from typing import IO

import torch

from core.errors import BenchError
from core.latency.measure import measure
from core.latency.messages import (
    MeasuringFailed,
    MeasuringProgress,
    MeasuringReady,
    MeasuringRequest,
    read_frame,
    unpack_modules,
    write_frame,
)
from core.results.latency import Comparison


def main() -> None:
    """Serve until the input closes."""
    # before any operation: pool threads inherit the flag when they start
    torch.set_flush_denormal(True)
    answers = _private_output()
    requests: queue.SimpleQueue[MeasuringRequest] = queue.SimpleQueue()
    reader = threading.Thread(
        target=_read, args=(sys.stdin.buffer, requests), daemon=True
    )
    reader.start()
    write_frame(answers, MeasuringReady())
    while True:
        write_frame(answers, answer(requests.get(), answers))


def answer(
    request: MeasuringRequest, answers: IO[bytes]
) -> Comparison | MeasuringFailed:
    """Measure one request; errors become words."""
    try:
        dense, pruned, inputs = unpack_modules(request.payload)
    except Exception as error:  # noqa: BLE001 - a foreign class raises anything
        return MeasuringFailed(str(error) or repr(error), unloadable=True)

    def step(done: int, total: int) -> None:
        write_frame(answers, MeasuringProgress(done, total))

    try:
        pair = dense.eval(), pruned.eval()
        return measure(pair, inputs, request.settings, step, isolated=True)
    except BenchError as error:
        return MeasuringFailed(str(error))
    except Exception as error:  # noqa: BLE001 - a network fails in any way
        return MeasuringFailed(f"{type(error).__name__}: {error}")


def _private_output() -> IO[bytes]:
    """Keep standard output for frames and send stray prints to the error stream."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _read(stream: IO[bytes], requests: "queue.SimpleQueue[MeasuringRequest]") -> None:
    try:
        while True:
            requests.put(read_frame(stream))
    except (EOFError, OSError):
        # the parent has gone, perhaps killed: stop at once, even mid-measurement
        os._exit(0)


if __name__ == "__main__":
    main()
