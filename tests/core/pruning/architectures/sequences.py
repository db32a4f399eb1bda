"""Matrix products: attention, token mixing, recurrence."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.core.pruning.architectures.recipe import Entry, block, conv, entry

IMAGE = (2, 3, 8, 8)
TOKENS = (2, 5, 6)


class MultiHead(nn.Module):
    """``nn.MultiheadAttention`` between prunable linear layers."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(6, 8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.attend(x, x, x, need_weights=False)[0]
        return self.head(x + self.mlp(x))


class Encoder(nn.Module):
    """``nn.TransformerEncoderLayer`` as it comes."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(6, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 10, 0.1, batch_first=True)
        self.head = nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.stem(x)))


class OwnAttention(nn.Module):
    """Attention written out: one linear layer, split into heads."""

    def __init__(self):
        super().__init__()
        self.stem, self.qkv, self.out = (
            nn.Linear(6, 8),
            nn.Linear(8, 24),
            nn.Linear(8, 8),
        )
        self.mlp = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 10), nn.ReLU())
        self.head = nn.Linear(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v)
        return self.head(self.mlp(x + self.out(y.transpose(1, 2).reshape(n, t, c))))


class NonLocal(nn.Module):
    """Every pixel attends to every other (Wang et al. 2018)."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 6)
        self.q, self.k, self.v = conv(6, 3, 1), conv(6, 3, 1), conv(6, 4, 1)
        self.out, self.head = conv(4, 6, 1), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, _, h, w = x.shape
        q, k, v = (f(x).flatten(2) for f in (self.q, self.k, self.v))
        weights = torch.softmax(torch.matmul(q.transpose(1, 2), k), dim=-1)
        y = torch.bmm(v, weights.transpose(1, 2)).view(n, -1, h, w)
        return self.head(x + self.out(y))


class BilinearPool(nn.Module):
    """Outer product of two feature vectors by einsum."""

    def __init__(self):
        super().__init__()
        self.a, self.b = block(3, 4), block(3, 5)
        self.head = nn.Linear(20, 3)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.einsum("nchw,ndhw->ncd", self.a(x), self.b(x))
        return self.head(pooled.flatten(1) / 64.0)


class Mixer(nn.Module):
    """Linear layers over tokens and over channels in turn (MLP-Mixer)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(6, 8)
        self.tokens = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 5))
        self.channels = nn.Sequential(nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.tokens(x.transpose(1, 2)).transpose(1, 2)
        x = x + self.channels(self.norm(x))
        return self.head(x.mean(1))


class Recurrent(nn.Module):
    """An LSTM, which is left alone, between linear layers."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 5))
        self.lstm = nn.LSTM(5, 4, batch_first=True)
        self.head = nn.Sequential(nn.Linear(4, 7), nn.ReLU(), nn.Linear(7, 2))

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(self.stem(x))
        return self.head(out[:, -1])


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, one written-out block."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 5, 8))
        self.norm = nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        x = x + self.mlp(self.norm(x))
        return self.head(x[:, 0] + x[:, 1:].amax(1))


ENTRIES: dict[str, Entry] = {
    "bilinear-pool": entry(BilinearPool, IMAGE),
    "lstm": entry(Recurrent, TOKENS),
    "mixer": entry(Mixer, TOKENS),
    "multi-head": entry(MultiHead, TOKENS),
    "non-local": entry(NonLocal, IMAGE),
    "own-attention": entry(OwnAttention, TOKENS),
    "transformer-layer": entry(Encoder, TOKENS),
    "vision-transformer": entry(VisionTransformer, IMAGE),
}
