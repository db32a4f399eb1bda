"""Each heuristic against the same numbers worked out by hand on a tiny network."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import PruningError
from core.pruning import (
    HEURISTICS,
    Heuristic,
    ScoringContext,
    apply_plan,
    calibrate,
    make_plan,
    register,
    trace,
)
from core.pruning.scoring.heuristics import registry
from tests.core.pruning.oracle import from_catalogue, from_zoo


class Tiny(nn.Module):
    """Two blocks and a head: 6 and 5 prunable channels."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 5, 1)
        self.head = nn.Conv2d(5, 2, 1)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        return self.head(torch.relu(self.second(x)))


@pytest.fixture(scope="module")
def tiny():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = Tiny().double().eval()
        with torch.no_grad():
            for tensor in (module.norm.weight, module.norm.bias, module.second.bias):
                tensor.add_(0.5 * torch.randn_like(tensor))
            module.norm.running_mean.normal_(0, 0.1)
            module.norm.running_var.uniform_(0.2, 0.6)
        inputs = [torch.randn(2, 3, 6, 6, dtype=torch.float64) for _ in range(3)]
    graph = trace(module, inputs[0])
    return module, graph, calibrate(module, graph, inputs), inputs


def _scores(tiny, name, **more):
    """Scores of the channels of the two layers."""
    module, graph, statistics, _ = tiny
    found = HEURISTICS[name].score(ScoringContext(module, graph, statistics, **more))
    layers = {layer.weight: layer for layer in graph.producing_layers}
    return [found[layers[f"{key}.weight"].outputs] for key in ("first", "second")]


def _by_mean(values):
    return values / values.mean()


def _weights(tiny):
    module = tiny[0]
    return [m.weight.detach().flatten(1).numpy() for m in (module.first, module.second)]


def _reads(tiny):
    """What the second layer and the head read: (channels, positions)."""
    module, _, _, inputs = tiny
    with torch.no_grad():
        first = [torch.relu(module.norm(module.first(x))) for x in inputs]
        second = [torch.relu(module.second(x)) for x in first]
    return [
        torch.cat(maps).transpose(0, 1).flatten(1).numpy() for maps in (first, second)
    ]


def test_l1(tiny):
    for found, w in zip(_scores(tiny, "l1"), _weights(tiny), strict=True):
        np.testing.assert_allclose(found, _by_mean(np.abs(w).sum(1)))


def test_l2(tiny):
    for found, w in zip(_scores(tiny, "l2"), _weights(tiny), strict=True):
        np.testing.assert_allclose(found, _by_mean(np.sqrt((w**2).sum(1))))


def test_fpgm(tiny):
    for found, w in zip(_scores(tiny, "fpgm"), _weights(tiny), strict=True):
        spread = [sum(np.linalg.norm(a - b) for b in w) for a in w]
        np.testing.assert_allclose(found, _by_mean(np.array(spread)))


def test_lamp(tiny):
    for found, w in zip(_scores(tiny, "lamp"), _weights(tiny), strict=True):
        power = (w**2).sum(1)
        wanted = [p / power[power >= p].sum() for p in power]
        np.testing.assert_allclose(found, wanted)
        assert np.isclose(found.max(), 1)  # the strongest is never cut


def test_bn_scale(tiny):
    module = tiny[0]
    first, second = _scores(tiny, "bn_scale")
    scale = module.norm.weight.detach().abs().numpy()
    np.testing.assert_allclose(first, scale)
    # Channels without a scale rank by norm around the usual scale.
    norm = np.sqrt((_weights(tiny)[1] ** 2).sum(1))
    np.testing.assert_allclose(second, _by_mean(norm) * np.median(scale))


def test_mean_activation(tiny):
    for found, x in zip(_scores(tiny, "mean_activation"), _reads(tiny), strict=True):
        np.testing.assert_allclose(found, _by_mean(np.abs(x).mean(1)))


def test_apoz(tiny):
    for found, x in zip(_scores(tiny, "apoz"), _reads(tiny), strict=True):
        np.testing.assert_allclose(found, (x > 0).mean(1))


def test_activation_magnitude(tiny):
    module = tiny[0]
    readers = [
        m.weight.detach()[:, :, 0, 0].numpy() for m in (module.second, module.head)
    ]
    found = _scores(tiny, "activation_magnitude")
    for scores, x, w in zip(found, _reads(tiny), readers, strict=True):
        wanted = np.linalg.norm(w, axis=0) * np.sqrt((x**2).mean(1))
        np.testing.assert_allclose(scores, _by_mean(wanted))


