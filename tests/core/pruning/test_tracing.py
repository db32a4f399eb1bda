"""What is traced, what is protected, and modules that cannot be traced."""

import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import PruningError
from core.pruning import Counter, apply_plan, make_plan, trace
from core.pruning.applying.masked import living_atoms
from core.pruning.tracing.labels import FIXED
from tests.core.pruning.oracle import check, difference, from_catalogue, run, subject


class Body(nn.Module):
    """A layer of eight channels, something done to it, and a reader."""

    def __init__(self, reads=8):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.reader = nn.Conv2d(reads, 2, 1)

    def forward(self, x):
        return self.reader(self.middle(self.first(x)))

    def middle(self, x):
        return x


def _image():
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def _first(graph):
    return next(layer for layer in graph.producing_layers if layer.name == "first")


def _is_protected(module, reason):
    graph = trace(module.eval(), _image())
    assert (_first(graph).outputs == FIXED).all()
    assert reason in graph.reasons["first"], graph.reasons
    return graph


def _is_free(module):
    it = subject(module.eval().double(), _image().double())
    assert (_first(it.graph).outputs != FIXED).any()
    check(it, it.plan("l2", 0.5 * it.reach))


# --- widths written into the code -------------------------------------------------


def test_a_view_with_a_literal_width():
    class Net(Body):
        def middle(self, x):
            return x.view(2, 8, 64).reshape(2, 8, 8, 8)

    _is_protected(Net(), "size written into the code")


def test_a_view_that_follows_the_width():
    class Net(Body):
        def middle(self, x):
            n, c, h, w = x.shape
            return x.view(n, c, h * w).view(n, c, h, w)

    _is_free(Net())


def test_a_split_at_a_literal_width():
    class Net(Body):
        def middle(self, x):
            return torch.cat(torch.split(x, [3, 5], 1)[::-1], 1)

    _is_protected(Net(), "split at a size written into the code")


def test_a_slice_at_a_literal_width():
    class Net(Body):
        def middle(self, x):
            return x[:, :4]

    _is_protected(Net(reads=4), "sliced at a position written into the code")


def test_halves_that_follow_the_width():
    class Net(Body):
        def middle(self, x):
            half = x.shape[1] // 2
            return x[:, :half] * torch.sigmoid(x[:, half:])

    _is_free(Net(reads=4))


def test_a_width_that_is_compared():
    class Net(Body):
        def middle(self, x):
            return x * 2 if x.shape[1] > 4 else x

    _is_protected(Net(), "compares a width")


def test_a_width_that_is_compared_with_equals():
    class Net(Body):
        def middle(self, x):
            return x * 2 if x.size(1) == 8 else x

    _is_protected(Net(), "compares a width")


def test_a_width_in_arithmetic():
    class Net(Body):
        def middle(self, x):
            return x / x.shape[1] ** 0.5

    _is_protected(Net(), "depends on a width")


def test_a_width_that_sizes_something_else():
    class Net(Body):
        def middle(self, x):
            return x + torch.linspace(0, 1, x.shape[1])[:, None, None]

    _is_protected(Net(), "width")


def test_constants_as_wide_as_a_map_go_with_its_channels():
    class Net(Body):
        def middle(self, x):
            return x + torch.ones(x.shape[1])[:, None, None]

    _is_free(Net())


def test_one_channel_picked_by_number():
    class Net(Body):
        def middle(self, x):
            return x * x[:, 3:4]

    _is_protected(Net(), "written into the code")


def test_a_functional_depthwise_convolution_with_groups_by_hand():
    class Net(Body):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(8, 1, 3, 3))

        def middle(self, x):
            return nn.functional.conv2d(x, self.kernel, padding=1, groups=8)

    _is_protected(Net(), "groups written by hand")


def test_a_mean_over_channels():
    class Net(Body):
        def middle(self, x):
            return x + x.mean(1, keepdim=True)

    _is_protected(Net(), "mixed by mean over channels")


# --- operations without a rule ------------------------------------------------------


def test_an_unknown_operation_is_named():
    class Net(Body):
        def middle(self, x):
            return torch.fft.fft(x, dim=2).real + torch.cumprod(x, 1)

    graph = _is_protected(Net(), "which has no rule")
    assert {"fft_fft", "cumprod"} <= set(graph.unknown)
    assert graph.unknown["cumprod"] == 1


def test_an_unknown_operation_protects_only_what_it_touches():
    class Net(Body):
        def __init__(self):
            super().__init__()
            self.other = nn.Conv2d(3, 8, 1)

        def forward(self, x):
            return self.reader(torch.cumprod(self.first(x), 1)) + self.reader(
                torch.relu(self.other(x))
            )

    # One reader for both: the two are tied through its weight.
    _is_protected(Net(), "")

    class Apart(Net):
        def __init__(self):
            super().__init__()
            self.second = nn.Conv2d(8, 2, 1)

        def forward(self, x):
            return self.reader(torch.cumprod(self.first(x), 1)) + self.second(
                torch.relu(self.other(x))
            )

    graph = _is_protected(Apart(), "which has no rule")
    other = next(layer for layer in graph.producing_layers if layer.name == "other")
    assert (other.outputs != FIXED).all()


