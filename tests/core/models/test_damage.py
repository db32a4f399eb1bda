"""Files with random damage: a sentence, or a network, never anything else."""

import hashlib
import json
import random
import struct

import pytest
import torch

from core.errors import ModelError
from core.models import load_model, save_model
from core.models.container import checksum
from core.pruning import apply_plan, make_plan, trace
from tests.core.models.cases import fresh

_ODD = [None, -1, 0, 1e308, "x", [], {}, True, 10**30, [1, 2, 3], float("nan")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One undamaged file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    model = fresh("unet")
    graph = trace(model.module, torch.rand(1, 3, 64, 64))
    plan = make_plan(model.module, graph, "random", 0.5)
    save_model(folder / "own.safetensors", apply_plan(model.module, plan), plan)
    state = {"desc": fresh("hovernet-fast").module.state_dict()}
    torch.save(state, folder / "zip.tar")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    return folder


def _opens(path):
    try:
        load_model(path)
    except ModelError as error:
        return str(error)
    return ""


def _damage(data, draw):
    for _ in range(draw.choice([1, 1, 3, 20])):
        # The first and last bytes hold the structure: hit them more often.
        edge = min(len(data), 3000)
        place = draw.choice(
            [draw.randrange(edge), -1 - draw.randrange(edge), draw.randrange(len(data))]
        )
        place %= len(data)
        kind = draw.randrange(3)
        if kind == 0:
            data[place] = draw.randrange(256)
        elif kind == 1:
            del data[place : place + draw.choice([1, 10, 1000])]
        else:
            data[place:place] = draw.randbytes(draw.choice([1, 10]))
    return data


@pytest.mark.parametrize("name", ["own.safetensors", "zip.tar", "legacy.pth"])
def test_damaged_bytes(name, whole, tmp_path):
    draw, data, path = random.Random(1), (whole / name).read_bytes(), tmp_path / name
    assert _opens(whole / name) == ""
    refused = 0
    for _ in range(60):
        path.write_bytes(_damage(bytearray(data), draw))
        refused += bool(_opens(path))
    assert refused > 30


def _mutate(value, draw):
    """The value with something in it left out or replaced."""
    if isinstance(value, dict) and value:
        key, value = draw.choice(list(value)), dict(value)
        if draw.random() < 0.15:
            del value[key]
        else:
            value[key] = _mutate(value[key], draw)
        return value
    if isinstance(value, list) and value and draw.random() < 0.85:
        place = draw.randrange(len(value))
        return [_mutate(v, draw) if i == place else v for i, v in enumerate(value)]
    return draw.choice(_ODD)


def _with_header(data, edit):
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    inner = edit(json.loads(header["__metadata__"]["prunescope"]))
    if isinstance(inner, dict):  # what is tried is not noticed by its checksum
        inner = inner | {"sha256": checksum(inner)}
    header["__metadata__"]["prunescope"] = json.dumps(inner)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


@pytest.mark.parametrize("part", ["description", "plan"])
def test_damaged_descriptions(part, whole, tmp_path):
    draw, path = random.Random(2), tmp_path / "model.safetensors"
    data = (whole / "own.safetensors").read_bytes()

    def edit(header):
        if part == "description":
            return _mutate(header, draw)
        plan = json.dumps(_mutate(json.loads(header["plan"]), draw))
        checksum = hashlib.sha256(plan.encode()).hexdigest()
        return header | {"plan": plan, "plan_sha256": checksum}

    refused = 0
    for _ in range(150):
        path.write_bytes(_with_header(data, edit))
        refused += bool(_opens(path))
    assert refused > 50


def test_a_plan_cannot_ask_for_more_memory_than_its_tensors(whole, tmp_path):
    path = tmp_path / "model.safetensors"
    data = (whole / "own.safetensors").read_bytes()

    def edit(header):
        plan = json.loads(header["plan"])
        name = next(iter(plan["kept"]))
        plan["kept"][name][0] = [[0, 10**12]]
        text = json.dumps(plan)
        checksum = hashlib.sha256(text.encode()).hexdigest()
        return header | {"plan": text, "plan_sha256": checksum}

    path.write_bytes(_with_header(data, edit))
    assert "plan" in _opens(path)
