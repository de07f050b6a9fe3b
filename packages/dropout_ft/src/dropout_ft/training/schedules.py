"""Learning-rate schedules that never act within a run are told of, not trained with in silence."""

from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


def schedule_remark(schedule: LRScheduler | ReduceLROnPlateau, steps: int) -> str:
    """Say what a schedule does not do within a run; empty where there is nothing to say.

    Args:
        schedule: stepped after every optimiser step.
        steps: of the run; below 1 where it has no end of its own.
    """
    if steps < 1:
        return ""
    if isinstance(schedule, lr_scheduler.MultiStepLR):
        late = [step for step in sorted(schedule.milestones) if step >= steps]
        if late and len(late) == len(schedule.milestones):
            return (
                f"the learning rate never decays: its first milestone is step {late[0]} and the "
                f"run has {steps} steps (--model.lr_scheduler.init_args.milestones)."
            )
    if isinstance(schedule, lr_scheduler.CosineAnnealingLR) and schedule.T_max != steps:
        return (
            f"the cosine schedule spans {schedule.T_max} steps and the run has {steps} "
            "(--model.lr_scheduler.init_args.T_max)."
        )
    return ""
