"""The architecture ``graph``: a network that came as a graph, fed with RGB pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.graphs.network import GraphNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class PictureGraph(GraphNetwork):
    """A graph that takes RGB, whatever its own input is.

    Parameters
    ----------
    graph
        See `GraphNetwork`.
    channels
        Of its input: 3, or 1 for the mean of red, green and blue.
    last
        Whether its channels come last, as Keras has them.
    """

    def __init__(
        self, graph: Mapping[str, Any], channels: int = 3, last: bool = False
    ) -> None:
        super().__init__(graph)
        if channels not in {1, 3}:
            raise ModelError("a graph takes pictures of 1 or 3 channels")
        self._channels, self._channels_last = channels, bool(last)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the outputs by title, channels second.

        Parameters
        ----------
        image
            float32 (images, 3, height, width).
        """
        if self._channels == 1:
            image = image.mean(1, keepdim=True)
        if not self._channels_last:
            return self.run(image)
        found = self.run(image.permute(0, 2, 3, 1))
        return {
            title: value.permute(0, 3, 1, 2) if value.dim() == 4 else value
            for title, value in found.items()
        }
