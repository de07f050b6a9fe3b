"""What is evaluated: one row for each picture, in a fixed order."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, kw_only=True)
class EvaluationTable:
    """The pictures of an evaluation and where each belongs.

    Saved logits have one row for each row here, in this order; ensembles and selection rules need
    nothing else.

    Attributes:
        domain: (N,) int64, position of the picture's domain.
        held_out: (N,) bool, True in DomainBed's ``out`` part, False in its ``in`` part.
        label: (N,) int64 class.
        paths: the N files.
        domain_names: all domains.
        test_domains: positions of the domains that are not trained on.
        class_names: all classes.
    """

    domain: np.ndarray
    held_out: np.ndarray
    label: np.ndarray
    paths: tuple[Path, ...]
    domain_names: tuple[str, ...]
    test_domains: tuple[int, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)
