"""Half a million images of six domains scanned, split and indexed; DomainNet's size."""

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Done, Results, Row, commands, run_command

COUNTS = {
    "clipart": 48_833, "infograph": 53_201, "painting": 75_759, "quickdraw": 172_500,
    "real": 175_327, "sketch": 60_955,
}  # fmt: skip
"""Images of each domain: 586,575, as DomainNet has."""
CLASSES = 345
WORK = """
import sys
from dropout_ft.data.partition import partition
from dropout_ft.data.sources.base import Source
source = Source(sys.argv[1])
domains, names = source.domains(), source.class_names
source.fingerprint(content=False)
parts = partition(domains, source, left_out=(5,), split_seed=0, holdout_fraction=0.2,
                  eval_images=0, class_names=names)
print(sum(map(len, parts.groups)))
"""


def measure(results: Results, rounds: int) -> None:
    """List, fingerprint and split empty files; a process of its own each time."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "domain_net"
        make_files(root)
        cold, warm = list[Done](), list[Done]()
        for number in range(rounds):
            environment = {**os.environ, "HOLDFAST_CACHE": f"{folder}/cache{number}"}
            words = [sys.executable, "-c", WORK, str(root)]
            cold.append(run_command(words, environment))
            warm.append(run_command(words, environment))
    note = (
        f"{sum(COUNTS.values()):,} empty files in {CLASSES} classes of {len(COUNTS)} domains; the "
        "whole process from its start, without PyTorch; sizes and names in the fingerprint; the "
        "kernel's own cache of folders is warm; seconds of CPU: "
    )
    for what, done, aim in (("the first time", cold, 20.0), ("from the index", warm, 2.0)):
        cpu = json.dumps(sorted(round(one.cpu, 2) for one in done))
        results.rows.append(
            Row(
                path=f"586,575 images listed and split, {what}", unit="start", peer="",
                ours=commands(done), theirs=[], aim=aim, note=note + cpu, most_megabytes=500.0,
            )
        )  # fmt: skip


def make_files(root: Path) -> None:
    """Write the empty files."""
    for domain, count in COUNTS.items():
        for label in range(CLASSES):
            folder = root / domain / f"class_{label:03d}"
            folder.mkdir(parents=True)
            for number in range(count // CLASSES + (label < count % CLASSES)):
                (folder / f"{domain}_{label:03d}_{number:06d}.jpg").touch()
