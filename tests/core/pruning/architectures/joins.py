"""Ways in which tensors meet, split and change shape."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.core.pruning.architectures.recipe import Entry, block, conv, entry

IMAGE = (2, 3, 12, 12)


class SameTwice(nn.Module):
    """One tensor twice in a concatenation."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 5), conv(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(torch.cat([x, x], 1))


class SharedTwice(nn.Module):
    """One convolution called twice, on its own output."""

    def __init__(self):
        super().__init__()
        self.stem, self.again, self.head = block(3, 6), block(6, 6), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.again(self.again(self.stem(x))))


class Siamese(nn.Module):
    """One encoder on two images, and their difference."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(block(3, 5), block(5, 6))
        self.head = conv(6, 2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.head(torch.abs(self.encode(a) - self.encode(b)))


class MultiInput(nn.Module):
    """An image and a vector that shifts its channels."""

    def __init__(self):
        super().__init__()
        self.stem, self.shift = block(3, 6), nn.Linear(4, 6)
        self.head = conv(6, 2)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        return self.head(torch.relu(self.stem(x) + self.shift(code)[:, :, None, None]))


class MultiOutput(nn.Module):
    """Deep supervision: inner maps are outputs too, so they are fixed."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = block(3, 5), block(5, 6), block(6, 7)
        self.head = conv(7, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        a = self.a(x)
        b = self.b(a)
        return self.head(self.c(b)), {"inner": b}


class Chunked(nn.Module):
    """Two halves, one gating the other (gated linear unit)."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 10), conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.stem(x).chunk(2, dim=1)
        return self.head(value * torch.sigmoid(gate))


class Glu(nn.Module):
    """The same by ``functional.glu``."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 10), conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.glu(self.stem(x), dim=1))


class UnevenSplit(nn.Module):
    """Parts of different width, one of them unused by the second path."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 9)
        self.left, self.right = conv(4, 4), conv(2, 4)
        self.head = conv(7, 2)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = torch.split(self.stem(x), [4, 3, 2], dim=1)
        return self.head(torch.cat([torch.relu(self.left(a) + self.right(c)), b], 1))


class Sliced(nn.Module):
    """Channels by slice, negative and stepped."""

    def __init__(self):
        super().__init__()
        self.stem, self.odd, self.last = block(3, 8), conv(4, 3), conv(3, 3)
        self.head = conv(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(torch.tanh(self.odd(x[:, ::2]) + self.last(x[:, -3:])))


class Reordered(nn.Module):
    """Channels flipped, rolled and picked by index."""

    def __init__(self):
        super().__init__()
        self.stem, self.mid = block(3, 6), block(6, 6)
        self.head = conv(6, 2)
        self.register_buffer("order", torch.tensor([3, 1, 5, 0, 2, 4]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.stem(x).flip(1).roll(2, dims=1))
        return self.head(torch.index_select(x, 1, self.order) + x)


class Stacked(nn.Module):
    """Branches stacked on a new dimension and reduced."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = block(3, 5), block(3, 5), block(3, 5)
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.stack([self.a(x), self.b(x), self.c(x)], dim=1)
        return self.head(both.sum(1) + both.amax(dim=1))


class Shuffled(nn.Module):
    """Pixel shuffle: four channels become one of twice the size."""

    def __init__(self):
        super().__init__()
        self.stem, self.grow = block(3, 5), conv(5, 12)
        self.shuffle, self.head = nn.PixelShuffle(2), conv(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.shuffle(self.grow(self.stem(x)))))


class Unshuffled(nn.Module):
    """Pixel unshuffle: one channel becomes four of half the size."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 5), conv(20, 2)
        self.shuffle = nn.PixelUnshuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.shuffle(self.stem(x)))


class Maxout(nn.Module):
    """The larger of each pair of channels (Goodfellow et al. 2013)."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = conv(3, 12), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        return self.head(x.view(n, c // 2, 2, h, w).max(dim=2).values)


