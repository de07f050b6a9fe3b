"""A whole run with its evaluations, from the command to the last file, beside DomainBed's script.

TerraIncognita's run (24,788 pictures, 10,000 steps of 96, everything evaluated every 300 steps)
made smaller in proportion: as many pictures are trained on for each picture that is evaluated.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.child import WORKERS, checkout
from benchmarks.material import domain_folder
from benchmarks.measure import Done, Results, Row, commands, run_command

NETWORK = "tf_efficientnet_lite0"
BATCH = 4
DOMAINS = 4
EACH = 18
EVALUATIONS = 6
TRAINED_FOR_EVALUATED = 300 * 96 / 24788
CONFIGS = Path(__file__).parents[2] / "configs"


def measure(results: Results, rounds: int) -> None:
    """Run both commands once for each of at most two rounds; the first is no warm-up."""
    peer = checkout("DomainBed")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = domain_folder(folder / "data/PACS", each=EACH, domains=DOMAINS)
        pictures = DOMAINS * 4 * EACH
        every = round(TRAINED_FOR_EVALUATED * pictures / (BATCH * (DOMAINS - 1)))
        ours, plain, theirs = list[Done](), list[Done](), list[Done]()
        for number in range(min(rounds, 2)):
            ours.append(_done(our_command(folder, every, f"ours{number}")))
            plain.append(_done(our_command(folder, every, f"plain{number}", deferred=False)))
            theirs.append(_done(their_command(folder, every, number), str(peer)))
    steps = every * EVALUATIONS
    results.rows.append(
        Row(
            path="a whole run with its evaluations", unit="run", peer="DomainBed",
            ours=commands(ours), theirs=commands(theirs), aim=3.0,
            note=f"{NETWORK}, all layers trained, {steps} steps of {BATCH} pictures from each of "
            f"{DOMAINS - 1} domains at 224 px, {EVALUATIONS} evaluations, CPU, "
            f"{torch.get_num_threads()} threads; ours with `cached_side: 256` "
            "and test_domains_when_best.yaml; TerraIncognita's proportion of "
            f"training to evaluation; {source}",
        )
    )  # fmt: skip
    results.rows.append(
        Row(
            path="test_domains_when_best.yaml in that run", unit="run", peer="without it",
            ours=commands(ours), theirs=commands(plain), aim=1.0,
            note="the same step is selected; how often the test domain is evaluated depends on how "
            "often the i.i.d. accuracy is a new best",
        )
    )  # fmt: skip


def our_command(folder: Path, every: int, name: str, *, deferred: bool = True) -> list[str]:
    """Return the words of ours, which write their configuration first."""
    fit: dict[str, Any] = {
        "seed_everything": 0,
        "run": {"name": "bench", "monitor": "val/iid"},
        "model": {
            "backbone": {
                "class_path": "dropout_ft.nn.backbones.TimmBackbone",
                "init_args": {"name": NETWORK, "weights": "none"},
            },
            "dropout_rate": 0.0,
        },
        "data": {
            "source": str(folder / "data/PACS"), "test_domains": [0], "global_batch_size": BATCH,
            "image_size": 224, "cached_side": 256,
        },
        "trainer": {
            "accelerator": "cpu", "max_steps": every * EVALUATIONS, "val_check_interval": every,
        },
    }  # fmt: skip
    (folder / "fit.yaml").write_text(yaml.safe_dump(fit))
    return [
        str(Path(sys.executable).with_name("dropout-ft")), "fit",
        *("--config", str(folder / "fit.yaml")),
        *(["--config", str(CONFIGS / "methods/test_domains_when_best.yaml")] if deferred else []),
        f"--run.root={folder / name}",
    ]  # fmt: skip


def their_command(folder: Path, every: int, number: int) -> list[str]:
    """Return the words of DomainBed's script."""
    setting = {
        "root": str(folder / "data"), "out": str(folder / f"theirs{number}"), "network": NETWORK,
        "batch": BATCH, "steps": every * EVALUATIONS, "every": every, "workers": 1,
        "threads": torch.get_num_threads(),
    }  # fmt: skip
    return [sys.executable, str(WORKERS / "domainbed_run.py"), json.dumps(setting)]


def _done(words: list[str], path: str = "") -> Done:
    """Run a command; a path is put in front of the peers' workers."""
    return run_command(words, {**os.environ, "PYTHONPATH": f"{path}:{WORKERS}"} if path else None)
