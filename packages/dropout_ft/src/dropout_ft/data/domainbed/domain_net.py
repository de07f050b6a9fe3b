"""DomainNet: 345 classes in six styles; about 586,000 pictures."""

from typing import ClassVar

from dropout_ft.data.domainbed.base import KnownDomainFolders
from dropout_ft.data.known import KNOWN, KnownSet


class DomainNet(KnownDomainFolders):
    """DomainNet, leave-domains-out; see :class:`KnownDomainFolders` for the options."""

    known: ClassVar[KnownSet] = KNOWN["DomainNet"]
