"""Descriptions to JSON and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ModelError
from core.models.specs import spec_from_json, spec_to_json
from core.types import ModelSpec
from tests.core.models.cases import SPECS

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_SCALE = st.floats(0.001, 1000)

specs = st.builds(
    ModelSpec,
    name=st.text(max_size=8),
    task=st.sampled_from(["nuclei", "patch"]),
    architecture=st.text(max_size=8),
    config=st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4)),
    stride=st.integers(1, 64),
    input_range=st.tuples(st.floats(-255, 0), st.floats(0.5, 255)),
    mean=st.tuples(_FINITE, _FINITE, _FINITE),
    std=st.tuples(_SCALE, _SCALE, _SCALE),
    classes=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    mpp=st.none() | st.floats(0.01, 100),
    reader=st.sampled_from(["distance", "hv", "patch"]),
    window=st.tuples(st.integers(64, 512), st.integers(1, 64)),
    threshold=st.dictionaries(st.text(max_size=4), st.floats(0, 1e6)),
)


@given(specs)
def test_any_spec_survives_json(spec):
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _FINITE | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(spec_to_json(SPECS["unet"]))), _JSON)
def test_anything_else_is_read_or_refused_with_a_sentence(key, value):
    values = spec_to_json(SPECS["unet"]) | {key: value}
    try:
        spec = spec_from_json(values)
    except ModelError as error:
        sentence = str(error)
    else:
        sentence = f"{key} is fine"
        assert isinstance(spec.window[0], int)
        assert isinstance(spec.name, str)
    assert key in sentence


def test_what_is_missing_is_named():
    with pytest.raises(ModelError, match="architecture"):
        spec_from_json({"name": "x", "task": "nuclei"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", {"object": -0.1}),
        ("threshold", {"smooth": 1e6}),
        ("threshold", {"object": 1e300}),
        ("stride", 65536),
        ("window", [65536, 65536]),
        ("name", "x" * 1_000_000),
        ("classes", ["x"] * 100_000),
        ("classes", "abc"),
        ("mpp", 0),
        ("mpp", -1),
    ],
)
def test_values_that_would_fill_the_memory_or_mean_nothing(field, value):
    sound = {"name": "x", "task": "nuclei", "architecture": "unet"}
    with pytest.raises(ModelError, match=field):
        spec_from_json({**sound, field: value})
