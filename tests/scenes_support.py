"""A small world of Scenes, and a small network: no download."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vl_track.nn.backbone import JointTransformer
from vl_track.nn.heads import CentreHead, HeadMaker
from vl_track.nn.mixup import TextNorm
from vl_track.nn.network import AllInOne, Matching
from vl_track.nn.text import TokenText
from vl_track.scenes.photographs import FOLDER
from vl_track.scenes.world import SceneWorld


def painted_root(folder: Path, count: int = 8) -> Path:
    """Fill a data root with colourful pictures that stand for photographs."""
    place = folder / FOLDER
    place.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(count):
        small = generator.integers(0, 255, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(small).resize((240, 180), Image.Resampling.BICUBIC).save(
            place / f"{number}.png"
        )
    return folder


def small_world(folder: Path, split: str = "train", **options: object) -> SceneWorld:
    """Open a world of small, short videos below ``folder``."""
    settings: dict[str, object] = {"frame_size": (160, 120), "frames": 30, **options}
    return SceneWorld.open(folder, split, **settings)  # type: ignore[arg-type]


def tiny_network(
    *,
    matching: Matching = "target_and_text",
    text_norm: TextNorm = "layer",
    head: HeadMaker | None = None,
    seed: int = 0,
    target_types: bool = False,
    presence: bool = False,
) -> AllInOne:
    """Build a network of two narrow blocks with random weights, crops of 32 and 64 pixels."""
    torch.manual_seed(seed)
    backbone = JointTransformer(
        "vit_tiny_patch16_224",
        32,
        64,
        options={"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 64},
        target_types=target_types,
    )
    text = TokenText("scenes", 16)
    head = head or partial(CentreHead, channels=16)
    return AllInOne(
        backbone, text, head=head, matching=matching, text_norm=text_norm, presence=presence
    )


def tiny_config(matching: str = "target_and_text") -> dict[str, object]:
    """What a model folder says of :func:`tiny_network`."""
    return {
        "backbone": {
            "class_path": "vl_track.nn.JointTransformer",
            "init_args": {
                "name": "vit_tiny_patch16_224", "template_size": 32, "search_size": 64,
                "options": {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 64},
            },
        },
        "text": {
            "class_path": "vl_track.nn.text.TokenText",
            "init_args": {"vocabulary": "scenes", "num_features": 16},
        },
        "head": {"class_path": "vl_track.nn.heads.CentreHead", "init_args": {"channels": 16}},
        "matching": matching,
    }  # fmt: skip
