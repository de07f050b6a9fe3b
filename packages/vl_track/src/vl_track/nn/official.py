"""The released networks: their key layout, and the settings that reproduce them.

:func:`official_config` describes the network of All-in-One's ``lib/models/ostrack``: unit-length
mixup, no matching channels, and a text branch that is a constant. :func:`from_official` renames the
weights of an OSTrack or All-in-One checkpoint and refuses any it does not know.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from holdfast.errors import CheckpointError
from vl_track.finding import OFFICIAL

# In every checkpoint, used by nothing at test.
UNUSED = ("backbone.cls_token", "backbone.pos_embed")
# Buffers some versions of transformers stored.
BUFFERS = ("language_embeddings.position_ids", "language_embeddings.token_type_ids")
ALIGNMENT = ("language_xz_proj", "vision_x_proj", "vision_z_proj")
_BRANCHES = {"ctr": "score", "offset": "offset", "size": "size"}
_EMBEDDINGS = {"LayerNorm": "norm"}
_NAMES = {768: "vit_base_patch16_224", 1024: "vit_large_patch16_224"}


class Converted(NamedTuple):
    """A network's description and weights under our names, and what was left behind."""

    config: dict[str, Any]
    weights: dict[str, Tensor]
    training_only: list[str]


def official_config(
    *,
    language: bool,
    name: str = "vit_base_patch16_224",
    template_size: int = 128,
    search_size: int = 256,
    elimination_blocks: tuple[int, ...] = (3, 6, 9),
    search_factor: float = 4.0,
    options: dict[str, Any] | None = None,
    vocabulary: int = 30522,
    text_features: int = 768,
) -> dict[str, Any]:
    """Describe the released network.

    Args:
        language: All-in-One; without it OSTrack.
        name: timm's name of the backbone.
        template_size: in pixels.
        search_size: in pixels.
        elimination_blocks: where candidates are eliminated; OSTrack's ViT-L takes 6, 12, 18.
        search_factor: 4 at 256 pixels, 5 at 384.
        options: of the timm model, for tiny ones.
        vocabulary: rows of the text table.
        text_features: width of the text table.
    """
    text = {"vocabulary": vocabulary, "num_features": text_features}
    return {
        "backbone": {
            "class_path": "vl_track.nn.JointTransformer",
            "init_args": {
                "name": name,
                "template_size": template_size,
                "search_size": search_size,
                "elimination_blocks": list(elimination_blocks),
                "keep_ratio": 0.7,
                **({"options": options} if options else {}),
            },
        },
        "head": {"class_path": "vl_track.nn.heads.CentreHead", "init_args": {"channels": 256}},
        "text": (
            {"class_path": "vl_track.nn.text.OfficialText", "init_args": text}
            if language
            else {"class_path": "vl_track.nn.text.NoText"}
        ),
        "text_norm": "unit",
        "matching": "none",
        "template_factor": 2.0,
        "search_factor": search_factor,
        "tracker": OFFICIAL._asdict(),
    }


def from_official(
    state: Mapping[str, Tensor], *, elimination: bool = True, prefix: str = ""
) -> Converted:
    """Convert a released state dictionary.

    Args:
        state: the ``net`` entry of an official ``.pth.tar``, without the prefix.
        elimination: the variant with candidate elimination (``..._ce_...``).
        prefix: of the keys in the user's file, for the message.

    Raises:
        CheckpointError: a key is missing or unknown, with the list.
    """
    language = any(key.startswith("language_embeddings.") for key in state)
    config = _describe(state, language=language, elimination=elimination, prefix=prefix)
    weights, training_only, unknown = {}, [], []
    for key, value in state.items():
        if key in UNUSED or key in BUFFERS:
            continue
        if any(f".{part}." in key for part in ALIGNMENT):
            training_only.append(key)
            continue
        ours = rename(key)
        if ours is None:
            unknown.append(prefix + key)
        else:
            weights[ours] = value
    if not language:
        weights |= _idle_mixup(weights)
    if unknown:
        raise CheckpointError(_refusal("unknown", unknown))
    return Converted(config, weights, training_only)


