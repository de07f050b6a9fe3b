"""PACS: photo, art, cartoon and sketch; 7 classes, 9,991 pictures."""

from typing import ClassVar

from dropout_ft.data.domainbed.base import KnownDomainFolders
from dropout_ft.data.known import KNOWN, KnownSet


class PACS(KnownDomainFolders):
    """PACS, leave-domains-out; see :class:`KnownDomainFolders` for the options."""

    known: ClassVar[KnownSet] = KNOWN["PACS"]
