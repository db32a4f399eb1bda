"""Parts of a network that run in training only, such as auxiliary heads.

They read channels that pruning removes, so they have to shrink with the rest, or the
pruned network could not be trained.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

from core.pruning.tracing.dataflow import Wiring
from core.pruning.tracing.graph import OUTPUT
from core.pruning.tracing.nested import tensors_within
from core.pruning.tracing.recording import Recorder
from core.pruning.tracing.side_effects import restoring
from core.pruning.tracing.watching import CallWatch, RuleError
from core.pruning.tracing.width_attributes import watching_widths


def trace_training(
    module: nn.Module, inputs: tuple[Tensor, ...], recorder: Recorder
) -> None:
    """Run a module in training mode, if parts of it have not run yet.

    What is new joins the recorder: its weights, tied to the channels that they read.
    Costs and order of what ran before stay as they are.

    Parameters
    ----------
    module
        In evaluation mode; it is put back there.
    inputs
        An example.
    recorder
        Of a run in evaluation mode, on shapes.
    """
    used = recorder.used()
    if all(name in used for name, _ in module.named_parameters()):
        return
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with _training(module), _only_additions(recorder):
        try:
            with torch.no_grad(), fake, watching_widths(recorder, module):
                shapes = tree_map_only(Tensor, fake.from_tensor, inputs)
                with CallWatch(recorder, Wiring(), writes=True):
                    out = module(*shapes)
        except RuleError:
            raise
        except Exception:  # noqa: BLE001 - not every model trains on one tile
            return
        recorder.fix(tensors_within(out), OUTPUT)


@contextlib.contextmanager
def _training(module: nn.Module) -> Iterator[None]:
    with restoring(module):  # the mode of each child, too
        for child in module.modules():
            # Batch norms count batches outside of the calls that are watched.
            if vars(child)["_buffers"].get("num_batches_tracked") is not None:
                vars(child)["_buffers"]["num_batches_tracked"] = None
        module.train()
        yield


@contextlib.contextmanager
def _only_additions(recorder: Recorder) -> Iterator[None]:
    """Keep what is new, and put back what the first run wrote down."""
    layers, known = len(recorder.layers), recorder.used()
    readers = dict(recorder.readers)
    kept = {
        name: list(getattr(recorder, name))
        for name in ("mixed", "sums", "calls", "touched")
    }
    unknown, handed = dict(recorder.unknown), recorder.handed
    try:
        yield
    finally:
        added = [
            record
            for record in recorder.layers[layers:]
            if record.weight is not None and record.weight not in known
        ]
        for record in added:
            record.positions = 0  # it does not run when the network is used
        recorder.layers[layers:] = added
        recorder.readers.update(readers)
        for name, before in kept.items():
            getattr(recorder, name)[:] = before
        recorder.unknown, recorder.handed = unknown, handed