def rename(key: str) -> str | None:
    """Return our name of an official key; ``None`` if it is not one."""
    rules = (
        (r"backbone\.patch_embed\.proj\.(weight|bias)", r"backbone.patch_proj.\1"),
        (r"backbone\.pos_embed_z", "backbone.template_positions"),
        (r"backbone\.pos_embed_x", "backbone.search_positions"),
        (r"backbone\.(blocks\.\d+\.(?:norm[12]|attn\.qkv|attn\.proj|mlp\.fc[12])\.\w+)",
         r"backbone.\1"),
        (r"backbone\.(norm\.\w+)", r"backbone.\1"),
        (r"backbone\.language_proj\.(\w+)", r"mixup.proj.\1"),
        (r"language_embeddings\.(\w+_embeddings)\.weight", r"text.\1.weight"),
        (r"language_embeddings\.LayerNorm\.(\w+)", r"text.norm.\1"),
    )  # fmt: skip
    for pattern, replacement in rules:
        if re.fullmatch(pattern, key):
            return re.sub(pattern, replacement, key)
    head = re.fullmatch(r"box_head\.conv([1-5])_(ctr|offset|size)\.(.+)", key)
    if head is None:
        return None
    number, branch, rest = head.groups()
    return f"head.{_BRANCHES[branch]}.{int(number) - 1}.{rest}"


def official_name(key: str) -> str:
    """Return the official name of one of our keys: the inverse of :func:`rename`."""
    rules = (
        (r"backbone\.patch_proj\.(\w+)", r"backbone.patch_embed.proj.\1"),
        (r"backbone\.template_positions", "backbone.pos_embed_z"),
        (r"backbone\.search_positions", "backbone.pos_embed_x"),
        (r"mixup\.proj\.(\w+)", r"backbone.language_proj.\1"),
        (r"text\.(\w+_embeddings)\.weight", r"language_embeddings.\1.weight"),
        (r"text\.norm\.(\w+)", r"language_embeddings.LayerNorm.\1"),
    )
    for pattern, replacement in rules:
        if re.fullmatch(pattern, key):
            return re.sub(pattern, replacement, key)
    head = re.fullmatch(r"head\.(score|offset|size)\.([0-4])\.(.+)", key)
    if head is None:
        return key
    branch = next(theirs for theirs, ours in _BRANCHES.items() if ours == head.group(1))
    return f"box_head.conv{int(head.group(2)) + 1}_{branch}.{head.group(3)}"


def check_complete(
    weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], prefix: str = ""
) -> None:
    """Refuse converted weights that leave part of the network unset, or have another shape.

    Args:
        weights: under our names.
        expected: the network's own.
        prefix: of the keys in the user's file, for the message.

    Raises:
        CheckpointError: with the list, spelled as in the user's file.
    """

    def spelled(key: str) -> str:
        return prefix + official_name(key)

    missing = [spelled(key) for key in expected if key not in weights]
    shapes = [
        f"{spelled(key)}: {tuple(weights[key].shape)}, not {tuple(expected[key].shape)}"
        for key in expected
        if key in weights and weights[key].shape != expected[key].shape
    ]
    unknown = [spelled(key) for key in weights if key not in expected]
    for what, keys in (("missing", missing), ("wrongly shaped", shapes), ("unknown", unknown)):
        if keys:
            raise CheckpointError(_refusal(what, keys))


def _refusal(what: str, keys: list[str]) -> str:
    listed = "\n  ".join(keys)
    return (
        f"This is no OSTrack or All-in-One checkpoint as released: {len(keys)} {what} key(s); "
        f"nothing was written. They are:\n  {listed}"
    )


def _describe(
    state: Mapping[str, Tensor], *, language: bool, elimination: bool, prefix: str
) -> dict[str, Any]:
    needed = ("backbone.pos_embed_z", "backbone.pos_embed_x", "backbone.patch_embed.proj.weight")
    missing = [prefix + key for key in needed if key not in state]
    if missing:
        raise CheckpointError(_refusal("missing", missing))
    kernel = state["backbone.patch_embed.proj.weight"]
    template, search = (math.isqrt(state[key].shape[1]) for key in needed[:2])
    patch, width = kernel.shape[-1], kernel.shape[0]
    depth = len({key.split(".")[2] for key in state if key.startswith("backbone.blocks.")})
    options: dict[str, Any] = {}
    if width not in _NAMES:
        heads = max(1, width // 64)
        options = {"embed_dim": width, "num_heads": heads, "depth": depth}
    blocks = (6, 12, 18) if depth == 24 else (3, 6, 9)
    table = state.get("language_embeddings.word_embeddings.weight")
    return official_config(
        language=language,
        name=_NAMES.get(width, _NAMES[768]),
        template_size=template * patch,
        search_size=search * patch,
        elimination_blocks=tuple(b for b in blocks if b < depth) if elimination else (),
        search_factor=5.0 if search * patch == 384 else 4.0,
        options=options,
        **(
            {} if table is None else {"vocabulary": table.shape[0], "text_features": table.shape[1]}
        ),
    )


def _idle_mixup(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give OSTrack, which has no language, a mixup that is never present."""
    norm = weights["backbone.norm.weight"]
    width = norm.shape[0]
    return {
        "mixup.proj.weight": norm.new_zeros(width, 1),
        "mixup.proj.bias": norm.new_zeros(width),
    }
