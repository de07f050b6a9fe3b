"""The data sets that DomainBed's tables know: folders, domains, labels and counts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """One data set.

    Attributes:
        name: DomainBed's.
        folder: below the data root.
        domains: folder names in sorted order, which is DomainBed's order of environments.
        labels: of the table's columns.
        classes: how many.
        counts: pictures of each domain; several counts where different copies go around.
        totals: pictures of each known copy, in the same order.
        original: the name its archive unpacks to, if it has to be renamed.
        also: other spellings of a domain's folder that sort alike.
    """

    name: str
    folder: str
    domains: tuple[str, ...]
    labels: tuple[str, ...]
    classes: int
    counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    totals: tuple[int, ...] = ()
    original: str = ""
    also: dict[str, str] = field(default_factory=dict)


PACS = KnownSet(
    name="PACS",
    folder="PACS",
    original="kfold",
    domains=("art_painting", "cartoon", "photo", "sketch"),
    labels=("A", "C", "P", "S"),
    classes=7,
    counts={"art_painting": (2048,), "cartoon": (2344,), "photo": (1670,), "sketch": (3929,)},
    totals=(9991,),
)
VLCS = KnownSet(
    name="VLCS",
    folder="VLCS",
    domains=("Caltech101", "LabelMe", "SUN09", "VOC2007"),
    labels=("C", "L", "S", "V"),
    classes=5,
    counts={"Caltech101": (1415,), "LabelMe": (2656,), "SUN09": (3282,), "VOC2007": (3376,)},
    totals=(10729,),
)
OFFICE_HOME = KnownSet(
    name="OfficeHome",
    folder="office_home",
    original="OfficeHomeDataset_10072016",
    domains=("Art", "Clipart", "Product", "Real World"),
    labels=("A", "C", "P", "R"),
    classes=65,
    counts={"Art": (2427,), "Clipart": (4365,), "Product": (4439,), "Real World": (4357,)},
    totals=(15588,),
    also={"Real_World": "Real World"},
)
TERRA_INCOGNITA = KnownSet(
    name="TerraIncognita",
    folder="terra_incognita",
    domains=("location_100", "location_38", "location_43", "location_46"),
    labels=("L100", "L38", "L43", "L46"),
    classes=10,
    counts={
        "location_100": (4879, 4741),
        "location_38": (9767, 9736),
        "location_43": (4020, 3970),
        "location_46": (6122, 5883),
    },
    totals=(24788, 24330),
)
DOMAIN_NET = KnownSet(
    name="DomainNet",
    folder="domain_net",
    domains=("clipart", "infograph", "painting", "quickdraw", "real", "sketch"),
    labels=("clip", "info", "paint", "quick", "real", "sketch"),
    classes=345,
)
ROTATED_MNIST = KnownSet(
    name="RotatedMNIST",
    folder="rotated_digits",
    domains=("0", "15", "30", "45", "60", "75"),
    labels=("0", "15", "30", "45", "60", "75"),
    classes=10,
)
COLORED_MNIST = KnownSet(
    name="ColoredMNIST",
    folder="colored_digits",
    domains=("a_plus_90", "b_plus_80", "c_minus_90"),
    labels=("+90%", "+80%", "-90%"),
    classes=2,
)
KNOWN: dict[str, KnownSet] = {
    known.name: known
    for known in (
        PACS, VLCS, OFFICE_HOME, TERRA_INCOGNITA, DOMAIN_NET, ROTATED_MNIST, COLORED_MNIST,
    )
}  # fmt: skip


def domain_labels(dataset: str, count: int) -> tuple[str, ...]:
    """Return the labels of a data set's domains; positions for one that is not known."""
    known = KNOWN.get(dataset)
    if known is None or len(known.labels) != count:
        return tuple(str(position) for position in range(count))
    return known.labels
