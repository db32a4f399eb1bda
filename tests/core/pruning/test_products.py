"""Products of matrices and sizes taken from other tensors: pruned, and rightly."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.pruning import apply_plan, make_plan, mask_plan, trace
from core.pruning.tracing.labels import FIXED
from tests.core.pruning.architectures.recipe import randomise
from tests.core.pruning.oracle import check, subject

X = torch.randn(
    2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)


class Between(nn.Module):
    """A stem, a part under test that takes and gives (N, 16, 8, 8), and a head."""

    def __init__(self, part):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.part = part
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        return self.head(self.part(self.stem(x)))


class Squeeze(nn.Module):
    """Squeeze and excitation with sizes taken from the input."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(16, 8), nn.Linear(8, 16)

    def forward(self, x):
        batch, channels, _, _ = x.size()
        y = self.down(x.mean((2, 3)).view(batch, channels)).relu()
        return x * torch.sigmoid(self.up(y)).view(batch, channels, 1, 1)


class Like(Squeeze):
    def forward(self, x):
        y = self.up(self.down(x.mean((2, 3))).relu())[:, :, None, None]
        return x * y.expand(x.shape).contiguous().reshape_as(x).view_as(x)


class Attention(nn.Module):
    """One head over pixels, by any way to multiply."""

    def __init__(self, way):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(16, 8) for _ in range(3))
        self.out, self.way = nn.Linear(8, 16), way

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        # an activation that does not vanish: removed channels must not be summed
        q, k, v = self.q(tokens).sigmoid(), self.k(tokens).sigmoid(), self.v(tokens)
        mixed = self.out(self.way(q, k, v))
        return mixed.transpose(1, 2).unflatten(2, x.shape[2:])


class Table(nn.Module):
    """A learned table added to the channels."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(4, 16)

    def forward(self, x):
        row = self.table(torch.zeros(1, dtype=torch.long))
        return x + row[:, :, None, None]


class TokensByWeight(nn.Module):
    """A linear layer written as a product with a bare weight."""

    def __init__(self, way):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 16) / 4)
        self.bias = nn.Parameter(torch.randn(16) / 4)
        self.way = way

    def forward(self, x):
        tokens = x.permute(0, 2, 3, 1).sigmoid()
        made = self.way(tokens, self.weight, self.bias)
        return made.permute(0, 3, 1, 2)


def softmax(scores):
    return scores.softmax(-1)


WAYS = {
    "@": lambda q, k, v: softmax(q @ k.transpose(-1, -2)) @ v,
    "bmm": lambda q, k, v: torch.bmm(softmax(torch.bmm(q, k.mT)), v),
    "baddbmm": lambda q, k, v: (
        softmax(torch.baddbmm(torch.zeros(1, 1, 1, dtype=q.dtype), q, k.mT)) @ v
    ),
    "einsum": lambda q, k, v: torch.einsum(
        "bij,bjc->bic", softmax(torch.einsum("bic,bjc->bij", q, k)), v
    ),
    "attention": lambda q, k, v: functional.scaled_dot_product_attention(
        q, k, v, scale=0.25
    ),
    "attention scaled by width": functional.scaled_dot_product_attention,
}
BARE = {
    "@": lambda x, weight, bias: x @ weight + bias,
    "addmm": lambda x, weight, bias: torch.addmm(
        bias, x.flatten(0, 2), weight
    ).unflatten(0, (2, 8, 8)),
    "tensordot": lambda x, weight, bias: torch.tensordot(x, weight, 1) + bias,
    "tensordot of named": lambda x, weight, bias: (
        torch.tensordot(x, weight, ([3], [0])) + bias
    ),
    "einsum": lambda x, weight, bias: torch.einsum("bhwc,cd->bhwd", x, weight) + bias,
}
PARTS = {
    "squeeze": Squeeze,
    "like": Like,
    "table": Table,
    **{
        f"attention by {name}": lambda way=way: Attention(way)
        for name, way in WAYS.items()
    },
    **{
        f"weight by {name}": lambda way=way: TokensByWeight(way)
        for name, way in BARE.items()
    },
}


@pytest.mark.parametrize("heuristic", ["l2", "random"])
@pytest.mark.parametrize("name", PARTS)
def test_cutting_is_masking(name, heuristic):
    torch.manual_seed(0)
    module = Between(PARTS[name]()).double().eval()
    graph = trace(module, X)
    stem = graph.layers[0]
    assert (stem.outputs != FIXED).all(), graph.reasons
    for sparsity in (0.2, 0.4):
        plan = make_plan(module, graph, heuristic, sparsity)
        with torch.no_grad():
            cut, masked = apply_plan(module, plan)(X), mask_plan(module, graph, plan)(X)
            assert not torch.allclose(cut, module(X))
        assert torch.allclose(cut, masked, rtol=1e-12, atol=1e-13)


def test_queries_and_keys_shrink_together_and_values_alone():
    module = Between(Attention(WAYS["@"])).double().eval()
    graph = trace(module, X)
    outputs = {layer.name: layer.outputs for layer in graph.layers}
    assert (outputs["part.q"] == outputs["part.k"]).all()
    assert not set(outputs["part.q"]) & set(outputs["part.v"])


def test_a_scale_by_the_width_keeps_queries_but_not_values():
    module = Between(Attention(WAYS["attention scaled by width"])).double().eval()
    outputs = {layer.name: layer.outputs for layer in trace(module, X).layers}
    assert (outputs["part.q"] == FIXED).all()
    assert (outputs["part.v"] != FIXED).all()


def _traced(module, *shape):
    torch.manual_seed(0)
    module = randomise(module).double().eval()
    return subject(module, torch.randn(shape, dtype=torch.float64))


class Tokens(nn.Module):
    """torch's own attention between linear layers."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(6, 16), nn.Linear(16, 3)
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(16, 24), nn.GELU(), nn.Linear(24, 16))

    def forward(self, x):
        x = self.stem(x)
        x = x + self.attend(x, x, x, need_weights=False)[0]
        return self.head(x + self.mlp(x))


def test_torch_s_attention_keeps_its_width_and_says_why():
    """Its one input weight is cut in three by the width of its inputs."""
    it = _traced(Tokens(), 2, 5, 6)
    assert "ties this width to its heads" in it.graph.reasons["stem"]
    assert it.graph.unknown == {}
    plan = it.plan("l2", 0.9 * it.reach)
    assert plan.kept["mlp.0.weight"][0] is not None
    assert plan.kept["stem.weight"][0] is None
    check(it, plan)
