"""What takes long is run in the night (`make test-nightly`), with something short of it by day."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

# Networks and inputs of the papers' sizes: gigabytes of memory, minutes on two cores.
LARGE = {
    "resnet50", "convnext_tiny", "vit_base", "clip_vit_b32", "efficientnet_b0", "adamw_cosine",
    "last_blocks", "ostrack_256", "release_all_in_one",
}  # fmt: skip


def counts(by_day: int, by_night: int) -> list[ParameterSet]:
    """Return a parameter for a test that does something many times."""
    return [
        pytest.param(by_day, id=str(by_day)),
        pytest.param(by_night, id=str(by_night), marks=pytest.mark.nightly),
    ]


def small_by_day(paths: Iterable[Path]) -> list[ParameterSet]:
    """Return configurations by their names; those of the papers' sizes are for the night."""
    return [
        pytest.param(
            path,
            id=path.stem,
            marks=pytest.mark.nightly if path.stem in LARGE or "paper" in path.stem else (),
        )
        for path in paths
    ]
