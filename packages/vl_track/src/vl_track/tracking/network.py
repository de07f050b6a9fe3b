"""What a tracker needs of its network, whichever runtime computes it."""

from typing import Any, Protocol

import torch
from torch import Tensor

from vl_track.nn.backbone import Backbone
from vl_track.nn.heads.base import Head
from vl_track.nn.network import Conventions
from vl_track.nn.text.base import TextEncoder, TextFeatures


class Network(Protocol):
    """The part of :class:`vl_track.nn.network.AllInOne` that a tracker uses."""

    backbone: Backbone
    text: TextEncoder
    head: Head
    template_factor: float
    search_factor: float
    conventions: Conventions
    wants_target: bool

    def eval(self) -> "Network":
        """Go to evaluation mode."""

    def to(self, device: torch.device) -> "Network":
        """Go to a device."""

    def __call__(
        self,
        template: Tensor,
        search: Tensor,
        text: TextFeatures,
        *,
        target: Tensor | None = None,
    ) -> Any:  # noqa: ANN401
        """Return something that has the ``maps`` of the head, and ``presence``."""
