"""TerraIncognita: animals before four camera traps; 10 classes, 24,788 or 24,330 pictures."""

from typing import ClassVar

from dropout_ft.data.domainbed.base import KnownDomainFolders
from dropout_ft.data.known import KNOWN, KnownSet


class TerraIncognita(KnownDomainFolders):
    """TerraIncognita, leave-domains-out; see :class:`KnownDomainFolders` for the options."""

    known: ClassVar[KnownSet] = KNOWN["TerraIncognita"]
