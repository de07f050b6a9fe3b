"""What distinguishes runs of one experiment, read from their resolved configuration."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.runs.directory import flatten

# Which repeat a run is, where it lies and how it is shown: not hyper-parameters.
_NOT_HYPERPARAMETERS = (
    "seed_everything", "run", "config", "ckpt_path", "data.init_args.test_domains",
    "data.init_args.root", "data.init_args.trial_seed", "data.init_args.num_workers",
    "data.init_args.eval_batch_size", "model.class_names", "verbose", "weights_only",
    "model.dropout_rate", "trainer.callbacks", "trainer.logger", "trainer.accelerator",
    "trainer.devices", "trainer.plugins", "trainer.default_root_dir",
    "trainer.enable_progress_bar", "trainer.enable_model_summary", "trainer.log_every_n_steps",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """One point of a sweep.

    Attributes:
        key: equal for runs that differ in seed, test domain and dropout rate only.
        shown: the values people ask about, by short names.
        objective: name of the training objective, ``ERM`` by default.
        steps: optimiser steps.
        holdout_fraction: share of each domain's ``out`` part.
        root: folder of the data, as configured.
        variant: see :func:`variant_of`.
        average: what its averaging callback keeps: ``trajectory average`` or ``EMA``.
    """

    key: str
    shown: dict[str, Any]
    objective: str
    steps: int
    holdout_fraction: float
    root: str
    variant: str
    average: str


def hyperparameters(config: Mapping[str, Any]) -> Hyperparameters:
    """Read a run's resolved configuration (``run.json``, "config")."""
    flat = flatten(config)
    kept = {key: value for key, value in flat.items() if not _left_out(key)}
    text = json.dumps(kept, sort_keys=True, default=str)
    optimizer = "model.optimizer.init_args."
    shown = {
        "lr": flat.get(f"{optimizer}lr", 1e-3),
        "weight_decay": flat.get(f"{optimizer}weight_decay", 1e-4),
        "dropout_rate": flat.get("model.dropout_rate", 0.9),
        "head_lr_factor": flat.get("model.head_lr_factor", 1.0),
        "batch_size": flat.get("data.init_args.batch_size", 32),
        "seed": flat.get("seed_everything"),
        "split_seed": flat.get("data.init_args.trial_seed", 0),
    }
    return Hyperparameters(
        key=hashlib.sha256(text.encode()).hexdigest()[:10],
        shown=shown,
        objective=_objective(flat),
        steps=int(flat.get("trainer.max_steps") or 0),
        holdout_fraction=float(flat.get("data.init_args.holdout_fraction") or 0.2),
        root=str(flat.get("data.init_args.root") or ""),
        variant=variant_of(config),
        average="EMA" if _decay(config) else "trajectory average",
    )


def variant_of(config: Mapping[str, Any]) -> str:
    """Name what sets a run apart from plain fine-tuning, besides the dropout rate.

    Empty for the paper's recipe; parts are joined by commas: another objective, another rate of the
    head, a constant schedule, a backbone trained on other data, only the last blocks' weights.
    """
    flat = flatten(config)
    parts = []
    objective = _objective(flat)
    if objective != "ERM":
        parts.append(objective)
    factor = float(flat.get("model.head_lr_factor") or 1.0)
    if factor != 1.0:
        parts.append(f"{factor:g}x head rate")
    if str(flat.get("model.lr_scheduler.class_path") or "").endswith("ConstantLR"):
        parts.append("constant rate")
    if flat.get("model.start_from"):
        parts.append("auxiliary start")
    if str(flat.get("model.backbone.class_path") or "").endswith("LastBlocks"):
        parts.append("linear")
    return ", ".join(parts)


def _objective(flat: Mapping[str, Any]) -> str:
    return str(flat.get("model.objective.class_path") or "ERM").rsplit(".", 1)[-1]


def _decay(config: Mapping[str, Any]) -> float | None:
    callbacks = (config.get("trainer") or {}).get("callbacks") or []
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        decay = (callback.get("init_args") or {}).get("ema_decay")
        if decay is not None:
            return float(decay)
    return None


def _left_out(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in _NOT_HYPERPARAMETERS)
