"""What is minimised while fine-tuning; one file each. ERM is the paper's and the default."""

from dropout_ft.training.objectives.base import Objective
from dropout_ft.training.objectives.coral import CORAL
from dropout_ft.training.objectives.erm import ERM
from dropout_ft.training.objectives.flyp import FLYP
from dropout_ft.training.objectives.miro import MIRO
from dropout_ft.training.objectives.mixout import Mixout
from dropout_ft.training.objectives.mixup import Mixup

__all__ = ["CORAL", "ERM", "FLYP", "MIRO", "Mixout", "Mixup", "Objective"]
