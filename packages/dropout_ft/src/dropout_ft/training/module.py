"""The LightningModule: a thin shell around the classifier."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import (
    LRSchedulerConfigType,
    OptimizerLRSchedulerConfig,
)
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from dropout_ft.nn.adapters import Adapter, has_adapter
from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import Normalization, VeryLargeDropoutHead
from dropout_ft.nn.parameter_groups import parameter_groups, scale_rate
from dropout_ft.training.collecting import CollectedLogits, Evaluation
from dropout_ft.training.objectives.base import Objective
from dropout_ft.training.objectives.erm import ERM
from dropout_ft.training.ratatouille import load_backbone
from dropout_ft.training.schedules import schedule_remark
from dropout_ft.training.warm_start import HeadStart, HeadWarmStart
from holdfast.checkpoints.reading import check_same_architecture
from holdfast.console import say
from holdfast.errors import ConfigError

Batch = Mapping[str, Tensor]


def default_optimizer(params: Any) -> torch.optim.Optimizer:  # noqa: ANN401  (what torch accepts)
    """SGD as in the paper: learning rate 1e-3, momentum 0.9, weight decay 1e-4."""
    return torch.optim.SGD(params, lr=1e-3, momentum=0.9, weight_decay=1e-4)


def default_schedule(optimizer: torch.optim.Optimizer) -> LRScheduler:
    """A tenth of the learning rate from step 5,000 on, as in the paper."""
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[5000], gamma=0.1)


class FineTuning(LightningModule):
    """Fine-tune a pre-trained backbone under a dropout head; rate 0 is ERM.

    Args:
        backbone: pre-trained, without a classifier.
        class_names: the classes; the command line fills them in from the data.
        dropout_rate: rate on the representation, in [0, 1); paper: 0.9.
        normalization: ``none`` (paper) or ``standardize``, see :class:`VeryLargeDropoutHead`.
        feature_scale: multiplies the representation.
        head_lr_factor: learning rate of the head over that of the backbone; paper: 1, and 10 in
            section 4.2.1.
        head_start: ``None`` keeps the head's random start; a :class:`HeadWarmStart` fits it on the
            frozen representation first, a :class:`PromptHead` makes it of CLIP's class prompts.
        freeze_batch_norm: keep the pre-trained BatchNorm statistics; scale and shift are trained.
        frozen_stages: the backbone's first stages that are not trained; 0 (paper) trains all.
        objective: what is minimised; ``None`` is :class:`ERM`, as in the paper.
        start_from: a checkpoint of ``fit`` whose backbone, trained on other data, replaces the
            pre-trained one (model ratatouille: Rame et al. 2023); its head is not used.
        adapter: ``None`` trains the backbone's own weights; :class:`dropout_ft.nn.adapters.LoRA`
            freezes them and trains low-rank additions.
        optimizer: makes the optimiser from parameter groups; default SGD as in the paper.
        lr_scheduler: makes the schedule, stepped after every optimiser step; default as in the
            paper.
    """

    def __init__(
        self,
        backbone: Backbone,
        class_names: list[str],
        dropout_rate: float = 0.9,
        normalization: Normalization = "none",
        feature_scale: float = 1.0,
        head_lr_factor: float = 1.0,
        head_start: HeadStart | None = None,
        freeze_batch_norm: bool = True,
        frozen_stages: int = 0,
        objective: Objective | None = None,
        start_from: str | None = None,
        adapter: Adapter | None = None,
        optimizer: OptimizerCallable = default_optimizer,
        lr_scheduler: LRSchedulerCallable = default_schedule,
    ) -> None:
        super().__init__()
        self.class_names = list(class_names)
        head = VeryLargeDropoutHead(
            backbone.num_features,
            len(class_names),
            dropout_rate=dropout_rate,
            normalization=normalization,
            feature_scale=feature_scale,
        )
        self.model = Classifier(
            backbone, head, frozen_stages=frozen_stages, freeze_batch_norm=freeze_batch_norm
        )
        if start_from is not None:
            load_backbone(backbone, start_from)
        if adapter is not None:
            adapter.apply(backbone)
        self.objective = objective or ERM()
        self.objective.class_names = self.class_names
        self.objective.prepare(self.model)
        self.head_lr_factor = head_lr_factor
        self.head_start = head_start
        self.make_optimizer = optimizer
        self.make_schedule = lr_scheduler
        self.warm_start_batches: Callable[[], Iterable[Batch]] | None = None
        self.extra_networks: Callable[[], dict[str, nn.Module]] = dict
        self.collected = CollectedLogits()
        self.evaluation: Evaluation | None = None

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The sets of weights that are evaluated: the current ones, and any average along the run.

        A callback that keeps others offers them through ``extra_networks``.
        """
        return {"current": self.model, **self.extra_networks()}

    def parts_to_compile(self) -> list[nn.Module]:
        """Return what ``run.compile`` compiles.

        The objectives call the classifier, or its backbone and its head one after the other; each
        is compiled where it is called, and inside a compiled one it is a part of that.
        """
        own = [self.objective] if any(True for _ in self.objective.parameters()) else []
        return [self.model, self.model.backbone, self.model.head, *own]

    def coordinates(self) -> dict[str, Any]:
        """Return what the model declares of a run, for ``run.json``."""
        backbone = self.model.backbone
        return {
            "objective": type(self.objective).__name__,
            "dropout_rate": self.model.head.dropout_rate,
            "head_lr_factor": self.head_lr_factor,
            "backbone": getattr(backbone, "name", type(backbone).__name__),
            "weights": str(getattr(backbone, "weights", "")),
        }

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 RGB pictures (B, 3, H, W) to logits (B, C)."""
        logits: Tensor = self.model(images)
        return logits

    def on_fit_start(self) -> None:
        """Refuse what would silently undo the recipe.

        Raises:
            ConfigError: synchronised BatchNorm has replaced the frozen layers, or an average along
                the run would average an adapter's factors.
        """
        if any(isinstance(module, nn.SyncBatchNorm) for module in self.modules()):
            raise ConfigError(
                "trainer.sync_batchnorm replaces the frozen BatchNorm layers by ones that are "
                "trained, and drops their activations: leave it false."
            )
        if has_adapter(self) and any(isinstance(one, WeightAveraging) for one in self._callbacks()):
            raise ConfigError(
                "An average along the run would average an adapter's two factors and not the "
                "weights they come to: leave the averaging callback out, and keep merged weights "
                "with configs/methods/segments_alone.yaml (SWA, SWAD, WiSE-FT)."
            )

    def on_train_start(self) -> None:
        """Calibrate and warm-start the head of a fresh run; a resumed one has its head already."""
        # Lightning keeps the modes it finds, so the frozen parts must be put into theirs here.
        self.train()
        for schedule in self.trainer.lr_scheduler_configs:
            remark = schedule_remark(schedule.scheduler, self.trainer.max_steps)
            if remark:
                say(f"note: {remark}")
        calibrated = bool(int(self.model.head.calibrated))
        if self.global_step > 0 or (calibrated and self.head_start is None):
            return
        if self.warm_start_batches is None:
            raise ConfigError(
                "The head needs training batches to start from: set module.warm_start_batches to a "
                "function that returns them, or use normalization 'none' without a head_start."
            )
        (self.head_start or HeadWarmStart(steps=0)).apply(
            self.model, self.warm_start_batches, self.class_names
        )
        # Every process saw the same batches; rounding on unlike devices may still differ.
        head = self.model.head
        head.load_state_dict(self.trainer.strategy.broadcast(head.state_dict()))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the objective's loss; the paper's is plain cross-entropy.

        Raises:
            ConfigError: the data weighs classes and the objective does not.
        """
        parts: dict[str, Tensor] = self.objective(self.model, batch)
        if "weight" in batch and not self.objective.weighed:
            raise ConfigError(
                f"{type(self.objective).__name__} leaves data.class_weights out of its loss: let "
                'it call self.cross_entropy(logits, label, batch.get("weight")), or set '
                "data.class_weights to none."
            )
        self.log_dict({f"train/{name}": value.detach() for name, value in parts.items()})
        return parts["loss"]

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (Lightning's)
        """Take the step; then set the head, where the objective computes it."""
        super().optimizer_step(*args, **kwargs)
        self.objective.update_head(self.model)

    def on_validation_epoch_start(self) -> None:
        """Start collecting logits of every set of weights the run keeps."""
        self.collected = CollectedLogits()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect logits by sample index."""
        found = {}
        for name, network in self.networks.items():
            network.eval()
            found[name] = network(batch["input"])
        self.collected.add(batch, found)

    def on_validation_epoch_end(self) -> None:
        """Score what was collected and log it, the same values on every rank.

        Raises:
            DivergedError: some logits are not finite.
        """
        self.evaluation = self.collected.gather(self.device)
        for name, scores in self.evaluation.scores(self.global_step).items():
            prefix = "val" if name == "current" else f"val_{name}"
            self.log_dict({f"{prefix}/{key}": value for key, value in scores.items()})

    def on_test_epoch_start(self) -> None:
        """Evaluate as in validation: the batches say which images are of domains left out."""
        self.on_validation_epoch_start()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect logits by sample index."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Score and print."""
        self.on_validation_epoch_end()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Build the optimiser on the two groups, and a schedule stepped every step."""
        optimizer = self.make_optimizer([*parameter_groups(self.model), *self._own_parameters()])
        scale_rate(optimizer, "head", self.head_lr_factor)
        scale_rate(optimizer, "objective", self.objective.lr_factor)
        schedule = self.make_schedule(optimizer)
        stepped: LRSchedulerConfigType = {"scheduler": schedule, "interval": "step"}
        monitor = getattr(schedule, "monitor", None)
        if monitor is not None:  # ReduceLROnPlateau, which acts on a logged metric
            interval = self.trainer.val_check_interval
            stepped["monitor"] = monitor
            # Lightning asks for the metric at these steps; it is there after a validation.
            stepped["frequency"] = interval if isinstance(interval, int) else 1
        return {"optimizer": optimizer, "lr_scheduler": stepped}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the class names, which no weight shows."""
        checkpoint["class_names"] = self.class_names

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another architecture or of other classes, before loading it."""
        check_same_architecture(
            checkpoint["state_dict"], self.state_dict(), source="The checkpoint"
        )

    def _callbacks(self) -> list[Callback]:
        return list(getattr(self.trainer, "callbacks", []))

    def _own_parameters(self) -> list[dict[str, Any]]:
        """Return the objective's parameters as a group of their own, if it has any."""
        own = list(self.objective.parameters())
        return [{"params": own, "name": "objective"}] if own else []
