"""Random weights in the official key layout, and a slow network that reads that layout directly.

``python tests/official_support.py OUT.pth.tar`` writes such a checkpoint. The reference is written
from paper and release, piece by piece, with loops where loops are clearer; it shares no code
with the product.
"""

import itertools
import math
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


def official_state(
    *,
    width: int = 128,
    depth: int = 5,
    template: int = 4,
    search: int = 8,
    channels: int = 256,
    language: bool = True,
    vocabulary: int = 200,
    text_width: int = 24,
    seed: int = 0,
) -> State:
    """Return random weights of the released network under its own names."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 0.05) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    state: State = {
        "backbone.cls_token": draw(1, 1, width),
        "backbone.pos_embed": draw(1, 197, width),
        "backbone.pos_embed_z": draw(1, template**2, width, scale=0.5),
        "backbone.pos_embed_x": draw(1, search**2, width, scale=0.5),
        "backbone.patch_embed.proj.weight": draw(width, 3, 16, 16, scale=0.03),
        "backbone.patch_embed.proj.bias": draw(width),
        "backbone.norm.weight": 1 + draw(width),
        "backbone.norm.bias": draw(width),
    }
    for block in range(depth):
        stem = f"backbone.blocks.{block}"
        for norm in ("norm1", "norm2"):
            state[f"{stem}.{norm}.weight"] = 1 + draw(width)
            state[f"{stem}.{norm}.bias"] = draw(width)
        for name, rows, columns in (
            ("attn.qkv", 3 * width, width),
            ("attn.proj", width, width),
            ("mlp.fc1", 4 * width, width),
            ("mlp.fc2", width, 4 * width),
        ):
            state[f"{stem}.{name}.weight"] = draw(rows, columns, scale=1.5 / math.sqrt(columns))
            state[f"{stem}.{name}.bias"] = draw(rows)
    for branch, outputs in (("ctr", 1), ("offset", 2), ("size", 2)):
        widths = [width, channels, channels // 2, channels // 4, channels // 8]
        for layer, (inside, outside) in enumerate(itertools.pairwise(widths), 1):
            stem = f"box_head.conv{layer}_{branch}"
            state[f"{stem}.0.weight"] = draw(outside, inside, 3, 3, scale=1 / math.sqrt(9 * inside))
            state[f"{stem}.0.bias"] = draw(outside)
            state[f"{stem}.1.weight"] = 1 + draw(outside)
            state[f"{stem}.1.bias"] = draw(outside)
            state[f"{stem}.1.running_mean"] = draw(outside)
            state[f"{stem}.1.running_var"] = 1 + draw(outside).abs()
            state[f"{stem}.1.num_batches_tracked"] = torch.tensor(7)
        state[f"box_head.conv5_{branch}.weight"] = draw(outputs, widths[-1], 1, 1, scale=0.5)
        state[f"box_head.conv5_{branch}.bias"] = draw(outputs)
    if language:
        state |= {
            "language_embeddings.position_ids": torch.arange(40)[None],
            "language_embeddings.word_embeddings.weight": draw(vocabulary, text_width),
            "language_embeddings.position_embeddings.weight": draw(40, text_width),
            "language_embeddings.token_type_embeddings.weight": draw(2, text_width),
            "language_embeddings.LayerNorm.weight": 1 + draw(text_width),
            "language_embeddings.LayerNorm.bias": draw(text_width),
            "backbone.language_proj.weight": draw(width, text_width),
            "backbone.language_proj.bias": draw(width),
            "backbone.language_xz_proj.weight": draw(8, width),
            "backbone.language_xz_proj.bias": draw(8),
            "backbone.vision_x_proj.weight": draw(8, search**2 * width),
            "backbone.vision_x_proj.bias": draw(8),
            "backbone.vision_z_proj.weight": draw(8, template**2 * width),
            "backbone.vision_z_proj.bias": draw(8),
        }
    return state


def layer_norm(x: Tensor, state: State, name: str, epsilon: float = 1e-6) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + epsilon)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def linear(x: Tensor, state: State, name: str) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def patches(picture: Tensor, state: State) -> Tensor:
    """(3, H, W) normalised to (tokens, width), one patch after the other."""
    weight = state["backbone.patch_embed.proj.weight"].flatten(1)
    rows = []
    for top in range(0, picture.shape[1], 16):
        for left in range(0, picture.shape[2], 16):
            patch = picture[:, top : top + 16, left : left + 16].flatten()
            rows.append(weight @ patch + state["backbone.patch_embed.proj.bias"])
    return torch.stack(rows)


def attention(x: Tensor, state: State, stem: str, heads: int) -> tuple[Tensor, Tensor]:
    """(N, C) to (N, C) and the weights of each head (heads, N, N)."""
    width = x.shape[1]
    each = width // heads
    qkv = linear(x, state, f"{stem}.attn.qkv")
    outputs, weights = [], []
    for head in range(heads):
        query, key, value = (
            qkv[:, part * width + head * each : part * width + (head + 1) * each]
            for part in range(3)
        )
        logits = query @ key.T / math.sqrt(each)
        share = torch.exp(logits - logits.max(1, keepdim=True).values)
        share = share / share.sum(1, keepdim=True)
        weights.append(share)
        outputs.append(share @ value)
    return linear(torch.cat(outputs, 1), state, f"{stem}.attn.proj"), torch.stack(weights)


def language_gain(state: State, has_sentence: bool) -> Tensor:
    """The constant vector of [CLS] (or [PAD]) through the projection, of unit length."""
    token = 101 if has_sentence else 0
    stem = "language_embeddings"
    vector = (
        state[f"{stem}.word_embeddings.weight"][token]
        + state[f"{stem}.position_embeddings.weight"][0]
        + state[f"{stem}.token_type_embeddings.weight"][0]
    )
    vector = layer_norm(vector, state, f"{stem}.LayerNorm", 1e-12)
    gain = linear(vector, state, "backbone.language_proj")
    return gain / torch.sqrt((gain**2).sum())


def head_branch(image: Tensor, state: State, branch: str) -> Tensor:
    for layer in range(1, 5):
        stem = f"box_head.conv{layer}_{branch}"
        image = F.conv2d(image, state[f"{stem}.0.weight"], state[f"{stem}.0.bias"], padding=1)
        shape = (1, -1, 1, 1)
        image = image - state[f"{stem}.1.running_mean"].view(shape)
        image = image / torch.sqrt(state[f"{stem}.1.running_var"].view(shape) + 1e-5)
        image = image * state[f"{stem}.1.weight"].view(shape) + state[f"{stem}.1.bias"].view(shape)
        image = image.clamp_min(0)
    stem = f"box_head.conv5_{branch}"
    return F.conv2d(image, state[f"{stem}.weight"], state[f"{stem}.bias"])


def reference_network(
    state: State, template: Tensor, search: Tensor, **settings: Any
) -> tuple[Tensor, Tensor]:
    """Run one pair of pictures (3, H, W) in [0, 255]; return score map (F, F) and box (4,)."""
    score, size, offset = reference_maps(state, template, search, **settings)
    grid = score.shape[0]
    best = int(score.flatten().argmax())
    row, column = divmod(best, grid)
    box = torch.stack(
        [
            (column + offset[0, row, column]) / grid,
            (row + offset[1, row, column]) / grid,
            size[0, row, column],
            size[1, row, column],
        ]
    )
    return score, box


def reference_maps(
    state: State,
    template: Tensor,
    search: Tensor,
    *,
    heads: int,
    eliminating: tuple[int, ...],
    has_sentence: bool = True,
    keep: float = 0.7,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one pair of pictures (3, H, W) in [0, 255]; return the maps of score, size, offset."""
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    z, x = (patches((p / 255 - mean) / std, state) for p in (template, search))
    if "backbone.language_proj.weight" in state:
        gain = language_gain(state, has_sentence)
        z, x = z * gain + z, x * gain + x
    z, x = z + state["backbone.pos_embed_z"][0], x + state["backbone.pos_embed_x"][0]
    count, grid = len(x), math.isqrt(len(x))
    centre = {8: 3, 12: 5}.get(math.isqrt(len(z)), (math.isqrt(len(z)) - 1) // 2)
    centre = centre * math.isqrt(len(z)) + centre
    tokens, places = torch.cat([z, x]), list(range(count))
    depth = len({key.split(".")[2] for key in state if key.startswith("backbone.blocks.")})
    for block in range(depth):
        stem = f"backbone.blocks.{block}"
        mixed, weights = attention(layer_norm(tokens, state, f"{stem}.norm1"), state, stem, heads)
        tokens = tokens + mixed
        if block in eliminating:
            liked = weights[:, centre, len(z) :].mean(0)
            order = sorted(range(len(places)), key=lambda i: -float(liked[i]))
            order = order[: math.ceil(keep * len(places))]
            tokens = torch.cat([tokens[: len(z)], tokens[len(z) :][order]])
            places = [places[i] for i in order]
        hidden = linear(layer_norm(tokens, state, f"{stem}.norm2"), state, f"{stem}.mlp.fc1")
        hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
        tokens = tokens + linear(hidden, state, f"{stem}.mlp.fc2")
    tokens = layer_norm(tokens, state, "backbone.norm")[len(z) :]
    image = torch.zeros(1, tokens.shape[1], grid, grid)
    for row, place in zip(tokens, places, strict=True):
        image[0, :, place // grid, place % grid] = row
    score = head_branch(image, state, "ctr").sigmoid().clamp(1e-4, 1 - 1e-4)[0, 0]
    size = head_branch(image, state, "size").sigmoid().clamp(1e-4, 1 - 1e-4)[0]
    return score, size, head_branch(image, state, "offset")[0]


def sample_target(
    image: np.ndarray, box: list[float], factor: float, size: int
) -> tuple[np.ndarray, float]:
    """The crop of ``lib/train/data/processing_utils.py``, pixel by pixel outside the frame."""
    x, y, w, h = box
    side = math.ceil(math.sqrt(w * h) * factor)
    left, top = round(x + 0.5 * w - side * 0.5), round(y + 0.5 * h - side * 0.5)
    crop = np.zeros((side, side, 3), np.uint8)
    for row in range(side):
        if 0 <= top + row < image.shape[0]:
            inside = [c for c in range(side) if 0 <= left + c < image.shape[1]]
            if inside:
                first, last = inside[0], inside[-1] + 1
                crop[row, first:last] = image[top + row, left + first : left + last]
    return cv2.resize(crop, (size, size)), size / side


def reference_track(
    state: State, frames: list[np.ndarray], box: list[float], *, heads: int,
    eliminating: tuple[int, ...],
) -> list[list[float]]:  # fmt: skip
    """The boxes of ``lib/test/tracker/ostrack.py`` over a clip; the first one is the given one."""
    template_size, size = (
        16 * math.isqrt(state[f"backbone.pos_embed_{part}"].shape[1]) for part in "zx"
    )

    def tensor(crop: np.ndarray) -> Tensor:
        return torch.from_numpy(crop).permute(2, 0, 1).float()

    template = tensor(sample_target(frames[0], box, 2.0, template_size)[0])
    found = [list(box)]
    for frame in frames[1:]:
        x, y, w, h = found[-1]
        crop, resize = sample_target(frame, found[-1], 4.0, size)
        maps = reference_maps(state, template, tensor(crop), heads=heads, eliminating=eliminating)
        score, width_height, offset = maps
        grid = score.shape[0]
        line = [0.5 * (1 - math.cos(2 * math.pi * k / (grid + 1))) for k in range(1, grid + 1)]
        response = score * torch.tensor(line)[:, None] * torch.tensor(line)[None]
        row, column = divmod(int(response.flatten().argmax()), grid)
        cx = (column + float(offset[0, row, column])) / grid * size / resize
        cy = (row + float(offset[1, row, column])) / grid * size / resize
        new_w, new_h = (float(side) * size / resize for side in width_height[:, row, column])
        half = 0.5 * size / resize
        x0 = cx + x + 0.5 * w - half - 0.5 * new_w
        y0 = cy + y + 0.5 * h - half - 0.5 * new_h
        x1, y1 = x0 + new_w, y0 + new_h
        rows, columns = frame.shape[:2]
        x0, x1 = min(max(0, x0), columns - 10), min(max(10, x1), columns)
        y0, y1 = min(max(0, y0), rows - 10), min(max(10, y1), rows)
        found.append([x0, y0, max(10, x1 - x0), max(10, y1 - y0)])
    return found


def random_pictures(state: State, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return a template and a search picture of the sizes the state asks for, smooth and varied."""
    generator = np.random.default_rng(seed)
    pictures = []
    for key in ("backbone.pos_embed_z", "backbone.pos_embed_x"):
        side = 16 * math.isqrt(state[key].shape[1])
        small = torch.from_numpy(generator.uniform(0, 255, (1, 3, side // 4, side // 4)))
        picture = F.interpolate(small.float(), size=(side, side), mode="bilinear")
        pictures.append(picture[0].round().clamp(0, 255))
    return pictures[0], pictures[1]


if __name__ == "__main__":
    full = official_state(width=768, depth=12, template=8, search=16, vocabulary=30522,
                          text_width=768)  # fmt: skip
    torch.save({"net": full, "epoch": 300}, Path(sys.argv[1]))