def _gradients(tiny):
    """Gradients of the same random signs, one list for each batch."""
    module, _, _, inputs = tiny
    generator = torch.Generator().manual_seed(0)
    found = []
    for x in inputs:
        out = module(x)
        signs = torch.randint(0, 2, out.shape, generator=generator) * 2 - 1
        loss = (out * signs).sum() / out.numel() ** 0.5
        weights = [module.first.weight, module.second.weight]
        found.append([g.flatten(1).numpy() for g in torch.autograd.grad(loss, weights)])
    return found


def test_taylor(tiny):
    grads = _gradients(tiny)
    for k, (found, w) in enumerate(
        zip(_scores(tiny, "taylor"), _weights(tiny), strict=True)
    ):
        wanted = np.mean([(g[k] * w).sum(1) ** 2 for g in grads], axis=0)
        np.testing.assert_allclose(found, wanted)


def test_fisher(tiny):
    grads = _gradients(tiny)
    for k, (found, w) in enumerate(
        zip(_scores(tiny, "fisher"), _weights(tiny), strict=True)
    ):
        square = np.mean([g[k] ** 2 for g in grads], axis=0)
        np.testing.assert_allclose(found, (square * w**2).sum(1) / 2)


def test_taylor_is_the_change_of_the_outputs_for_a_small_change(tiny):
    """Shrinking one filter by a little moves the loss by the score's root."""
    module, _, _, inputs = tiny
    grads = _gradients(tiny)
    generator = torch.Generator().manual_seed(0)
    x = inputs[0]
    with torch.no_grad():
        out = module(x)
        signs = torch.randint(0, 2, out.shape, generator=generator) * 2 - 1
        weight, small = module.first.weight, 1e-6
        kept = weight[2].clone()
        weight[2] *= 1 - small
        moved = ((module(x) - out) * signs).sum() / out.numel() ** 0.5 / small
        weight[2] = kept
    linear = (grads[0][0][2] * _weights(tiny)[0][2]).sum()
    assert np.isclose(float(moved), -linear, rtol=1e-3)


def test_reconstruction_is_what_the_others_cannot_say(tiny):
    """Residual of a regression on the others, times what the reader makes of it."""
    module, graph, statistics, _ = tiny
    x = _reads(tiny)[0]
    found = HEURISTICS["reconstruction_once"].score(
        ScoringContext(module, graph, statistics)
    )
    found = found[graph.producing_layers[0].outputs]
    w = module.second.weight.detach()[:, :, 0, 0].numpy()
    power = np.diag((w**2).sum(0))
    wanted = []
    for c in range(6):
        others = np.vstack([np.delete(x, c, 0), np.ones(x.shape[1])])
        weights = np.linalg.lstsq(others.T, x[c], rcond=None)[0]
        residual = ((x[c] - weights @ others) ** 2).mean()
        wanted.append(residual * power[c, c])
    ratio = found / np.array(wanted)
    # One factor for the whole layer (units of its output), and a small ridge.
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.02)


@pytest.mark.parametrize("name", ["reconstruction", "reconstruction_once"])
def test_a_twin_goes_first_but_only_one_of_them(name):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 1)
    ).double()
    with torch.no_grad():
        module[0].weight[5] = module[0].weight[2]
        module[0].bias[5] = module[0].bias[2]
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    graph = trace(module.eval(), x)
    statistics = calibrate(module, graph, [x])
    scores = HEURISTICS[name].score(ScoringContext(module, graph, statistics))
    order = np.argsort(scores[graph.producing_layers[0].outputs])
    if name == "reconstruction":
        assert order[0] in (2, 5)
        assert order[1] not in (2, 5)
    else:
        assert set(order[:2]) == {2, 5}


def test_random_depends_on_the_seed_alone():
    it = from_catalogue("unet")
    assert it.plan("random", 0.5, seed=1).hash == it.plan("random", 0.5, seed=1).hash
    assert it.plan("random", 0.5, seed=1).hash != it.plan("random", 0.5, seed=2).hash


@pytest.mark.parametrize("name", [n for n in HEURISTICS if n != "random"])
def test_all_others_do_not_depend_on_the_seed(name):
    it = from_catalogue("unet")
    assert it.plan(name, 0.5, seed=1).hash == it.plan(name, 0.5, seed=2).hash


@pytest.mark.parametrize("name", list(HEURISTICS))
def test_every_heuristic_says_what_it_does(name):
    heuristic = HEURISTICS[name]
    assert heuristic.name == name
    assert heuristic.sentence.endswith(".")
    assert 20 < len(heuristic.sentence) < 200
    assert any(year in heuristic.paper for year in map(str, range(1989, 2027)))


