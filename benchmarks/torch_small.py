"""The network `small` in PyTorch, trained in the plain loop of its tutorials."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """A residual block of networks._small."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        """Make a block that divides the resolution by `stride`."""
        super().__init__()
        self.first = _convolution(channels, filters, stride=stride)
        self.second = _convolution(filters, filters)
        pooled = (nn.AvgPool2d(stride), _convolution(channels, filters, size=1))
        self.shortcut = nn.Sequential(*pooled) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, channels, H, W) to (N, filters, H / stride, W / stride)."""
        inner = self.second(functional.relu(self.first(x)))
        return functional.relu(self.shortcut(x) + inner)


class Small(nn.Module):
    """The network `small`: uint8 (N, S, S, 3) to logits (N, 3)."""

    def __init__(self) -> None:
        """Draw the weights."""
        super().__init__()
        blocks = (Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.body = nn.Sequential(_convolution(3, 16, stride=2), nn.ReLU(), *blocks)
        self.softmax = nn.Linear(64, 3)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Scale, convolve, pool."""
        x = crops.permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.softmax(self.body(x).mean((2, 3)))


def loop(
    crops: np.ndarray, labels: np.ndarray, steps: int, channels_last: bool = False
) -> Callable[[], None]:
    """Return a function that makes `steps` updates on one batch in memory."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = Small().to(memory_format=layout).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    x, y = torch.from_numpy(crops), torch.from_numpy(labels)

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    return train


def _convolution(channels: int, filters: int, size: int = 3, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(channels, filters, size, stride, size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters, eps=1e-3))
