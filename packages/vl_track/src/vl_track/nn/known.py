"""The classes that a model's description may name. Nothing that a file names is imported.

A description gives each part of a network as ``class_path`` and ``init_args``. The class path is
looked up in a fixed table, to which a user may add classes of their own from Python or on their
own command line.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from vl_track.nn import text
from vl_track.nn.backbone import JointTransformer
from vl_track.nn.heads import CentreHead, Head, MLPHead
from vl_track.nn.text import TextEncoder

BACKBONES: dict[str, type[nn.Module]] = {"vl_track.nn.JointTransformer": JointTransformer}
HEADS: dict[str, type[nn.Module]] = {
    f"vl_track.nn.heads.{kind.__name__}": kind for kind in (CentreHead, MLPHead)
}
TEXT_ENCODERS: dict[str, type[nn.Module]] = {
    f"vl_track.nn.text.{name}": getattr(text, name)
    for name in (
        "NoText",
        "TokenText",
        "WordPieceText",
        "SentenceText",
        "OpenClipText",
        "OfficialText",
    )
}
PARTS: dict[str, tuple[type[nn.Module], dict[str, type[nn.Module]]]] = {
    "backbone": (JointTransformer, BACKBONES),
    "head": (Head, HEADS),
    "text": (TextEncoder, TEXT_ENCODERS),
}
"""Of each part of a network: its base class, and our classes by class path."""


def path_of(kind: type) -> str:
    """Return the class path of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


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
    own = {path_of(kind): kind for kind in classes if issubclass(kind, base)}
    found = {**ours, **{path_of(kind): kind for kind in ours.values()}, **own}
    path = described["class_path"]
    if path not in found:
        raise LookupError(
            f"its {part} {str(path)[:200]} is none of ours, and nothing that a file names is "
            f"imported. If you trust that class, give it yourself: --classes {str(path)[:200]}, "
            "or load(..., classes=[Class])"
        )
    return partial(found[path], **(described.get("init_args") or {}))