@pytest.mark.parametrize("name", list(HEURISTICS))
def test_scores_are_finite_where_everything_is_zero(name):
    """A dead network: all weights, and so all activations, are zero."""
    torch.manual_seed(0)
    module = Tiny().double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    x = torch.randn(1, 3, 6, 6, dtype=torch.float64)
    graph = trace(module, x)
    scores = HEURISTICS[name].score(
        ScoringContext(module, graph, calibrate(module, graph, [x]))
    )
    assert np.isfinite(scores[1:]).all()


def test_shared_weights_count_once():
    """A layer called twice has one set of filters."""
    it = from_zoo("shared-twice")
    scores = HEURISTICS["l2"].score(ScoringContext(it.module, it.graph))
    assert np.isfinite(scores[1:]).all()
    shared = {layer.weight for layer in it.graph.producing_layers}
    assert len(shared) < len(it.graph.producing_layers)


# --- heuristics of other packages -----------------------------------------------


def _last_first(ask):
    return -np.arange(ask.graph.atoms, dtype=float)


MINE = Heuristic("mine", "Mine", "Removes the last channels.", "2026", _last_first)


class _Point:
    """Stands in for an entry point of an installed package."""

    def __init__(self, name, loads):
        self.name = name
        self._loads = loads

    def load(self):
        if isinstance(self._loads, Exception):
            raise self._loads
        return self._loads


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages with these entry points are installed."""
    built_in = list(HEURISTICS)

    def forget_installed():
        for name in [name for name in HEURISTICS if name not in built_in]:
            registry.forget(HEURISTICS[name])

    def install(**points):
        asked = []

        def entry_points(*, group):
            asked.append(group)
            return [_Point(name, loads) for name, loads in points.items()]

        forget_installed()
        monkeypatch.setattr(registry, "entry_points", entry_points)
        registry.find_installed()
        return HEURISTICS, asked

    yield install
    monkeypatch.setattr(registry, "entry_points", lambda **_: [])
    registry.find_installed()
    forget_installed()


def test_an_entry_point_adds_a_heuristic(installed):
    found, asked = installed(mine=MINE)
    assert found["mine"] is MINE
    assert list(found)[-1] == "mine"
    assert asked == ["prunescope.heuristics"]
    assert registry.find_heuristic("mine") is MINE
    it = from_catalogue("unet")
    pruned = apply_plan(it.module, make_plan(it.module, it.graph, "mine", 0.5))
    first = it.graph.producing_layers[0]
    kept = pruned.get_parameter(first.weight).shape[0]
    dense = it.module.get_parameter(first.weight)
    assert torch.equal(pruned.get_parameter(first.weight), dense[:kept])


def test_one_function_is_enough(installed):
    """An entry point may load the rule itself; its docstring is the tooltip."""

    def by_position(ask):
        """Removes the first channels."""
        return np.arange(ask.graph.atoms, dtype=float)

    found, _ = installed(by_position=by_position)
    assert found["by_position"].rule is by_position
    assert found["by_position"].sentence == "Removes the first channels."
    assert found["by_position"].needs == frozenset({"statistics"})


def test_a_broken_entry_point_does_not_break_the_others(installed):
    found, _ = installed(broken=ImportError("no module"), mine=MINE)
    with pytest.warns(RuntimeWarning, match="'broken' could not be loaded"):
        names = list(found)
    assert names[-1] == "mine"
    found, _ = installed(wrong=3)
    with pytest.warns(RuntimeWarning, match="'wrong' could not be loaded"):
        names = list(found)
    assert "wrong" not in names


def test_names_are_taken_once(installed):
    with pytest.raises(PruningError, match="exists already"):
        register(Heuristic("l2", "x", "y", "z", _last_first))
    found, _ = installed(l2=Heuristic("l2", "x", "y", "z", _last_first))
    assert found["l2"] is HEURISTICS["l2"]


def test_scores_of_a_wrong_shape_are_refused():
    it = from_catalogue("unet")
    wrong = Heuristic("w", "Wrong", "y", "z", lambda ask: np.zeros(3))
    with pytest.raises(PruningError, match="one finite score for each atom"):
        wrong.score(ScoringContext(it.module, it.graph))
    nan = Heuristic("w", "NaN", "y", "z", lambda a: np.full(a.graph.atoms, np.nan))
    with pytest.raises(PruningError, match="one finite score for each atom"):
        nan.score(ScoringContext(it.module, it.graph))
