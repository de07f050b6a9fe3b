"""The LightningModule: a thin shell around the network and its losses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from holdfast.checkpoints.reading import check_same_architecture
from holdfast.console import say
from holdfast.training.indexed_logits import IndexedLogits
from vl_track.data.prompts import PROMPTS
from vl_track.loading import CONVENTIONS_KEY, load_network
from vl_track.nn.alignment import Alignment, Pool
from vl_track.nn.elimination import keep_ratio_at
from vl_track.nn.heads.base import HeadLosses, row_of, rows_where
from vl_track.nn.losses import pointing_loss, silence_loss
from vl_track.nn.network import AllInOne, Output
from vl_track.nn.presence import presence_loss


@dataclass(kw_only=True)
class LossWeights:
    """Weights of the losses; the defaults are the release's (``lib/train/actors/ostrack.py``).

    ``score``, ``giou`` and ``l1`` are the head's (:class:`vl_track.nn.heads.HeadLosses`).
    ``presence`` and ``silence`` count where pairs without the object are drawn
    (``PairOptions.absent``): the network's probability that it is there, and low scores where it is
    not. ``pointing`` is ours (see :func:`vl_track.nn.losses.pointing_loss`) and needs
    ``matching: target_and_text``.
    """

    score: float = 1.0
    giou: float = 2.0
    l1: float = 5.0
    cross_modal: float = 1.0
    intra_modal: float = 1.0
    pointing: float = 0.0
    presence: float = 1.0
    silence: float = 0.0


@dataclass(kw_only=True)
class AlignmentOptions:
    """See :class:`vl_track.nn.alignment.Alignment`."""

    dim: int = 256
    temperature: float = 0.5
    pool: Pool = "flatten"
    same_sentence_negative: bool = False
    across_ranks: bool = True


def default_optimizer(params: Any) -> torch.optim.Optimizer:  # noqa: ANN401  (what torch accepts)
    """AdamW as in the release: learning rate 4e-4, weight decay 1e-4."""
    return torch.optim.AdamW(params, lr=4e-4, weight_decay=1e-4)


def default_schedule(optimizer: torch.optim.Optimizer) -> LRScheduler:
    """A tenth of the learning rate after 240 of 300 epochs of 60,000 pairs in batches of 128."""
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[112_500], gamma=0.1)


class Tracking(LightningModule):
    """Train the All-in-One tracker on pairs of crops.

    Args:
        network: the tracker.
        alignment: multi-modal alignment; ``None`` trains without.
        loss_weights: of the sum.
        backbone_lr_factor: learning rate of the backbone over that of the rest (paper: 0.1).
        mixup_with_backbone: give the mixup the backbone's learning rate, as the release does.
        alignment_with_backbone: give the alignment's projections the backbone's learning rate, as
            the release does, where their names contain "backbone".
        freeze_visual: train the text encoder and its matching alone, by the pointing loss: a cheap
            first phase. With ``PairOptions.mentions`` every image serves several sentences.
        start_from: a model folder or checkpoint whose weights are the start, without its optimiser,
            and whose boxes are read as its conventions say, by the trained model too.
        start_new: parts of the network, by the beginning of their weights' names, that the start
            does not have and that begin as if nothing was given: ``backbone.target_types``,
            ``presence.``.
        steps_per_epoch: optimiser steps the schedule of candidate elimination calls an epoch
            (paper: 60,000 pairs over a batch of 128).
        elimination_start: epoch from which tokens are dropped in training (paper: 20).
        elimination_epochs: epochs until the final keep ratio (paper: 80).
        optimizer: makes the optimiser from parameter groups.
        lr_scheduler: makes the schedule.
        schedule_unit: step it after every optimiser ``step`` or every ``epoch`` of
            ``steps_per_epoch``.
    """

    def __init__(
        self,
        network: AllInOne,
        alignment: AlignmentOptions | None = None,
        loss_weights: LossWeights | None = None,
        backbone_lr_factor: float = 0.1,
        mixup_with_backbone: bool = True,
        alignment_with_backbone: bool = False,
        freeze_visual: bool = False,
        start_from: str | None = None,
        start_new: list[str] | None = None,
        steps_per_epoch: int = 469,
        elimination_start: int = 20,
        elimination_epochs: int = 80,
        optimizer: OptimizerCallable = default_optimizer,
        lr_scheduler: LRSchedulerCallable = default_schedule,
        schedule_unit: Literal["step", "epoch"] = "step",
    ) -> None:
        super().__init__()
        self.network = network
        if start_from is not None:
            # The parts of this very network are the user's choice, own classes included.
            own = [type(network.backbone), type(network.head), type(network.text)]
            loaded = load_network(start_from, own)
            network.conventions = loaded.conventions
            start = loaded.state_dict()
            fresh = network.state_dict()
            new = [n for n in fresh if n.startswith(tuple(start_new or ())) and n not in start]
            start |= {name: fresh[name] for name in new}
            check_same_architecture(start, network.state_dict(), source=start_from)
            network.load_state_dict(start)
            network.train()
        self.freeze_visual = freeze_visual
        if freeze_visual:
            for part in self._frozen():
                part.requires_grad_(requires_grad=False)
        self.alignment = None if alignment is None else _alignment(network, alignment)
        self.loss_weights = loss_weights or LossWeights()
        self.backbone_lr_factor = backbone_lr_factor
        self.mixup_with_backbone = mixup_with_backbone
        self.alignment_with_backbone = alignment_with_backbone
        self.steps_per_epoch = steps_per_epoch
        self.elimination_start = elimination_start
        self.elimination_epochs = elimination_epochs
        self.evaluated = IndexedLogits()
        self.make_optimizer = optimizer
        self.make_schedule = lr_scheduler
        self.schedule_unit = schedule_unit

    def forward(self, batch: Mapping[str, Any]) -> Output:
        """Run the network as at test."""
        output: Output = self.network(
            batch["template"], batch["search"], batch["sentence"], target=batch["target"]
        )
        return output

    def on_train_start(self) -> None:
        """Lightning keeps the modes it finds; training needs batch statistics and drop path."""
        self.train()
        if self.alignment is not None and self.trainer.accumulate_grad_batches > 1:
            say("note: alignment takes its negatives from one accumulated pass, not from the step")
        if self.freeze_visual:
            for part in self._frozen():
                part.eval()

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> Tensor:
        """Return the weighted sum of the losses."""
        if self.freeze_visual:
            return self._words_step(batch)
        output = self.network(
            batch["template"],
            batch["search"],
            batch["sentence"],
            self._keep_ratio(),
            batch["target"],
        )
        seen = batch["present"]
        head = self._head_losses(output, batch["box"], seen)
        weights = self.loss_weights
        loss = weights.score * head.score + weights.giou * head.giou + weights.l1 * head.l1
        loss = loss + self._absence_losses(output, seen)
        # A crop without the object agrees with no sentence about it.
        text = output.text._replace(present_B=output.text.present_B & seen)
        if self.alignment is not None:
            aligned = self.alignment(output.patches, text, batch["sentence"])
            loss = loss + weights.cross_modal * aligned.cross + weights.intra_modal * aligned.intra
            self.log_dict({"train/cross": aligned.cross, "train/intra": aligned.intra})
        if weights.pointing and output.text_match_BS is not None:
            pointing = pointing_loss(output.text_match_BS, batch["box"], text.present_B)
            loss = loss + weights.pointing * pointing
            self.log("train/pointing", pointing)
        self.log("train/loss", loss)
        self.log("train/iou", head.iou, prog_bar=True)
        return loss

    def _head_losses(self, output: Output, boxes: Tensor, seen: Tensor) -> HeadLosses:
        """Return the head's losses over the pairs that show the object; zeros if none does.

        The zeros touch every map: with several processes each waits for a gradient of every weight.
        """
        if not bool(seen.any()):
            zero = torch.stack([one.sum() for one in output.maps]).sum() * 0
            return HeadLosses(zero, zero, zero, zero.detach())
        return self.network.head.loss(rows_where(output.maps, seen), boxes[seen])

    def _absence_losses(self, output: Output, seen: Tensor) -> Tensor:
        """Return the weighted losses of pairs with and without the object."""
        loss = seen.new_zeros((), dtype=torch.float32)
        if output.presence is not None:
            presence = presence_loss(output.presence, seen)
            loss = loss + self.loss_weights.presence * presence
            self.log("train/presence", presence)
        if self.loss_weights.silence:
            scores = self.network.head.scores(output.maps)[~seen]
            loss = loss + self.loss_weights.silence * silence_loss(scores)
        return loss

    def validation_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Keep losses and the IoU of decoded boxes of every sample."""
        self.evaluated.update(batch["index"], self._rows(batch))

    def on_validation_epoch_end(self) -> None:
        """Log means over all samples, and of the IoU by what the model was given."""
        self._log_evaluation("val")

    def test_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """Keep losses and the IoU of decoded boxes of every sample."""
        self.evaluated.update(batch["index"], self._rows(batch))

    def on_test_epoch_end(self) -> None:
        """Log means over all samples."""
        self._log_evaluation("test")

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Build the optimiser on two groups: the backbone with what goes with it, and the rest."""
        slow: tuple[str, ...] = ("network.backbone.",)
        if self.mixup_with_backbone:
            slow = (*slow, "network.mixup.")
        if self.alignment_with_backbone:
            slow = (*slow, "alignment.")
        named = [(n, p) for n, p in self.named_parameters() if p.requires_grad]
        optimizer = self.make_optimizer(
            [
                {"params": [p for n, p in named if not _is_slow(n, slow)]},
                {"params": [p for n, p in named if _is_slow(n, slow)]},
            ]
        )
        optimizer.param_groups[1]["lr"] *= self.backbone_lr_factor
        schedule = self.make_schedule(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def lr_scheduler_step(self, scheduler: LRScheduler, metric: Any) -> None:  # noqa: ANN401
        """Step the schedule in its own unit; Lightning calls this after every optimiser step."""
        if self.schedule_unit == "step" or self.global_step % self.steps_per_epoch == 0:
            super().lr_scheduler_step(scheduler, metric)

    def _frozen(self) -> list[nn.Module]:
        return [self.network.backbone, self.network.mixup, self.network.head]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how boxes are read: what a start said is not in the run's configuration."""
        checkpoint[CONVENTIONS_KEY] = self.network.conventions._asdict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another architecture before loading it."""
        check_same_architecture(
            checkpoint["state_dict"], self.state_dict(), source="The checkpoint"
        )

    def _words_step(self, batch: Mapping[str, Any]) -> Tensor:
        """Return the pointing loss of the target and of every object the batch mentions."""
        with torch.no_grad():
            search = self(batch).search_BSC
        sentences = [batch["sentence"], *batch.get("mentions", [])]
        boxes = torch.cat([batch["box"][:, None], batch["mention_boxes"]], dim=1)
        text = self.network.text([one for sample in zip(*sentences, strict=True) for one in sample])
        match = self.network.match_text(search, text).transpose(1, 2)
        told = text.present_B.reshape(len(boxes), -1).clone()
        told[:, 0] &= batch["present"]
        loss = pointing_loss(match.flatten(0, 1), boxes.flatten(0, 1), told.flatten())
        self.log("train/pointing", loss)
        self.log("train/loss", loss)
        return loss

    def _keep_ratio(self) -> float:
        return keep_ratio_at(
            self.global_step / self.steps_per_epoch,
            final=self.network.backbone.keep_ratio,
            start=self.elimination_start,
            length=self.elimination_epochs,
        )

    def _rows(self, batch: Mapping[str, Any]) -> Tensor:
        """Return (B, 5): what each sample's prompt was, its losses and its IoU."""
        maps = self(batch).maps
        rows = []
        for number in range(len(batch["box"])):
            one = slice(number, number + 1)
            losses = self.network.head.loss(row_of(maps, number), batch["box"][one])
            rows.append(torch.stack([batch["prompt"][number].to(losses.iou), *losses]))
        return torch.stack(rows)

    def _log_evaluation(self, stage: str) -> None:
        """Log the same numbers on every rank: each sample counts once, whoever saw it."""
        _, rows = self.evaluated.compute()
        self.evaluated.reset()
        means = rows.mean(dim=0)[1:]
        names = HeadLosses._fields
        values = {f"{stage}/{name}": mean for name, mean in zip(names, means, strict=True)}
        for number, prompt in enumerate(PROMPTS):
            chosen = rows[rows[:, 0] == number]
            if len(chosen):
                values[f"{stage}/iou_{prompt}"] = chosen[:, -1].mean()
        self.log_dict(values)


def _is_slow(name: str, slow: tuple[str, ...]) -> bool:
    """Tell whether a weight learns at the backbone's rate; one that starts at zero does not."""
    return name.startswith(slow) and not name.endswith(".target_types")


def _alignment(network: AllInOne, options: AlignmentOptions) -> Alignment:
    backbone = network.backbone
    return Alignment(
        backbone.num_features,
        network.text.num_features,
        backbone.template_grid**2,
        backbone.search_grid**2,
        dim=options.dim,
        temperature=options.temperature,
        pool=options.pool,
        same_sentence_negative=options.same_sentence_negative,
        across_ranks=options.across_ranks,
    )
