"""Which requests belong together: one projection, that forgets nothing by accident."""

from dataclasses import fields, replace

import pytest

from core.types import REPAIR, SEEDS, SIZES, SPARSITY, FineTune, PruneRequest

BASE = PruneRequest("l2", 0.5, recovery="finetune", training=FineTune(minutes=1.0))
OTHER = {
    "heuristic": "l1",
    "sparsity": 0.6,
    "scope": "layer",
    "count": "macs",
    "recovery": "bn",
    "round_to": 8,
    "min_channels": 4,
    "seed": 1,
    "locked": ("encoder.0",),
    "training": FineTune(minutes=30.0),
    "steps": 5,
    "cost_aware": True,
    "model": "demo-90",
    "ratios": (("encoder.0", 0.5),),
}


def _names(some):
    return "+".join(sorted(some))


def test_every_field_has_another_value_here():
    assert set(OTHER) == {field.name for field in fields(PruneRequest)}


@pytest.mark.parametrize("without", [(), SPARSITY, SIZES, SEEDS, REPAIR], ids=_names)
@pytest.mark.parametrize("name", OTHER)
def test_a_field_tells_requests_apart_unless_it_is_left_out(name, without):
    other = replace(BASE, **{name: OTHER[name]})
    alike = other.key(without=without) == BASE.key(without=without)
    # another recovery ends the training as well
    gone = {name, "training"} if name == "recovery" else {name}
    assert alike == (gone <= set(without))


@pytest.mark.parametrize("name", [field.name for field in fields(FineTune)])
def test_every_setting_of_a_training_tells_requests_apart(name):
    value = getattr(FineTune(), name)
    changed = "cpu" if isinstance(value, str) else (not value or value + 1)
    changed = (not value) if isinstance(value, bool) else changed
    other = replace(BASE, training=replace(BASE.training, **{name: changed}))
    assert other.key(without=SPARSITY) != BASE.key(without=SPARSITY)
    assert other.key(without=SIZES) == BASE.key(without=SIZES)
    assert (other.key(without=SEEDS) == BASE.key(without=SEEDS)) == (name == "seed")


def test_seeds_of_request_and_training_are_left_out_together():
    other = replace(BASE, seed=3, training=replace(BASE.training, seed=3))
    assert other.key(without=SEEDS) == BASE.key(without=SEEDS)


def test_keys_can_be_put_in_order_with_and_without_a_training():
    changed = [replace(BASE, **{name: OTHER[name]}) for name in OTHER]
    keys = [request.key(without=SPARSITY) for request in (BASE, *changed)]
    backwards = keys[::-1]
    assert sorted(keys) == sorted(backwards)


def test_a_name_that_is_no_field_is_a_mistake():
    with pytest.raises(ValueError, match="sparsty"):
        BASE.key(without={"sparsty"})


def test_single_weights_are_asked_of_the_request():
    single = PruneRequest("unstructured:magnitude", 0.5, recovery="none")
    assert single.unstructured
    assert single.rule == "magnitude"
    assert not BASE.unstructured
    assert BASE.rule == "l2"


@pytest.mark.parametrize("name", ["seed", "ratios", "steps", "locked", "round_to"])
def test_sizes_differ_by_all_that_decides_what_is_removed(name):
    other = replace(BASE, **{name: OTHER[name]})
    assert other.key(without=SIZES) != BASE.key(without=SIZES)


@pytest.mark.parametrize("name", ["sparsity", "recovery", "training"])
def test_sizes_are_alike_whatever_the_target_and_the_repair(name):
    other = replace(BASE, **{name: OTHER[name]})
    assert other.key(without=SIZES) == BASE.key(without=SIZES)
