"""Values to JSON and back: what is written comes back, anything else is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codec import MAX_ITEMS, from_json, from_plain, read_json, to_json, to_plain
from core.tables import MAX_SPARSITY, MAX_STEPS, RECOVERIES
from core.types import FineTune, PruneRequest

NAMES = st.text(st.characters(codec="utf-8"), max_size=20)
TRAININGS = st.builds(
    FineTune,
    steps=st.integers(0, 10**6),
    minutes=st.floats(0, 1000),
    rate=st.floats(1e-6, 1),
    data=NAMES,
    distil=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
)
REQUESTS = st.builds(
    PruneRequest,
    heuristic=NAMES,
    sparsity=st.floats(0, MAX_SPARSITY),
    scope=NAMES,
    recovery=st.sampled_from(list(RECOVERIES)),
    locked=st.lists(NAMES, max_size=4).map(tuple),
    training=TRAININGS,
    steps=st.integers(1, MAX_STEPS),
    ratios=st.lists(st.tuples(NAMES, st.floats(0, 1)), max_size=3).map(tuple),
)
BASE = PruneRequest("l2", 0.5, recovery="finetune")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(REQUESTS)
def test_a_request_comes_back_the_same(request):
    assert from_json(PruneRequest, to_json(request)) == request


@given(st.sampled_from(sorted(to_plain(BASE))), JUNK)
def test_anything_in_any_field_is_that_field_or_one_sentence(name, junk):
    values = {**to_plain(BASE), name: junk}
    found, said = None, ""
    try:
        found = from_plain(PruneRequest, values, "request")
    except ValueError as error:
        said = str(error)
    assert "\n" not in said
    if found is None:
        assert name in said
    else:
        hash(found)  # a request with a list in it could be the key of nothing
        assert from_json(PruneRequest, to_json(found)) == found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sparsity": float("nan")}, "sparsity: nan is no finite number"),
        ({"sparsity": True}, "sparsity: True is no number"),
        ({"sparsity": 10**400}, "sparsity"),
        ({"steps": 10**9}, "steps 1000000000 is not between 1 and 1000"),
        ({"steps": 0}, "steps 0 is not between"),
        ({"round_to": 2**63}, "round_to"),
        ({"locked": [["a"]]}, "locked: ['a'] is no text"),
        ({"locked": ["a"] * (MAX_ITEMS + 1)}, "locked: a list of"),
        ({"ratios": [["a"]]}, "ratios"),
        ({"count": ["params"]}, "count: ['params'] is none of params"),
        ({"training": {"minutes": "x"}}, "training.minutes: 'x' is no number"),
        ({"training": {"data": ["a"]}}, "training.data: ['a'] is no text"),
        ({"training": {"crop": 1}}, "crop 1 is not between"),
        ({"hue": 1}, "request has no 'hue'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_value_is_named(change, says):
    with pytest.raises(ValueError, match=r".") as caught:
        from_plain(PruneRequest, {**to_plain(BASE), **change}, "request")
    assert says in str(caught.value)


def test_a_field_that_is_missing_is_named_unless_it_has_a_default():
    found = from_plain(PruneRequest, {"heuristic": "l2", "sparsity": 0.5})
    assert found == PruneRequest("l2", 0.5)
    with pytest.raises(ValueError, match="lacks 'sparsity'"):
        from_plain(PruneRequest, {"heuristic": "l2"})


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[-Infinity]", "[" * 10**5, "1" * 10**4, b"\xff\xfe{}"]
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_numbers_that_are_none_are_not_written():
    with pytest.raises(ValueError, match=r"."):
        to_json(replace(BASE, sparsity=float("inf")))


def test_a_request_of_an_older_file_opens():
    old = {"heuristic": "unstructured:magnitude", "sparsity": 0.5, "scope": "layer"}
    old |= {"count": "params", "recovery": "none", "round_to": 1, "min_channels": 1}
    found = from_json(PruneRequest, json.dumps(old | {"seed": 0, "locked": []}))
    assert found.unstructured
