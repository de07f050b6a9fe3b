"""FourHands as a leave-domains-out data set: photographs, clip art, flat emoji, line drawings."""

from dropout_ft.data.folder import Domain
from dropout_ft.data.sources.base import Source
from dropout_ft.data.sources.four_hands_drawing import dataset_folder, pictures, prepare
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError


class FourHands(Source):
    """About 1,100 pictures in 8 classes in four hands, one of them a camera; made on first use.

    The domains are clip_art, flat, line and photograph. The classes (bird, hoofed_mammal, leisure,
    other_mammal, plant, produce, transport, utensil) have 25 to 36 pictures in every domain. Every
    label was checked by looking (docs/four_hands.md).

    Args:
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        only: the domains to use; all four by default. ``[photograph, line]`` with ``line`` left
            out trains on photographs alone.

    Raises:
        ConfigError: ``only`` names a domain that there is not, or fewer than two.
    """

    def __init__(self, root: str | None = None, only: list[str] | None = None) -> None:
        self.data_root = data_root(root)
        super().__init__(str(dataset_folder(self.data_root)))
        known = sorted({picture.domain for picture in pictures()})
        unknown = [name for name in only or [] if name not in known]
        if unknown:
            raise ConfigError(
                f"FourHands has no domain '{unknown[0]}': take some of {', '.join(known)}."
            )
        self._domain_names = known if only is None else sorted(set(only))
        if len(self._domain_names) < 2:
            raise ConfigError("FourHands needs two domains or more in `only`: one is left out.")

    @property
    def class_names(self) -> list[str]:
        """The eight classes; known before the pictures are there."""
        return sorted({picture.label for picture in pictures()})

    @property
    def domain_names(self) -> list[str]:
        """The domains used; known before the pictures are there."""
        return self._domain_names

    def prepare(self) -> None:
        """Fetch, crop and draw the pictures unless they are there."""
        prepare(self.data_root)

    def domains(self) -> list[Domain]:
        """Return the pictures of the domains used."""
        return [domain for domain in super().domains() if domain.name in self._domain_names]
