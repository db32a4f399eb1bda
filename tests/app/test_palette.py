"""Colours are told apart by everyone, and belong to names."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from app.rendering.palette import KIND_COLOUR, TYPE_COLOURS
from app.rendering.series_looks import LOOKS, series_look
from core.pruning import HEURISTICS, WEIGHT_HEURISTICS
from core.types import UNSTRUCTURED

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
BLIND = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
SERIES = [look.colour for look in LOOKS]


def linear(colours):
    share = np.asarray(colours, float) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def seen(colours, kind):
    """Return colours as someone sees them, in CIELAB."""
    light = linear(colours)
    if kind:
        light = np.clip(light @ np.array(BLIND[kind]).T, 0, 1)
    small = light <= 0.0031308
    share = np.where(small, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb2lab(share[None])[0]


def nearest(colours, kind):
    lab = seen(colours, kind)
    return min(
        float(deltaE_ciede2000(lab[i], lab[j]))
        for i, j in combinations(range(len(lab)), 2)
    )


@pytest.mark.parametrize("kind", ["", *BLIND])
def test_curves_are_told_apart_by_everyone(kind):
    assert len(SERIES) >= 17
    assert nearest(SERIES, kind) > (8 if kind else 13)


@pytest.mark.parametrize("kind", ["", *BLIND])
def test_types_and_fates_are_told_apart_by_everyone(kind):
    assert nearest(TYPE_COLOURS, kind) > 18
    assert nearest(list(KIND_COLOUR.values()), kind) > 10


def test_no_type_looks_like_a_fate():
    types, fates = seen(TYPE_COLOURS, ""), seen(list(KIND_COLOUR.values()), "")
    far = deltaE_ciede2000(types[:, None], fates[None])
    assert far.min() > 15


def test_curves_stand_out_from_white_and_from_black():
    light = linear(SERIES) @ np.array([0.2126, 0.7152, 0.0722])
    assert (1.05 / (light + 0.05)).min() > 2.1
    assert ((light + 0.05) / 0.05).min() > 2.4


def test_every_heuristic_has_looks_of_its_own_also_without_colour():
    names = [*HEURISTICS, *(UNSTRUCTURED + name for name in WEIGHT_HEURISTICS)]
    looks = [series_look(name) for name in names]
    assert len(names) >= 16
    assert len({look.colour for look in looks}) == len(names)
    assert len({(look.mark, look.dash) for look in looks}) == len(names)


def test_a_heuristic_of_a_plug_in_changes_no_other_and_keeps_its_looks():
    known = {series_look(name) for name in HEURISTICS}
    names = [f"plug_in_{number}" for number in range(40)]
    first = [series_look(name) for name in names]
    assert first == [series_look(name) for name in reversed(names)][::-1]
    assert {series_look(name) for name in HEURISTICS} == known
    pairs = {(look.mark, look.dash) for look in known}
    assert not pairs & {(look.mark, look.dash) for look in first}
    assert len(set(first)) > 30
