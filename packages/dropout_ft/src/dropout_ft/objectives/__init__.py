"""What is minimised while fine-tuning; one file each. ERM is the paper's and the default."""

from dropout_ft.objectives.base import Objective
from dropout_ft.objectives.coral import CORAL
from dropout_ft.objectives.erm import ERM
from dropout_ft.objectives.miro import MIRO
from dropout_ft.objectives.mixup import Mixup

__all__ = ["CORAL", "ERM", "MIRO", "Mixup", "Objective"]
