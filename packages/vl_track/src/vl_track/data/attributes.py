"""What makes a sequence hard: the flags of each data set, in the order of its files."""

from collections.abc import Sequence

LASOT = (
    "illumination variation", "partial occlusion", "deformation", "motion blur", "camera motion",
    "rotation", "background clutter", "viewpoint change", "scale variation", "full occlusion",
    "fast motion", "out of view", "low resolution", "aspect ratio change",
)  # fmt: skip
TNL2K = (
    "camera motion", "rotation", "deformation", "full occlusion", "illumination variation",
    "out of view", "partial occlusion", "viewpoint change", "scale variation",
    "background clutter", "motion blur", "aspect ratio change", "low resolution", "fast motion",
    "adversarial sample", "thermal crossover", "modality switch",
)  # fmt: skip
WEBUAV3M = (
    "low resolution", "partial occlusion", "full occlusion", "out of view", "fast motion",
    "camera motion", "viewpoint change", "rotation", "deformation", "background clutter",
    "scale variation", "aspect ratio change", "illumination variation", "motion blur",
)  # fmt: skip
# WebUAV-3M's last three numbers are levels.
WEBUAV3M_LEVELS = (
    ("easy", "medium", "hard"),
    ("small target", "medium target", "large target"),
    ("short", "medium length", "long"),
)
NAMES = {"lasot": LASOT, "lasot_ext": LASOT, "tnl2k": TNL2K, "webuav3m": WEBUAV3M}


def name_attributes(dataset: str, flags: Sequence[float]) -> frozenset[str]:
    """Return the names of the flags that are set.

    Args:
        dataset: ``lasot``, ``lasot_ext``, ``tnl2k``, ``webuav3m``; others give numbered names.
        flags: as the file holds them; more than the data set has names for are ignored, but for
            WebUAV-3M's three levels.
    """
    names = NAMES.get(dataset) or tuple(f"attribute {k + 1}" for k in range(len(flags)))
    found = {name for name, flag in zip(names, flags, strict=False) if flag > 0}
    if dataset == "webuav3m":
        for levels, value in zip(WEBUAV3M_LEVELS, flags[len(WEBUAV3M) :], strict=False):
            if 0 <= int(value) < len(levels):
                found.add(levels[int(value)])
    return frozenset(found)
