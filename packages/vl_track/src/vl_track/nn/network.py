"""The All-in-One network: modal mixup, one transformer over template and search, a head."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from vl_track.finding import Conventions
from vl_track.nn.backbone import Backbone, Patches
from vl_track.nn.finding import Finder
from vl_track.nn.foreground import target_share
from vl_track.nn.heads import CentreHead, HeadMaker
from vl_track.nn.heads.base import Maps
from vl_track.nn.matching import (
    CHANNELS,
    TargetCells,
    TextMatch,
    match,
    match_share,
    target_cells,
)
from vl_track.nn.mixup import ModalMixup, TextNorm, mix
from vl_track.nn.presence import Presence, PresenceInput
from vl_track.nn.text.base import TextEncoder, TextFeatures

Matching = Literal["none", "target", "target_and_text"]
# ImageNet's statistics, as in the release.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Output(NamedTuple):
    """What a forward pass gives.

    Attributes:
        maps: of the head.
        patches: embeddings before mixup, which alignment reads.
        text: the encoded sentences.
        text_match_BS: cosine of each search token with the sentence; ``None`` unless
            ``matching`` is ``target_and_text``.
        search_BSC: search tokens after the transformer.
        presence: logit that the target is in the window; ``None`` without ``presence``.
        matches_BSM: match of each search token with the template, and with the sentence, as far
            as ``matching`` says; ``None`` without.
    """

    maps: Maps
    patches: Patches
    text: TextFeatures
    text_match_BS: Tensor | None
    search_BSC: Tensor
    presence: Tensor | None = None
    matches_BSM: Tensor | None = None


class AllInOne(Finder):
    """Vision-language tracker (arXiv 2307.03373).

    Args:
        backbone: a :class:`vl_track.nn.JointTransformer`, or any other subclass of
            :class:`vl_track.nn.Backbone`.
        text: the text encoder; :class:`NoText` makes it a vision-only tracker (OSTrack).
        head: makes the head from its input channels and grid; a class of
            :mod:`vl_track.nn.heads`, or any other subclass of ``Head``.
        text_norm: of the mixup, ``layer`` or ``unit`` (the release's); see :class:`ModalMixup`.
        matching: channels the head gets beside the search features: ``none`` (paper), ``target``
            (similarity to the template's target), ``target_and_text`` (also to the sentence).
        template_factor: side of the template crop over the target's side (paper: 2).
        search_factor: side of the search crop over the target's side (paper: 4; 5 at 384 pixels).
        presence: also say how probable it is that the target is in the search window.
    """

    mean: Tensor
    std: Tensor
    on_target: Tensor
    around_target: Tensor

    def __init__(
        self,
        backbone: Backbone,
        text: TextEncoder,
        head: HeadMaker = CentreHead,
        text_norm: TextNorm = "layer",
        matching: Matching = "none",
        template_factor: float = 2.0,
        search_factor: float = 4.0,
        presence: bool = False,
    ) -> None:
        super().__init__()
        features = backbone.num_features
        self.backbone = backbone
        self.text = text
        self.mixup = ModalMixup(text.num_features, features, text_norm)
        self.matching = matching
        self.text_match = (
            TextMatch(features, text.num_features) if matching == "target_and_text" else None
        )
        self.head = head(features + CHANNELS[matching], backbone.search_grid)
        self.wants_target = backbone.wants_target
        self.presence = (
            Presence(features, text.num_features, CHANNELS[matching], backbone.search_grid)
            if presence
            else None
        )
        self.template_factor, self.search_factor = template_factor, search_factor
        self.conventions = Conventions()
        cells = target_cells(backbone.template_grid, template_factor)
        self.register_buffer("on_target", cells.on_T, persistent=False)
        self.register_buffer("around_target", cells.around_R, persistent=False)
        self.register_buffer("mean", torch.tensor(MEAN).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).reshape(3, 1, 1), persistent=False)

    def forward(
        self,
        template_B3hw: Tensor,
        search_B3HW: Tensor,
        sentences: Sequence[str] | TextFeatures,
        keep_ratio: float | None = None,
        target: Tensor | None = None,
    ) -> Output:
        """Find the template's object in the search crop.

        Args:
            template_B3hw: uint8 or float RGB in [0, 255]; all zeros where a sentence alone is the
                prompt.
            search_B3HW: likewise.
            sentences: one each, possibly empty; or their encoding, made once for a video.
            keep_ratio: of candidate elimination, overriding the backbone's.
            target: the target's x, y, width, height (B, 4) as fractions of the template
                crop, zeros where there is none; networks whose backbone has ``target_types`` need
                it, others ignore it.
        """
        text = sentences if isinstance(sentences, TextFeatures) else self.text(sentences)
        patches = self.backbone.embed(self._normalise(template_B3hw), self._normalise(search_B3HW))
        gain = self.mixup.gain(text.vector_BC, text.present_B)
        mixed = Patches(mix(patches.template_BZC, gain), mix(patches.search_BSC, gain))
        told = (target,) if self.wants_target else ()
        features = self.backbone(mixed, keep_ratio, *told)
        matches = self._match(features, template_B3hw, text, target)
        maps = self.head(torch.cat([features.search_BSC, *matches], dim=-1))
        text_match = matches[1][..., 0] if self.text_match is not None else None
        present = None
        if self.presence is not None:
            given = self._presence_input(features, maps, matches, text, template_B3hw, target)
            present = self.presence(given)
        joined = torch.cat(matches, dim=-1) if matches else None
        return Output(maps, patches, text, text_match, features.search_BSC, present, joined)

    def _presence_input(
        self,
        features: Patches,
        maps: Maps,
        matches: list[Tensor],
        text: TextFeatures,
        template: Tensor,
        target_B4: Tensor | None,
    ) -> PresenceInput:
        search = features.search_BSC
        if self.wants_target and target_B4 is not None:
            share = target_share(target_B4, self.backbone.template_grid)[..., None]
            share = share.to(search.dtype)
            target = (features.template_BZC * share).sum(1) / share.sum(1).clamp_min(1e-3)
        else:
            target = features.template_BZC[:, self.on_target].mean(dim=1)
        shown = (template.flatten(1).amax(dim=1) > 0).to(search.dtype)
        said = text.present_B.to(search.dtype)
        none = search[..., :0]
        # Where presence is trained, what it is judged from stays as the other losses want it.
        parts = (
            search,
            target,
            self.head.scores(maps),
            torch.cat([none, *matches], dim=-1),
            text.vector_BC,
            torch.stack([shown, said], dim=1),
        )
        return PresenceInput(*(part.detach() for part in parts))

    def match_text(self, search_BSC: Tensor, text: TextFeatures) -> Tensor:
        """Return the cosine (B, S, M) of search tokens with M sentences of each sample.

        ``text`` holds the B * M sentences, those of a sample together; an empty one gives 0.
        """
        assert self.text_match is not None, "matching is not target_and_text"
        batch = search_BSC.shape[0]  # len() would fix it in an exported network
        present = text.present_B.to(search_BSC.dtype).reshape(batch, 1, -1)
        vectors = text.vector_BC.reshape(batch, -1, text.vector_BC.shape[-1])
        match_BSM: Tensor = self.text_match(search_BSC, vectors) * present
        return match_BSM

    def _normalise(self, images: Tensor) -> Tensor:
        return (images.to(self.mean.dtype) / 255 - self.mean) / self.std

    def _match(
        self,
        features: Patches,
        template: Tensor,
        text: TextFeatures,
        target_B4: Tensor | None,
    ) -> list[Tensor]:
        """Return the channels the head gets beside the search features."""
        if self.matching == "none":
            return []
        search = features.search_BSC
        given = (template.flatten(1).amax(dim=1) > 0).to(search.dtype)[:, None, None]
        if self.wants_target and target_B4 is not None:
            share = target_share(target_B4, self.backbone.template_grid)
            found = match_share(features.template_BZC, search, share)
        else:
            cells = TargetCells(self.on_target, self.around_target)
            found = match(features.template_BZC, search, cells)
        channels = [found * given]
        if self.text_match is not None:
            channels.append(self.match_text(search, text))
        return channels
