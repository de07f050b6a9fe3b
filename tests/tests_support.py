"""Small helpers of several tests."""

from pathlib import Path


def only_run(root: Path) -> Path:
    """Return the one run directory below ``root``."""
    runs = [path for path in root.iterdir() if path.is_dir()]
    assert len(runs) == 1, runs
    return runs[0]
