"""The classes that a model's description may name. Nothing that a file names is imported.

A description gives each part of a network as ``class_path`` and ``init_args``. The class path is
looked up in a fixed table, to which a user may add classes of their own from Python or on their
own command line.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from holdfast.trusted import known_classes, unknown_class
from vl_track.nn.backbone import Backbone, JointTransformer
from vl_track.nn.heads import CentreHead, Head, MLPHead
from vl_track.nn.text import (
    NoText,
    OfficialText,
    OpenClipText,
    SentenceText,
    TextEncoder,
    TokenText,
    WordPieceText,
)

PARTS: dict[str, tuple[type[nn.Module], tuple[type[nn.Module], ...]]] = {
    "backbone": (Backbone, (JointTransformer,)),
    "head": (Head, (CentreHead, MLPHead)),
    "text": (
        TextEncoder,
        (NoText, TokenText, WordPieceText, SentenceText, OpenClipText, OfficialText),
    ),
}
"""Of each part of a network: its base class, and ours."""


def maker(
    part: str, described: Mapping[str, Any], classes: Sequence[type[nn.Module]] = ()
) -> Callable[..., Any]:
    """Return what makes a part of a network: its class, with the described options set.

    Args:
        part: ``backbone``, ``head`` or ``text``.
        described: ``class_path`` and ``init_args``.
        classes: of the user's own, which the description may name too.

    Raises:
        LookupError: the description names no class, or none that is known here.
    """
    base, ours = PARTS[part]
    found = known_classes(ours, [kind for kind in classes if issubclass(kind, base)])
    path = described["class_path"]
    if path not in found:
        give = f"--classes {str(path)[:200]}, or load(..., classes=[Class])"
        raise LookupError(unknown_class(f"its {part}", path, give))
    return partial(found[path], **(described.get("init_args") or {}))