def test_outputs_are_protected_and_say_so():
    graph = from_catalogue("unet").graph
    heads = [
        layer for layer in graph.producing_layers if layer.name.startswith("heads.")
    ]
    assert len(heads) == 3
    for layer in heads:
        assert (layer.outputs == FIXED).all()
        assert graph.reasons[layer.name]


# --- modules that cannot be traced ------------------------------------------------


def _state(module):
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return {name: (id(t), type(t), t.clone()) for name, t in tensors}


def _refused(module, example, match):
    """Refused with this sentence, and left exactly as it was."""
    before = _state(module)
    flags = [child.training for child in module.modules()]
    with pytest.raises(PruningError, match=match) as caught:
        trace(module, example)
    after = _state(module)
    assert list(before) == list(after)
    for name, (identity, kind, values) in before.items():
        assert after[name][0] == identity, name
        assert after[name][1] is kind, name
        assert torch.equal(after[name][2], values), name
    assert [child.training for child in module.modules()] == flags
    return str(caught.value)


class Counting(Body):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("last", torch.zeros(8))


def test_a_module_that_adds_to_its_buffer():
    class Net(Counting):
        def middle(self, x):
            self.seen += 1
            return x

    _refused(Net(), _image(), r"changes its own parameters or buffers.*seen")


def test_a_module_that_replaces_its_buffer():
    class Net(Counting):
        def middle(self, x):
            self.last = x.detach().mean((0, 2, 3))
            return x

    _refused(Net(), _image(), r"changes its own parameters or buffers.*last")


def test_a_module_that_copies_into_its_buffer():
    class Net(Counting):
        def middle(self, x):
            self.last.copy_(x.mean((0, 2, 3)))
            return x

    _refused(Net(), _image(), r"changes its own parameters or buffers.*last")


def test_a_module_that_scales_its_weight_in_place():
    class Net(Body):
        def middle(self, x):
            with torch.no_grad():
                self.first.weight.mul_(0.5)
            return x

    _refused(Net(), _image(), r"changes its own parameters or buffers.*first\.weight")


def test_a_module_that_writes_through_data():
    class Net(Body):
        def middle(self, x):
            self.first.weight.data *= 0.5
            return x

    _refused(Net(), _image(), r"changes its own parameters or buffers.*first\.weight")


def test_a_module_that_adds_a_layer():
    class Net(Body):
        def middle(self, x):
            if not hasattr(self, "late"):
                self.late = nn.Conv2d(8, 8, 1)
            return self.late(x)

    _refused(Net(), _image(), r"changes its own parameters or buffers.*late")


def test_batch_norms_in_training_mode_are_no_mutation():
    module = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 2, 1))
    before = module[1].running_mean.clone()
    trace(module.train(), _image())
    assert torch.equal(module[1].running_mean, before)
    assert module[1].training


@pytest.mark.parametrize(
    "example",
    [
        torch.zeros(1, 4, 8, 8),
        torch.zeros(5),
        torch.zeros(1, 3, 8, 8, dtype=torch.long),
    ],
    ids=["channels", "dimensions", "type"],
)
def test_an_example_that_does_not_fit(example):
    text = _refused(Body(), example, "does not run on an example of shape")
    assert str(tuple(example.shape)) in text


def test_too_few_or_too_many_inputs():
    _refused(Body(), (_image(), _image()), "does not run on an example")
    _refused(Body(), (), "does not run on an example")


def test_something_else_than_tensors():
    with pytest.raises(PruningError, match="one tensor or a tuple of tensors"):
        trace(Body(), np.zeros((1, 3, 8, 8)))
    with pytest.raises(PruningError, match="one tensor or a tuple of tensors"):
        trace(Body(), ["image"])
    with pytest.raises(PruningError, match=r"a torch\.nn\.Module"):
        trace({"weight": 3}, _image())


def test_a_module_that_raises():
    class Net(Body):
        def middle(self, x):
            raise RuntimeError("no such thing")

    assert "no such thing" in _refused(Net(), _image(), "does not run on an example")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript():
    frozen = torch.jit.trace(Body().eval(), _image())
    with pytest.raises(PruningError, match=r"TorchScript.*load the Python model"):
        trace(frozen, _image())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_inside():
    class Net(Body):
        def __init__(self):
            super().__init__()
            self.first = torch.jit.script(nn.Conv2d(3, 8, 1))

    with pytest.raises(PruningError, match="TorchScript"):
        trace(Net(), _image())


def test_code_that_looks_at_values_is_run_on_them():
    class Net(Body):
        def forward(self, x):
            return super().forward(x) if x.sum() > -1e9 else x

    _is_free(Net())


