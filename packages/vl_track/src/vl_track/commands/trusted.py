"""Classes of the user's own, which are imported because the user names them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast.trusted import import_class

if TYPE_CHECKING:
    from torch import nn

MUST_BE = (
    "no part of a network: derive it from vl_track.nn.heads.Head, vl_track.nn.text.TextEncoder or "
    "vl_track.nn.Backbone"
)


def own_classes(names: Sequence[str]) -> list[type["nn.Module"]]:
    """Import the heads, text encoders and backbones that a user names on the command line.

    Args:
        names: each ``module.Class``.

    Raises:
        ConfigError: there is no such class, or it is no part of a network.
    """
    if not names:
        return []
    from vl_track.nn.known import PARTS  # noqa: PLC0415  (torch comes with it)

    bases = [base for base, _ in PARTS.values()]
    return [import_class(name, bases, option="--classes", must_be=MUST_BE) for name in names]
