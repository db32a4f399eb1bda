"""Numbers that people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.numbers import read_decimal, read_sparsities, read_sparsity, spaced


@pytest.mark.parametrize("text", ["8.5", "8,5", " 8,5 ", "8.50", "8,5 %", "+8.5"])
def test_point_and_comma_are_the_same(text):
    assert read_decimal(text) == 8.5


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1e999", "1.2.3", "1,2,3", "8.5,", "0x10", "1_000"]
)
def test_what_is_no_number_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match=r"8\.5 or 8,5"):
        read_decimal(text)


@given(st.floats(-1e9, 1e9).map(lambda x: round(x, 6)))
def test_any_number_comes_back_with_either_sign(value):
    text = f"{value:.6f}"
    assert read_decimal(text) == value
    assert read_decimal(text.replace(".", ",")) == value


@pytest.mark.parametrize(
    ("text", "last", "number"),
    [
        ("0:0.95:0.05", 0.95, 20),
        ("0:0.9:0.0333333333", 0.9, 28),  # a third of a tenth: the end is meant
        ("0:0.9:0.1", 0.9, 10),
        ("0:0.9:0.4", 0.8, 3),
        ("0.3", 0.3, 1),
        ("0,3;0,5", 0.5, 2),
        ("0.5,0.3,0.5", 0.5, 2),
    ],
)
def test_ranges_and_lists(text, last, number):
    found = read_sparsities(text)
    assert found == tuple(sorted(set(found)))
    assert len(found) == number
    assert found[-1] == pytest.approx(last, abs=1e-8)


@pytest.mark.parametrize(
    "text", ["", "a", "0:1", "0.5:0.1:0.1", "0:0.9:0", "0:0.9:-1", "0:2:0.5", "-0.1"]
)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(InputError):
        read_sparsities(text)


def test_a_slip_of_the_step_is_refused_before_anything_is_made():
    with pytest.raises(InputError, match="1000"):
        read_sparsities("0:0.9:1e-300")


def test_the_window_and_the_command_line_read_a_range_alike():
    assert read_sparsities("0:0.9:0.0333333333") == spaced(0.0, 0.9, 0.0333333333)


def test_a_sparsity_lies_below_one():
    assert read_sparsity("0,99") == 0.99
    with pytest.raises(InputError, match=r"0\.99"):
        read_sparsity("1")
