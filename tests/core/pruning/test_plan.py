"""Plans are data: written, read, compared, composed, and refused when damaged."""

import hashlib
import json
import struct

import numpy as np
import pytest
import torch

from core.errors import PruningError
from core.pruning import PruningPlan, apply_plan, make_plan, trace
from tests.core.pruning.oracle import difference, from_catalogue, from_zoo, run, subject
from tests.core.pruning.random_networks import random_network


@pytest.fixture(scope="module")
def it():
    return from_catalogue("unet")


@pytest.fixture(scope="module")
def plan(it):
    return it.plan("l2", 0.6)


def _same(first: PruningPlan, second: PruningPlan) -> bool:
    assert list(first.kept) == list(second.kept)
    for name in first.kept:
        for a, b in zip(first.kept[name], second.kept[name], strict=True):
            if (a is None) != (b is None) or (a is not None and list(a) != list(b)):
                return False
    return True


@pytest.mark.parametrize("name", ["densenet", "pixel-shuffle", "vision-transformer"])
def test_json_brings_everything_back(name):
    plan = from_zoo(name).plan("l1", 0.3)
    text = plan.to_json()
    back = PruningPlan.from_json(text)
    assert _same(plan, back)
    assert back.shapes == plan.shapes
    assert back.attributes == plan.attributes
    assert back.request == plan.request
    assert back.warnings == plan.warnings
    assert back.hash == plan.hash
    assert back.to_json() == text
    pruned = apply_plan(from_zoo(name).module, back)
    same = apply_plan(from_zoo(name).module, plan)
    inputs = from_zoo(name).inputs
    assert difference(run(pruned, inputs), run(same, inputs)) == 0


def test_kept_is_as_the_contract_says(it, plan):
    state = it.module.state_dict()
    assert set(plan.kept) == set(state)
    for name, entries in plan.kept.items():
        assert len(entries) == state[name].dim()
        for entry, size in zip(entries, state[name].shape, strict=True):
            if entry is not None:
                assert entry.dtype == np.int64
                assert (np.diff(entry) > 0).all()
                assert 0 < entry.size < size


def test_the_hash_names_what_is_kept_and_nothing_else(it, plan):
    assert it.plan("l2", 0.6).hash == plan.hash
    assert it.plan("l2", 0.7).hash != plan.hash
    assert len(plan.hash) == 16
    again = trace(it.module, it.inputs)
    assert make_plan(it.module, again, "l2", 0.6).hash == plan.hash
    # Known value of a plan written by hand: a change of the format shows here.
    by_hand = PruningPlan({"w": (np.array([0, 1, 4]), None)}, {"w": (5, 2)})
    written = b"w\0" + b"3:" + struct.pack("<3q", 0, 1, 4) + b"-"
    assert by_hand.hash == hashlib.sha256(written).hexdigest()[:16]


def test_difference_counts_slices(it, plan):
    assert plan.difference(it.plan("l2", 0.6)) == {}
    other = it.plan("l2", 0.8)
    found = plan.difference(other)
    name = "encoder.1.conv1.weight"
    kept, less = (set(p.kept[name][0].tolist()) for p in (plan, other))
    ins = [
        set(range(4)) if p.kept[name][1] is None else set(p.kept[name][1].tolist())
        for p in (plan, other)
    ]
    assert found[name] == (
        len(kept - less) + len(ins[0] - ins[1]),
        len(less - kept) + len(ins[1] - ins[0]),
    )
    back = other.difference(plan)
    assert {k: v[::-1] for k, v in back.items()} == found


@pytest.mark.parametrize("name", ["unet", "attention-unet", "hovernet-fast"])
def test_twice_pruned_equals_pruned_by_the_composition(name):
    it = from_catalogue(name)
    first = it.plan("l2", 0.4)
    once = apply_plan(it.module, first)
    graph = trace(once, it.inputs)
    second = make_plan(once, graph, "l1", 0.5, scope="layer")
    twice = apply_plan(once, second)
    both = first.then(second)
    direct = apply_plan(it.module, both)
    assert difference(run(twice, it.inputs), run(direct, it.inputs)) == 0
    ours, theirs = direct.state_dict(), twice.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    for child, other in zip(direct.modules(), twice.modules(), strict=True):
        for key in ("in_channels", "out_channels", "groups", "num_features"):
            assert getattr(child, key, None) == getattr(other, key, None)


def test_composition_on_random_networks():
    made = 0
    for seed in range(40):
        module, inputs = random_network(seed, steps=8)
        it = subject(module, *inputs)
        if it.reach < 0.5:
            continue
        first = it.plan("l2", 0.4 * it.reach)
        once = apply_plan(module, first)
        graph = trace(once, inputs)
        left = subject(once, *inputs).reach
        second = make_plan(once, graph, "random", 0.5 * left)
        direct = apply_plan(module, first.then(second))
        twice = apply_plan(once, second)
        assert difference(run(direct, inputs), run(twice, inputs)) == 0
        made += 1
    assert made > 10


def test_composition_with_the_wrong_plan_is_refused(it, plan):
    with pytest.raises(PruningError, match="made for another model"):
        plan.then(plan)


def test_a_plan_of_another_model_is_refused(plan):
    other = from_catalogue("residual-unet").module
    with pytest.raises(PruningError, match=r"made for another model.*Make a plan"):
        apply_plan(other, plan)
    once = apply_plan(from_catalogue("unet").module, plan)
    with pytest.raises(PruningError, match="made for another model"):
        apply_plan(once, plan)


def _damage(plan, change):
    data = json.loads(plan.to_json())
    change(data)
    return json.dumps(data)


NAME = "encoder.1.conv1.weight"

DAMAGES = {
    "too far": lambda d: d["kept"].update({NAME: [[[0, 999]], None, None, None]}),
    "negative": lambda d: d["kept"].update({NAME: [[[-3, 2]], None, None, None]}),
    "twice": lambda d: d["kept"].update({NAME: [[[0, 2], [1, 3]], None, None, None]}),
    "empty": lambda d: d["kept"].update({NAME: [[], None, None, None]}),
    "huge": lambda d: d["kept"].update({NAME: [[[0, 10**15]], None, None, None]}),
    "dimensions": lambda d: d["kept"].update({NAME: [None]}),
    "no shape": lambda d: d["shapes"].pop(NAME),
    "no kept": lambda d: d.pop("kept"),
    "text": lambda d: d["kept"].update({NAME: "all"}),
    "fraction": lambda d: d["kept"].update({NAME: [[[0, 1.5]], None, None, None]}),
    "format": lambda d: d.update(format=99),
    "request": lambda d: d.update(request=[1]),
    "warnings": lambda d: d.update(warnings=3),
    "attributes": lambda d: d["attributes"].update({"encoder.1.conv1.forward": 3}),
    "attribute value": lambda d: d["attributes"].update(
        {"encoder.1.conv1.out_channels": -4}
    ),
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES)
def test_damaged_plans_are_refused(plan, it, change):
    with pytest.raises(PruningError):
        apply_plan(it.module, PruningPlan.from_json(_damage(plan, change)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"format": 1}', "\x00"])
def test_other_text_is_refused(text):
    with pytest.raises(PruningError, match="not a pruning plan"):
        PruningPlan.from_json(text)


def test_collapse_is_reported(it):
    assert it.plan("l2", 0.1).warnings == ()
    plan = it.plan("l2", it.reach)
    assert plan.warnings
    assert "is down to 1 of" in plan.warnings[0]
