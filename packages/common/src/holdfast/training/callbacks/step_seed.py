"""Dropout masks as a pure function of (seed, step, rank)."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from holdfast.seeding import fold_seed, seed_all_generators


class StepSeed(Callback):
    """Seed every generator before each training batch.

    Lightning saves no random state, so a resumed run would draw other dropout masks. Restoring the
    state is not enough either, because validation draws from the same generators. Seeding by step
    makes the draws independent of everything that happened before.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,  # noqa: ANN401  (Lightning's signature)
        batch_idx: int,
    ) -> None:
        """Seed from the optimiser step, the micro-batch within it, and the rank."""
        micro_batch = batch_idx % trainer.accumulate_grad_batches
        seed = fold_seed("step", self.seed, trainer.global_step, micro_batch, trainer.global_rank)
        seed_all_generators(seed)
