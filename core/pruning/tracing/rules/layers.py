"""Layers with weights: convolutions, linear maps, normalisation."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from core.pruning.tracing.labels import LabelArray
from core.pruning.tracing.recording import (
    DimLabels,
    LayerKind,
    LayerRecord,
    Recorder,
    spatial,
    tie_chunks,
)
from core.pruning.tracing.rules.protocol import Call, Rule, UnhandledError, keep, source

_CONVS = (nn.modules.conv._ConvNd,)  # noqa: SLF001 - base of all convolutions


def none_as_fixed(recorder: Recorder, entry: LabelArray | None, n: int) -> LabelArray:
    """Return labels, made up and fixed where there are none."""
    if entry is not None:
        return entry
    made = recorder.book.fresh(n)
    recorder.book.fix(made, "its only channel" if n == 1 else "not made by a layer")
    return made


def _conv(recorder: Recorder, call: Call) -> None:
    _any_conv(recorder, call, "conv")


def _conv_transpose(recorder: Recorder, call: Call) -> None:
    _any_conv(recorder, call, "transposed")


def _any_conv(recorder: Recorder, call: Call, kind: LayerKind) -> None:
    """Convolution of (N, C, ...) or (C, ...), dense, grouped or depthwise."""
    tensor, weight = source(call), call.get(1, "weight")
    groups = int(call.get(6, "groups", 1))
    channel = tensor.dim() - weight.dim() + 1
    read, made = (1, 0) if kind == "conv" else (0, 1)
    entry = recorder.labels(tensor)[channel]
    dims = recorder.labels(weight)
    single = groups > 1 and groups == tensor.shape[channel]
    depthwise = single and (weight.shape[1] == 1 or kind == "conv")
    if groups == 1:
        recorder.bind(dims[read], entry)
        inputs = none_as_fixed(recorder, dims[read], weight.shape[read])
        outputs = dims[made]
    elif depthwise:
        inputs, outputs = _depthwise(recorder, (entry, dims), call, weight, kind)
    else:
        inputs, outputs = _grouped(recorder, (entry, dims), groups, weight, kind)
        if entry is not None:
            inputs = entry
    width = call.out.shape[channel]
    _fix_sides(recorder, tensor, channel + 1, "convolved along")
    labels: DimLabels = [None] * call.out.dim()
    if channel == 1:
        labels[0] = recorder.labels(tensor)[0]
    labels[channel] = outputs
    bias = call.get(2, "bias")
    if bias is not None:
        recorder.bind(recorder.labels(bias)[0], outputs)
    owner = recorder.owner(_CONVS)
    made_labels = none_as_fixed(recorder, outputs, width)
    recorder.use(owner, "out_channels", made_labels)
    for name in ("in_channels", "groups") if depthwise else ("in_channels",):
        read_labels = none_as_fixed(recorder, entry, tensor.shape[channel])
        recorder.use(owner, name, read_labels)
    recorder.layers.append(
        LayerRecord(
            kind=kind,
            weight=recorder.parameter(weight),
            bias=recorder.parameter(bias),
            inputs=inputs,
            outputs=made_labels,
            groups=groups,
            depthwise=depthwise,
            positions=spatial(call.out if kind == "conv" else tensor),
            reads=id(tensor),
            makes=id(call.out),
            settings=_settings(call, kind),
        )
    )
    keep(recorder, call, labels)


def _fix_sides(recorder: Recorder, tensor: Tensor, first: int, why: str) -> None:
    """Protect channels that lie where height and width usually are."""
    for entry in recorder.labels(tensor)[first:]:
        if entry is not None:
            recorder.book.fix(entry, why)


def _settings(call: Call, kind: LayerKind) -> dict[str, Any]:
    if kind == "conv":
        return {
            "stride": call.get(3, "stride", 1),
            "padding": call.get(4, "padding", 0),
            "dilation": call.get(5, "dilation", 1),
        }
    return {
        "stride": call.get(3, "stride", 1),
        "sides": call.get(1, "weight").dim() - 2,
    }


def _depthwise(
    recorder: Recorder,
    known: tuple[LabelArray | None, DimLabels],
    call: Call,
    weight: Tensor,
    kind: LayerKind,
) -> tuple[LabelArray, LabelArray | None]:
    """Each input channel has its own outputs, which go with it."""
    entry, dims = known
    if kind == "conv" and weight.shape[1] != 1:
        raise UnhandledError
    width = call.out.shape[call.out.dim() - weight.dim() + 1]
    if entry is not None and recorder.owner(_CONVS) is None:
        recorder.book.fix(entry, "a depthwise convolution with groups written by hand")
    if entry is None:
        recorder.bind(dims[0], None)
        recorder.bind(dims[1], None)
        inputs = none_as_fixed(recorder, None, width)
        return inputs, None
    each = width // len(entry)
    if kind == "conv":
        outputs = np.repeat(entry, each)
        recorder.bind(dims[0], outputs)
        return entry, outputs
    recorder.bind(dims[0], entry)
    recorder.bind(dims[1], None)
    return entry, np.repeat(entry, each)


def _grouped(
    recorder: Recorder,
    known: tuple[LabelArray | None, DimLabels],
    groups: int,
    weight: Tensor,
    kind: LayerKind,
) -> tuple[LabelArray, LabelArray | None]:
    """Groups keep equal widths: channel j of every group is one atom.

    A weight has one index for all groups along its grouped dimension, so the
    same positions must stay in every group.
    """
    entry, dims = known
    shared, whole = (1, 0)  # the dimension all groups share, and the one with all
    if entry is not None:
        tie_chunks(recorder, entry, groups)
    rows, columns = dims[whole], dims[shared]
    if rows is not None:
        tie_chunks(recorder, rows, groups)
    if kind == "conv":
        first = None if entry is None else entry[: weight.shape[1]]
        recorder.bind(dims[shared], first)
        width = weight.shape[1] * groups
        return none_as_fixed(recorder, entry, width), dims[whole]
    recorder.bind(dims[whole], entry)
    outputs = None if columns is None else np.tile(columns, groups)
    return none_as_fixed(recorder, entry, weight.shape[0]), outputs


def _linear(recorder: Recorder, call: Call) -> None:
    tensor, weight = source(call), call.get(1, "weight")
    if weight.dim() != 2:
        raise UnhandledError
    dims, labels = recorder.labels(weight), list(recorder.labels(tensor))
    entry = labels[-1]
    recorder.bind(dims[1], entry)
    bias = call.get(2, "bias")
    if bias is not None:
        recorder.bind(recorder.labels(bias)[0], dims[0])
    owner = recorder.owner((nn.Linear,))
    inputs = none_as_fixed(recorder, dims[1], weight.shape[1])
    outputs = none_as_fixed(recorder, dims[0], weight.shape[0])
    recorder.use(owner, "in_features", inputs)
    recorder.use(owner, "out_features", outputs)
    recorder.layers.append(
        LayerRecord(
            kind="linear",
            weight=recorder.parameter(weight),
            bias=recorder.parameter(bias),
            inputs=inputs,
            outputs=outputs,
            positions=tensor.numel() // weight.shape[1],
            reads=id(tensor),
            makes=id(call.out),
        )
    )
    keep(recorder, call, [*labels[:-1], dims[0]])


def _per_channel_norm(recorder: Recorder, call: Call) -> None:
    """Batch and instance normalisation: everything follows its channel."""
    tensor = source(call)
    measured = call.get(1, "running_mean") is None or bool(call.get(5, "training"))
    if call.name == "instance_norm" or measured:
        _fix_sides(recorder, tensor, 2, "normalised along")
    if call.name == "batch_norm" and measured:
        batch = recorder.labels(tensor)[0]
        if batch is not None:
            recorder.book.fix(batch, "normalised along")
    entry = recorder.labels(tensor)[1]
    slots = ((1, "running_mean"), (2, "running_var"), (3, "weight"), (4, "bias"))
    for position, keyword in slots:
        parameter = call.get(position, keyword)
        if parameter is not None:
            recorder.bind(recorder.labels(parameter)[0], entry)
    labels = none_as_fixed(recorder, entry, tensor.shape[1])
    kinds = (nn.modules.batchnorm._NormBase,)  # noqa: SLF001 - base of all norms
    recorder.use(recorder.owner(kinds), "num_features", labels)
    if call.name == "batch_norm":
        recorder.layers.append(
            LayerRecord(
                kind="norm",
                weight=recorder.name(call.get(3, "weight")),
                bias=recorder.name(call.get(4, "bias")),
                inputs=labels,
                outputs=labels,
                reads=id(tensor),
                makes=id(call.out),
                settings={
                    "mean": recorder.name(call.get(1, "running_mean")),
                    "var": recorder.name(call.get(2, "running_var")),
                    "eps": float(call.get(7, "eps", 1e-5)),
                },
            )
        )
    keep(recorder, call, recorder.labels(tensor))


def _group_norm(recorder: Recorder, call: Call) -> None:
    """Groups keep equal widths; statistics are over what is left of a group."""
    tensor, groups = source(call), int(call.get(1, "num_groups"))
    _fix_sides(recorder, tensor, 2, "normalised along")
    entry = recorder.labels(tensor)[1]
    owner = recorder.owner((nn.GroupNorm,))
    if entry is not None and owner is None:
        recorder.book.fix(entry, "a group norm called without its module")
    for position, keyword in ((2, "weight"), (3, "bias")):
        parameter = call.get(position, keyword)
        if parameter is not None:
            recorder.bind(recorder.labels(parameter)[0], entry)
    labels = none_as_fixed(recorder, entry, tensor.shape[1])
    recorder.use(owner, "num_channels", labels)
    if groups == tensor.shape[1]:
        recorder.use(owner, "num_groups", labels)
    else:
        tie_chunks(recorder, labels, groups)
        if tensor[0, 0].numel() == 1:  # torch refuses to normalise a single value
            pairs = labels.reshape(groups, -1)[:, :2]
            recorder.book.fix(pairs, "two of each group stay: the map is one pixel")
    recorder.mixed.append(labels)
    keep(recorder, call, recorder.labels(tensor))


def _layer_norm(recorder: Recorder, call: Call) -> None:
    """Normalisation over the last dimension; statistics are over what is left."""
    tensor = source(call)
    sides = len(call.get(1, "normalized_shape"))
    entries = recorder.labels(tensor)[-sides:]
    owner = recorder.owner((nn.LayerNorm, nn.RMSNorm))
    if owner is None or sides > 1:
        recorder.fix([tensor, call.args, call.kwargs], "a layer norm over fixed sizes")
        keep(recorder, call, recorder.labels(tensor))
        recorder.mixed.append(none_as_fixed(recorder, None, tensor.shape[-1]))
        return
    slots = ((2, "weight"), (3, "bias"))
    for position, keyword in slots[: 1 if call.name == "rms_norm" else 2]:
        parameter = call.get(position, keyword)
        if parameter is not None:
            recorder.bind(recorder.labels(parameter)[0], entries[0])
    labels = none_as_fixed(recorder, entries[0], tensor.shape[-1])
    recorder.use(owner, "normalized_shape", labels)
    recorder.mixed.append(labels)
    keep(recorder, call, recorder.labels(tensor))


def _prelu(recorder: Recorder, call: Call) -> None:
    tensor, weight = source(call), call.get(1, "weight")
    labels = recorder.labels(tensor)
    if weight.numel() > 1:
        entry = labels[1 if tensor.dim() > 1 else 0]
        recorder.bind(recorder.labels(weight)[0], entry)
        if entry is not None:
            recorder.use(recorder.owner((nn.PReLU,)), "num_parameters", entry)
    keep(recorder, call, labels)


RULES: dict[str, Rule] = {
    "conv1d": _conv,
    "conv2d": _conv,
    "conv3d": _conv,
    "conv_transpose1d": _conv_transpose,
    "conv_transpose2d": _conv_transpose,
    "conv_transpose3d": _conv_transpose,
    "linear": _linear,
    "batch_norm": _per_channel_norm,
    "instance_norm": _per_channel_norm,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _layer_norm,
    "prelu": _prelu,
}
