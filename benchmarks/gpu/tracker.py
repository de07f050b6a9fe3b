"""Job ``tracker``: the five phases that the shipped model starts from, at ten times the steps."""

from typing import Any

import yaml

from benchmarks.gpu.budget import Budget
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.options import CONFIGS, Options
from holdfast.atomic import write_text
from holdfast.checkpoints.reading import read_checkpoint

TIMES = 10
STEP_KEYS = ("max_steps", "total_steps", "start_step")


def run(options: Options, budget: Budget, ledger: Ledger) -> None:
    """Go on with the phases where an earlier rental stopped; score the model at the end."""
    plan = _phases(options)
    words = ["vl_track", "phases", str(plan), "--out", str(options.out / "phases")]
    settings = {
        "trainer.accelerator": options.accelerator, "run.checkpoint_every": 200,
        "data.root": str(options.data), "data.num_workers": 0 if options.miniature else 12,
    }  # fmt: skip
    words += ["--set", *(f"{key}={value}" for key, value in settings.items())]
    outcome = budget.run(words, options.out / "phases.log")
    ledger.add("phases", outcome=outcome, steps=_steps(options))
    model = options.out / "phases/model"
    if outcome != "finished" or "score" in ledger:
        return
    score = options.out / "score.json"
    told = budget.run(
        [
            "vl_track", "score", "--weights", str(model), "--out", str(score),
            "--count", "1" if options.miniature else "40", "--root", str(options.data),
        ],
        options.out / "score.log",
    )  # fmt: skip
    ledger.add("score", outcome=told, file=str(score))


def _steps(options: Options) -> int:
    """Return the optimiser steps of all phases so far, from their last checkpoints."""
    found = (options.out / "phases").glob("*/checkpoints/last.ckpt")
    return sum(int(read_checkpoint(str(path))["global_step"]) for path in found)


def _phases(options: Options) -> Any:  # noqa: ANN401
    """Write the phases with longer schedules beside the job's results; return the file."""
    folder = options.out / "recipes"
    if options.miniature:
        plan = folder / "phases.yaml"
        tiny = str(CONFIGS / "vl_track/scenes_tiny.yaml")
        body = {"fit": [tiny], "phases": {"one": {}, "two": {"name": "two", "seed": 1}}}
        write_text(plan, yaml.safe_dump(body))
        return plan
    names = ["phases.yaml", "scenes_small.yaml"]
    names += [f"phases/{path.name}" for path in (CONFIGS / "vl_track/phases").glob("*.yaml")]
    for name in names:
        body = yaml.safe_load((CONFIGS / "vl_track" / name).read_text())
        write_text(folder / name, yaml.safe_dump(longer(body), sort_keys=False))
    return folder / "phases.yaml"


def longer(value: Any, key: str = "") -> Any:  # noqa: ANN401  (what YAML holds)
    """Return a configuration with every number of steps ten times as large."""
    if isinstance(value, dict):
        return {name: longer(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [longer(one, key) for one in value]
    return value * TIMES if key in STEP_KEYS and isinstance(value, int) else value