class PaddedShortcut(nn.Module):
    """ResNet's shortcut A: missing channels are zeros."""

    def __init__(self):
        super().__init__()
        self.stem, self.wide, self.head = block(3, 4), conv(4, 8, stride=2), conv(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        short = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        return self.head(torch.relu(self.wide(x) + short))


class PaddedOnes(nn.Module):
    """A border of ones: a removed channel must not leave its border behind."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 5), nn.Conv2d(5, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.pad(self.stem(x), (1, 1, 1, 1), value=1.0))


class Repeated(nn.Module):
    """Channels copied by repeat and by repeat_interleave."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 4), conv(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(x.repeat(1, 2, 1, 1) + x.repeat_interleave(2, dim=1))


class InPlace(nn.Module):
    """Tensors changed where they are."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = conv(3, 6), conv(3, 6), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y += self.b(x)
        y.mul_(0.5).relu_()
        return self.head(y)


class Assigned(nn.Module):
    """Channels written into a slice of a buffer."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = conv(3, 4), conv(3, 3), conv(7, 2)

    def forward(self, x: Tensor) -> Tensor:
        out = x.new_zeros(x.shape[0], 7, *x.shape[2:])
        out[:, :4] = self.a(x)
        out[:, 4:] = self.b(x)
        return self.head(torch.relu(out))


class Selected(nn.Module):
    """Element-wise functions of two operands."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = block(3, 5), block(3, 5), block(3, 5)
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = self.a(x), self.b(x), self.c(x)
        x = torch.where(a > b, torch.maximum(a, c), torch.lerp(b, c, 0.3))
        return self.head(torch.addcmul(x, a, b, value=0.5))


class Nested(nn.Module):
    """Modules in lists in dictionaries in modules."""

    def __init__(self):
        super().__init__()
        self.tree = nn.ModuleDict(
            {
                "trunk": nn.ModuleList([block(3, 4), nn.Sequential(block(4, 5))]),
                "leaves": nn.ModuleList(nn.ModuleDict({"x": conv(5, 4)}) for _ in "ab"),
            }
        )
        self.head = nn.ModuleList([nn.ModuleList([conv(8, 2)])])

    def forward(self, x: Tensor) -> Tensor:
        for part in self.tree["trunk"]:
            x = part(x)
        x = torch.cat([leaf["x"](x) for leaf in self.tree["leaves"]], 1)
        return self.head[0][0](torch.relu(x))


class FlattenLinear(nn.Module):
    """Reshape of a map to a vector, between linear layers with a norm."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(block(3, 5), nn.AvgPool2d(4))
        self.fc1, self.norm, self.fc2 = (
            nn.Linear(45, 8),
            nn.BatchNorm1d(8),
            nn.Linear(8, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x.reshape(x.shape[0], -1)
        return self.fc2(torch.relu(self.norm(self.fc1(x))))


class BackToMap(nn.Module):
    """A vector becomes a map: the decoder of an autoencoder."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 5 * 9)
        self.up = nn.ConvTranspose2d(5, 6, 2, stride=2)
        self.norm, self.head = nn.BatchNorm2d(6), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.fc(x)).view(-1, 5, 3, 3)
        return self.head(torch.relu(self.norm(self.up(x))))


ENTRIES: dict[str, Entry] = {
    "assigned": entry(Assigned, IMAGE),
    "back-to-map": entry(BackToMap, (2, 6)),
    "chunked": entry(Chunked, IMAGE),
    "flatten-linear": entry(FlattenLinear, IMAGE),
    "glu": entry(Glu, IMAGE),
    "in-place": entry(InPlace, IMAGE),
    "maxout": entry(Maxout, IMAGE),
    "multi-input": entry(MultiInput, IMAGE, (2, 4)),
    "multi-output": entry(MultiOutput, IMAGE),
    "nested": entry(Nested, IMAGE),
    "padded-ones": entry(PaddedOnes, IMAGE),
    "padded-shortcut": entry(PaddedShortcut, IMAGE),
    "pixel-shuffle": entry(Shuffled, IMAGE),
    "pixel-unshuffle": entry(Unshuffled, IMAGE),
    "reordered": entry(Reordered, IMAGE),
    "repeated": entry(Repeated, IMAGE),
    "same-twice": entry(SameTwice, IMAGE),
    "selected": entry(Selected, IMAGE),
    "shared-twice": entry(SharedTwice, IMAGE),
    "siamese": entry(Siamese, IMAGE, IMAGE),
    "sliced": entry(Sliced, IMAGE),
    "stacked": entry(Stacked, IMAGE),
    "uneven-split": entry(UnevenSplit, IMAGE),
}
