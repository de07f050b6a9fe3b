"""DomainBed's data sets: known folders below the data root, with known domains."""

from pathlib import Path

from dropout_ft.data.folder import subfolders
from dropout_ft.data.known import KNOWN, KnownSet
from dropout_ft.data.sources.base import Source
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError, DataError


class KnownFolder(Source):
    """A data set that DomainBed's tables know.

    The same files give DomainBed's very indices, because domains, classes and images are listed in
    its order. A stray folder beside the domains would shift every index: it is an error here.

    Args:
        name: PACS, VLCS, OfficeHome, TerraIncognita or DomainNet.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``. The set's own folder may be
            given as well.
    """

    def __init__(self, name: str, root: str | None = None) -> None:
        self.known = known_set(name)
        super().__init__(str(set_folder(self.known, data_root(root))))

    @property
    def domain_names(self) -> list[str]:
        """The domains, checked against the known ones.

        Raises:
            DataError: a domain is missing or a stray folder lies beside them.
        """
        check_domains(self.known, self.root)
        return super().domain_names


def known_set(name: str) -> KnownSet:
    """Return what is known of a data set.

    Raises:
        ConfigError: there is no such data set.
    """
    if name not in KNOWN:
        near = hint(nearest_key(name, list(KNOWN)))
        raise ConfigError(f"There is no data set '{name}': take one of {', '.join(KNOWN)}.{near}")
    return KNOWN[name]


def set_folder(known: KnownSet, root: Path) -> Path:
    """Return the folder of the domains: ``root`` itself or the set's folder below it."""
    if (root / known.domains[0]).is_dir():
        return root
    for name in (known.folder, known.original):
        if name and (root / name).is_dir():
            return root / name
    return root / known.folder


def check_domains(known: KnownSet, folder: Path) -> None:
    """Refuse a folder whose sub-folders are not the set's domains.

    Raises:
        DataError: says what is missing, and which stray folder would shift DomainBed's indices.
    """
    if not folder.is_dir():
        raise DataError(
            f"{known.name} is not at {folder}: put its domains ({', '.join(known.domains)}) there, "
            "or give the data root with HOLDFAST_DATA or as the source's root."
        )
    found = subfolders(folder)
    spelled = [known.also.get(name, name) for name in found]
    missing = [name for name in known.domains if name not in spelled]
    stray = [name for name in found if known.also.get(name, name) not in known.domains]
    if missing:
        raise DataError(f"{known.name} in {folder} lacks {', '.join(missing)}: unpack it again.")
    if stray:
        raise DataError(
            f"{folder} has the stray folder {stray[0]} beside {known.name}'s domains, which would "
            "shift DomainBed's numbering: move it away."
        )
