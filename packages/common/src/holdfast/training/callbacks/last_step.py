"""The last step of a run is always evaluated, whatever the interval between evaluations."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class EvaluateLastStep(Callback):
    """Ask for a validation after the last optimiser step.

    Lightning validates every ``val_check_interval`` batches only: 10,000 steps with an interval of
    300 would end with the evaluation of step 9,900. A trainer that is told to stop validates
    first.
    """

    presentation_only = True

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401  (Lightning's signature)
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Tell the trainer to stop once it has taken its last step."""
        if is_last_step(trainer):
            trainer.should_stop = True


def is_last_step(trainer: Trainer) -> bool:
    """Tell whether the trainer has taken the last of ``max_steps``."""
    return 0 < trainer.max_steps <= trainer.global_step
