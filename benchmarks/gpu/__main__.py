"""``python -m benchmarks.gpu JOB --minutes 9``: one job, or as much of it as the time allows."""

import argparse
import importlib
import sys
from pathlib import Path

import torch

from benchmarks.gpu.budget import Budget
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.options import Options

JOBS = ("check", "bench", "dropout", "tracker")


def main() -> int:
    """Run a job; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--minutes", type=float, default=9.0, help="time budget, at most")
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    parser.add_argument("--data", type=Path, default=Path("data"), help="data root")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--miniature", action="store_true", help="tiny, on any machine: a test")
    words = parser.parse_args()
    if words.device == "cuda" and not torch.cuda.is_available():
        parser.error("this machine has no GPU that PyTorch sees: --device cpu --miniature tries it")
    budget = Budget(words.minutes)
    options = Options(
        out=(words.out / words.job).resolve(),
        device=words.device,
        miniature=words.miniature,
        data=words.data.resolve(),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(options.out / "results.json", words.device)
    importlib.import_module(f"benchmarks.gpu.{words.job}").run(options, budget, ledger)
    (options.out / "results.md").write_text(ledger.markdown())
    sys.stdout.write(ledger.markdown())
    return int(ledger.failed)


if __name__ == "__main__":
    sys.exit(main())