def test_code_that_looks_at_values_cannot_change_the_model_unnoticed():
    class Net(Counting):
        def forward(self, x):
            self.last.add_(float(x.sum()))
            return super().forward(x)

    _refused(Net(), _image(), r"changes its own parameters or buffers.*last")


def test_the_example_is_not_written_to():
    for looks in (False, True):

        class Net(Body):
            def forward(self, x):
                if looks and float(x.sum()) < -1e9:  # noqa: B023
                    return x
                x.mul_(2.0)
                return super().forward(x)

        x = _image()
        trace(Net(), x)
        assert torch.equal(x, _image())


def test_other_attributes_come_back_as_they_were():
    class Net(Body):
        calls = 0

        def middle(self, x):
            self.calls += 1
            self.cache = x
            return x

    module = Net()
    trace(module, _image())
    assert module.calls == 0
    assert not hasattr(module, "cache")


# --- shared modules and counts --------------------------------------------------------


def test_a_module_used_twice_is_counted_once_and_computed_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 8, 1)
            self.shared = nn.Conv2d(8, 8, 3, padding=1)
            self.alias = self.shared
            self.head = nn.Conv2d(8, 2, 1)

        def forward(self, x):
            return self.head(self.alias(torch.relu(self.shared(self.first(x)))))

    module = Net().double().eval()
    it = subject(module, _image().double())
    counts = Counter(it.graph).dense
    assert counts.params == sum(p.numel() for p in module.parameters())
    assert counts.macs == 2 * 64 * (3 * 8 + 2 * 8 * 8 * 9 + 8 * 2)
    assert counts.channels == 8 + 8 + 2
    pruned = check(it, it.plan("l2", 0.5))
    assert pruned.alias is pruned.shared
    # What goes in and what comes out of it are the same channels.
    assert pruned.shared.weight.shape[0] == pruned.shared.weight.shape[1]


MACS = {
    "conv": (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 8, 8), 64 * 8 * 27),
    "strided": (nn.Conv2d(3, 8, 3, stride=2, padding=1), (1, 3, 8, 8), 16 * 8 * 27),
    "batch": (nn.Conv2d(3, 8, 1), (5, 3, 4, 4), 5 * 16 * 24),
    "grouped": (nn.Conv2d(8, 12, 3, groups=4), (1, 8, 6, 6), 16 * 12 * 2 * 9),
    "depthwise": (nn.Conv2d(8, 8, 3, groups=8), (1, 8, 6, 6), 16 * 8 * 9),
    "transposed": (nn.ConvTranspose2d(8, 4, 2, 2), (1, 8, 5, 5), 25 * 8 * 4 * 4),
    "1d": (nn.Conv1d(3, 8, 5), (2, 3, 12), 2 * 8 * 8 * 15),
    "3d": (nn.Conv3d(2, 4, 3), (1, 2, 5, 5, 5), 27 * 4 * 54),
    "linear": (nn.Linear(6, 7), (4, 6), 4 * 42),
    "sequence": (nn.Linear(6, 7), (2, 5, 6), 10 * 42),
}


@pytest.mark.parametrize(("layer", "shape", "macs"), MACS.values(), ids=MACS)
def test_multiply_accumulates_by_hand(layer, shape, macs):
    counts = Counter(trace(layer, torch.zeros(shape))).dense
    assert counts.macs == macs
    assert counts.params == sum(p.numel() for p in layer.parameters())


def test_counts_of_a_pruned_network_are_those_of_its_own_trace():
    it = from_catalogue("hovernet-fast")
    for sparsity in (0.3, 0.8):
        plan = it.plan("l1", sparsity)
        predicted = Counter(it.graph).counts(living_atoms(it.graph, plan))
        again = Counter(trace(apply_plan(it.module, plan), it.inputs)).dense
        assert predicted == again


def test_a_graph_holds_no_reference_to_the_module():
    module = Body().eval()
    graph = trace(module, _image())
    alive = weakref.ref(module)
    weight = weakref.ref(module.first.weight)
    del module
    gc.collect()
    assert alive() is None
    assert weight() is None
    assert graph.atoms == 9


def test_the_same_trace_on_values_and_on_shapes():
    class OnValues(Body):
        def forward(self, x):
            return super().forward(x) if bool(x.isfinite().all()) else x

    torch.manual_seed(0)
    by_values, by_shapes = OnValues().eval(), Body().eval()
    by_values.load_state_dict(by_shapes.state_dict())
    x = _image()
    plans = [make_plan(m, trace(m, x), "l2", 0.5) for m in (by_values, by_shapes)]
    assert plans[0].hash == plans[1].hash
    both = zip((by_values, by_shapes), plans, strict=True)
    outs = [run(apply_plan(module, plan), (x,)) for module, plan in both]
    assert difference(*outs) == 0
