"""The order of DomainBed's tables: its lists of algorithms and data sets."""

from collections.abc import Iterable

# domainbed/algorithms.py and domainbed/datasets.py, release of December 2024.
ALGORITHMS = (
    "ERM", "ERMPlusPlus", "Fish", "IRM", "GroupDRO", "Mixup", "MLDG", "CORAL", "MMD", "DANN",
    "CDANN", "MTL", "SagNet", "ARM", "VREx", "RSC", "SD", "ANDMask", "SANDMask", "IGA", "SelfReg",
    "Fishr", "TRM", "IB_ERM", "IB_IRM", "CAD", "CondCAD", "Transfer", "CausIRL_CORAL",
    "CausIRL_MMD", "EQRM", "RDM", "ADRMX", "URM",
)  # fmt: skip
DATASETS = (
    "Debug28", "Debug224", "ColoredMNIST", "RotatedMNIST", "VLCS", "PACS", "OfficeHome",
    "TerraIncognita", "DomainNet", "SVIRO", "WILDSCamelyon", "WILDSFMoW",
)  # fmt: skip


def in_order(names: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """Return the distinct names: known ones in their order, then the others as they come."""
    distinct = list(dict.fromkeys(names))
    return [name for name in known if name in distinct] + [n for n in distinct if n not in known]
