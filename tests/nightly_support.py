"""What takes long is run in the night (`make test-nightly`), with something short of it by day."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

# Networks and inputs of the papers' sizes: gigabytes of memory, minutes on two cores.
LARGE = {
    "resnet50", "convnext_tiny", "vit_base", "clip_vit_b32", "efficientnet_b0", "adamw_cosine",
    "clip_vit_b16", "clip_prompts", "flyp", "clip_pacs", "last_blocks", "ostrack_256",
    "release_all_in_one",
}  # fmt: skip
# Recipes that differ by numbers only from one that runs by day (`demo`, `demo_photographs`).
ALIKE = {
    "emoji_long", "demo_drawings", "demo_full", "emoji_styles", "emoji_styles_reduced",
    "emoji_styles_unseen_concepts_reduced", "emoji_styles_why", "four_hands", "four_hands_far",
    "four_hands_few", "four_hands_first", "clip_vlcs", "clip_office_home", "clip_terra_incognita",
    "clip_domain_net",
}  # fmt: skip


def counts(by_day: int, by_night: int) -> list[ParameterSet]:
    """Return a parameter for a test that does something many times."""
    return [
        pytest.param(by_day, id=str(by_day)),
        pytest.param(by_night, id=str(by_night), marks=pytest.mark.nightly),
    ]


def small_by_day(paths: Iterable[Path]) -> list[ParameterSet]:
    """Return configurations by their names; large ones, and copies of others, are for the night.

    Those of ``configs/data`` all run by day: each is a data set of its own.
    """
    return [
        pytest.param(path, id=path.stem, marks=pytest.mark.nightly if _by_night(path) else ())
        for path in paths
    ]


def _by_night(path: Path) -> bool:
    alike = path.parent.name in {"sweeps", "dropout_ft"} and path.stem in ALIKE
    return alike or path.stem in LARGE or "paper" in path.stem
