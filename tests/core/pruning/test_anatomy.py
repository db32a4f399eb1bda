"""What a network looks like, read from its trace alone."""

import pytest
import torch
from torch import nn

from core.models import load_model
from core.pruning import trace
from core.pruning.tracing.topology import layer_positions


def places(name, side=64):
    model = load_model(name)
    return layer_positions(trace(model.module, torch.zeros(1, 3, side, side)))


def of(places, stage):
    return [place for place in places if place.stage == stage]


def test_a_unet_goes_down_and_up_and_skips_at_each_level():
    found = places("unet-tiny")
    by_name = {place.name: place for place in found}
    stages = [place.stage for place in found]
    order = ["encoder", "bottleneck", "decoder", "head"]
    assert stages == sorted(stages, key=order.index)
    levels = [place.level for place in of(found, "encoder")]
    assert levels == sorted(levels)
    levels = [place.level for place in of(found, "decoder")]
    assert levels == sorted(levels, reverse=True)
    skips = [
        (by_name[source], place)
        for place in found
        for source in place.reads[:-1]
        if by_name[source].stage == "encoder" and place.stage == "decoder"
    ]
    # One at each level above the bottleneck, between layers of one resolution.
    assert [reader.level for _, reader in skips] == sorted(
        {place.level for place in of(found, "encoder")}, reverse=True
    )
    assert all(source.level == reader.level for source, reader in skips)


def test_heads_of_a_shared_decoder_are_lanes_of_their_own():
    heads = of(places("unet-tiny"), "head")
    assert [head.lane for head in heads] == list(range(1, len(heads) + 1))
    assert len({head.reads for head in heads}) == 1


def test_hovernet_has_three_decoders_that_all_read_the_encoder():
    found = places("hovernet-tiny", 256)
    by_name = {place.name: place for place in found}
    lanes = {place.lane for place in of(found, "decoder")}
    assert lanes == {1, 2, 3}
    assert {place.lane for place in of(found, "encoder")} == {0}
    assert [head.lane for head in of(found, "head")] == [1, 2, 3]
    for lane in lanes:
        into = [
            source
            for place in found
            if place.lane == lane
            for source in place.reads
            if by_name[source].lane == 0
        ]
        assert len(into) >= 3  # what it starts from, and the added skips


def test_a_classifier_only_goes_down():
    found = places("resnet18")
    assert {place.stage for place in found} == {"encoder", "head"}
    assert {place.lane for place in found} == {0}
    shortcut = next(place for place in found if place.name == "layer2.1.conv2")
    assert "layer2.0.conv2" in shortcut.reads


@pytest.mark.parametrize("name", ["attention-unet", "residual-unet", "dual-decoder"])
def test_every_layer_but_the_first_reads_an_earlier_one(name):
    found = places(name)
    order = [place.name for place in found]
    for number, place in enumerate(found):
        assert bool(place.reads) == (number > 0)
        assert all(order.index(source) < number for source in place.reads)


class Row(nn.Module):
    """Layers in a row, one of them used twice, under names that say nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 1)
        self.c = nn.Linear(6, 2)

    def forward(self, x):
        x = self.a(x).relu()
        x = self.b(self.b(x).relu())
        return self.c(x.mean((2, 3)))


def test_any_traced_model_has_a_drawing():
    found = layer_positions(trace(Row().eval(), torch.zeros(1, 3, 8, 8)))
    assert [place.name for place in found] == ["a", "b", "c"]
    assert [place.stage for place in found] == ["encoder", "encoder", "head"]
    assert found[1].reads == ("a",)
    assert found[2].reads == ("b",)
