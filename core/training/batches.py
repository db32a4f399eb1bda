"""Batches, made ahead of the network by a background thread."""

import queue
import threading
from collections.abc import Generator, Sequence
from dataclasses import fields, replace

import numpy as np
import torch
from torch import Tensor

from core.nuclei.preprocess import scale
from core.training.augment import augment
from core.training.data import Example, draw
from core.training.settings import TrainingSettings
from core.training.targets import Targets, centre_offsets, make_targets
from core.types import ModelSpec


def make_batch(
    data: Sequence[Example], spec: ModelSpec, settings: TrainingSettings, step: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Draw, change and stack the crops of one step.

    Depends on nothing but its arguments, so a resumed run sees the same batches.

    Parameters
    ----------
    data
        Where crops are drawn from.
    spec
        How pixels are scaled.
    settings
        The run.
    step
        Which step, from 0.

    Returns
    -------
    inputs
        float32 (batch, 3, crop, crop), scaled as `spec` says, channels last.
    targets
        The fields of `Targets`, each (batch, crop, crop); ``hv`` float32 (batch, 2,
        crop, crop) for networks that are read by it; ``known`` bool and ``patch``
        int64 (batch,), see `Example`.
    """
    changed = []
    for place in range(settings.batch):
        rng = np.random.default_rng([settings.seed, step, place])
        example = draw(data, step, rng)
        image, labels = augment(
            example.pixels, example.labels, settings.crop, settings.augmentation, rng
        )
        changed.append(replace(example, pixels=image, labels=labels))
    return stack(changed, spec)


def stack(
    examples: Sequence[Example], spec: ModelSpec
) -> tuple[Tensor, dict[str, Tensor]]:
    """Make one batch of examples of equal size; see `make_batch`."""
    maps = [make_targets(e.labels, e.classes) for e in examples]
    pixels = torch.from_numpy(np.stack([e.pixels for e in examples]))
    inputs = scale(pixels.permute(0, 3, 1, 2).float(), spec)
    targets = {
        entry.name: torch.from_numpy(np.stack([getattr(m, entry.name) for m in maps]))
        for entry in fields(Targets)
    }
    targets["known"] = torch.tensor([e.known for e in examples])
    targets["patch"] = torch.tensor([e.patch for e in examples])
    if spec.reader == "hv":
        offsets = np.stack([centre_offsets(e.labels) for e in examples])
        targets["hv"] = torch.from_numpy(offsets)
    return inputs.contiguous(memory_format=torch.channels_last), targets


def batches(
    data: Sequence[Example], spec: ModelSpec, settings: TrainingSettings, first: int
) -> Generator[tuple[Tensor, dict[str, Tensor]]]:
    """Batches of steps `first` to the last, three made ahead.

    Closing the iterator stops the thread.
    """
    ready: queue.Queue[tuple[Tensor, dict[str, Tensor]] | BaseException] = queue.Queue(
        3
    )
    stop = threading.Event()

    def offer(item: tuple[Tensor, dict[str, Tensor]] | BaseException) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for step in range(first, settings.steps):
                if stop.is_set():
                    return
                offer(make_batch(data, spec, settings, step))
        except Exception as error:  # noqa: BLE001 - raised again by the reader
            offer(error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        for _ in range(first, settings.steps):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
