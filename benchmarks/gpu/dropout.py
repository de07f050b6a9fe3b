"""Job ``dropout``: the paper's comparison on embedded data, all layers trained, 10,000 steps."""

from pathlib import Path
from typing import Any

import yaml

from benchmarks.gpu.budget import Budget
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.options import CONFIGS, Options
from holdfast.atomic import write_text

RATES = [0, 0.9, 0.5]
DOMAINS = ["fluent_high_contrast", "openmoji", "noto", "twemoji", "fluent_flat"]
"""The farthest style first: there the paper's claim is largest."""
ROUNDS = [
    (DOMAINS[:2], [0]),
    (DOMAINS[:2], [0, 1, 2]),
    (DOMAINS, [0, 1, 2]),
    (DOMAINS, [0, 1, 2, 3, 4]),
]
"""Domains left out and seeds, most telling first; each round holds the ones before."""


def run(options: Options, budget: Budget, ledger: Ledger) -> None:
    """Go on with the sweep where an earlier rental stopped; report what is finished."""
    for number, (domains, seeds) in enumerate([ROUNDS[0]] if options.miniature else ROUNDS):
        if budget.over:
            break
        folder = options.out / "sweep"
        outcome = _sweep(options, budget, folder, domains, seeds)
        done = len(list(folder.glob("**/results.jsonl")))
        ledger.add(f"round {number}", outcome=outcome, runs=done, folder=str(folder))
        if outcome == "finished" and f"report {number}" not in ledger:
            report = ["dropout_ft", "report", str(folder), "--out", str(options.out / "report")]
            told = budget.run(report, options.out / "report.log")
            ledger.add(f"report {number}", outcome=told, folder=str(options.out / "report"))
        if outcome != "finished":
            break


def _sweep(
    options: Options, budget: Budget, folder: Path, domains: list[str], seeds: list[int]
) -> str:
    plan = options.out / "plan.yaml"
    write_text(plan, yaml.safe_dump(plan_of(options, domains, seeds)))
    words = [
        "dropout_ft", "sweep", str(plan), "--out", str(folder), "--engine", "processes",
        "--workers", "1" if options.miniature else "3",
    ]  # fmt: skip
    return budget.run(words, options.out / "sweep.log")


def plan_of(options: Options, domains: list[str], seeds: list[int]) -> dict[str, Any]:
    """Return the sweep's plan: the paper's recipe on the drawings, or its miniature."""
    if options.miniature:
        return {
            "fit": [str(CONFIGS / "dropout_ft/tiny.yaml")],
            "domains": ["d0"], "seeds": [0], "dropout_rates": [0, 0.9],
            "set": {"data.source": str(options.data / "pictures")},
        }  # fmt: skip
    return {
        "fit": [str(CONFIGS / "dropout_ft/paper_resnet50.yaml")],
        "domains": domains, "seeds": seeds, "dropout_rates": RATES,
        "set": {
            "model.backbone": str(CONFIGS / "model/efficientnet_lite0.yaml"),
            # Its pooled features are small: standardised ones let rate 0.9 learn.
            "model.normalization": "standardize", "model.feature_scale": 0.2,
            "data.source": "dropout_ft.data.EmojiStyles",
            "data.source.init_args.root": str(options.data),
            "data.augmentation": "opencv", "data.cached_side": 256, "data.num_workers": 4,
            "run.checkpoint_every": 200,
            "trainer.accelerator": options.accelerator, "trainer.devices": 1,
        },
    }  # fmt: skip
