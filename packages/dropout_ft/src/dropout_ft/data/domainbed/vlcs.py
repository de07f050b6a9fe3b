"""VLCS: four photograph collections; 5 classes, 10,729 pictures."""

from typing import ClassVar

from dropout_ft.data.domainbed.base import KnownDomainFolders
from dropout_ft.data.known import KNOWN, KnownSet


class VLCS(KnownDomainFolders):
    """VLCS, leave-domains-out; see :class:`KnownDomainFolders` for the options."""

    known: ClassVar[KnownSet] = KNOWN["VLCS"]
