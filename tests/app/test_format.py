import math

import pytest

from app.text import format as text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (12, "12"),
        (947_000, "947 k"),
        (999_600, "1.00 M"),
        (1_412_000, "1.41 M"),
        (13_190_000_000, "13.2 G"),
        (298e12, "298 T"),
    ],
)
def test_quantity(value, shown):
    assert text.quantity(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.84, "0.84 ms"), (12.34, "12.3 ms"), (340, "340 ms"), (1240, "1.24 s")],
)
def test_milliseconds(value, shown):
    assert text.milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(39.6, "40 s"), (60, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_duration(value, shown):
    assert text.duration(value) == shown


def test_undefined_is_a_dash():
    dashes = {text.score(math.nan), text.percent(math.nan), text.milliseconds(math.nan)}
    assert dashes == {text.DASH}


@pytest.mark.parametrize(
    ("value", "digits", "shown"), [(0.5, 0, "50 %"), (0.8754, 1, "87.5 %")]
)
def test_percent(value, digits, shown):
    assert text.percent(value, digits) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(1, "1 nucleus"), (0, "0 nuclei"), (1234, "1,234 nuclei")]
)
def test_counted(number, shown):
    assert text.counted(number, "nucleus", "nuclei") == shown


@pytest.mark.parametrize(
    ("scale", "mpp", "longest", "micrometres", "pixels"),
    [(1.0, 0.25, 140, 20, 80), (4.0, 0.25, 140, 5, 80), (0.1, 0.5, 140, 500, 100)],
)
def test_scale_bar(scale, mpp, longest, micrometres, pixels):
    assert text.scale_bar(scale, mpp, longest) == pytest.approx((micrometres, pixels))


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 1, 3, (0, 0.5, 1)),
        (0, 100, 6, (0, 20, 40, 60, 80, 100)),
        (3.2, 7.1, 5, (4, 5, 6, 7)),
        (5, 5, 4, (5,)),
    ],
)
def test_ticks(low, high, most, expected):
    assert text.ticks(low, high, most) == pytest.approx(expected)


@pytest.mark.parametrize(("size", "shown"), [(812.4e6, "812 MB"), (1.236e9, "1.24 GB")])
def test_memory(size, shown):
    assert text.memory(size) == shown
