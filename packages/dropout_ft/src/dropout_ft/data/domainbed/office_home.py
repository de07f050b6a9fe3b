"""OfficeHome: 65 things of office and home in four styles; 15,588 pictures."""

from typing import ClassVar

from dropout_ft.data.domainbed.base import KnownDomainFolders
from dropout_ft.data.known import KNOWN, KnownSet


class OfficeHome(KnownDomainFolders):
    """OfficeHome, leave-domains-out; see :class:`KnownDomainFolders` for the options."""

    known: ClassVar[KnownSet] = KNOWN["OfficeHome"]
