"""Evaluation tables and logits made up for tests."""

from pathlib import Path

import numpy as np

from dropout_ft.data.evaluation_table import EvaluationTable


def make_table(count: int = 60, classes: int = 4, seed: int = 0) -> EvaluationTable:
    generator = np.random.default_rng(seed)
    return EvaluationTable(
        domain=np.sort(generator.integers(0, 3, count)),
        held_out=generator.random(count) < 0.5,
        label=generator.integers(0, classes, count),
        paths=tuple(Path(f"{i}.png") for i in range(count)),
        domain_names=("a", "b", "c"),
        test_domains=(1,),
        class_names=tuple("wxyz"[:classes]),
    )


def make_logits(table: EvaluationTable, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(table), 4)).astype(np.float32)
