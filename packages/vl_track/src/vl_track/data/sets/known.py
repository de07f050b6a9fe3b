"""Every data set this package reads: where it belongs, how large it is, whose it is."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.cli.suggestions import hint, nearest_key
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError
from vl_track.data.sets.base import FileSet, Split, VideoSet


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """What is known of a data set before any of it is on disk.

    Attributes:
        name: in commands and configurations.
        title: its own name.
        reader: ``module:Class``.
        folder: below the data root.
        counts: sequences (or objects in pictures) of each split, as published; 0 is unknown.
        size: on disk, roughly.
        licence: of the data.
        source: whose it is and where it was described.
        scored: where the test split is scored.
        options: of the reader.
    """

    name: str
    title: str
    reader: str
    folder: str
    counts: dict[Split, int]
    size: str
    licence: str
    source: str
    scored: str = "here"
    options: tuple[tuple[str, str], ...] = ()


_SETS = "vl_track.data.sets"
RESEARCH = "research only, see its terms"
KNOWN: dict[str, KnownSet] = {
    one.name: one
    for one in (
        KnownSet(
            name="lasot", title="LaSOT", reader=f"{_SETS}.lasot:LaSOT", folder="lasot",
            counts={"train": 1120, "test": 280}, size="227 GB", licence="Apache-2.0 (as stated)",
            source="Fan et al., CVPR 2019, arXiv 1809.07845",
        ),
        KnownSet(
            name="lasot_ext", title="LaSOT_ext", reader=f"{_SETS}.lasot_ext:LaSOTExt",
            folder="lasot_extension_subset", counts={"test": 150}, size="59 GB", licence=RESEARCH,
            source="Fan et al., IJCV 2021, arXiv 2009.03465",
        ),
        KnownSet(
            name="tnl2k", title="TNL2K", reader=f"{_SETS}.tnl2k:TNL2K", folder="tnl2k",
            counts={"train": 1300, "test": 700}, size="about 190 GB", licence=RESEARCH,
            source="Wang et al., CVPR 2021, arXiv 2103.16746",
        ),
        KnownSet(
            name="otb99_lang", title="OTB99-Lang", reader=f"{_SETS}.otb99_lang:OTB99Lang",
            folder="otb99_lang", counts={"train": 51, "test": 48}, size="4 GB", licence=RESEARCH,
            source="Li et al., CVPR 2017, Tracking by Natural Language Specification",
        ),
        KnownSet(
            name="webuav3m", title="WebUAV-3M", reader=f"{_SETS}.webuav3m:WebUAV3M",
            folder="webuav3m", counts={"train": 3520, "val": 200, "test": 780}, size="819 GB",
            licence="CC BY-NC-SA 4.0", source="Zhang et al., TPAMI 2023, arXiv 2201.07425",
        ),
        KnownSet(
            name="got10k", title="GOT-10k", reader=f"{_SETS}.got10k:GOT10k", folder="got10k",
            counts={"train": 9335, "val": 180, "test": 180}, size="66 GB",
            licence="CC BY-NC-SA 4.0", source="Huang et al., TPAMI 2021, arXiv 1810.11981",
            scored="its server (`vl-track submit got10k`); val here",
        ),
        KnownSet(
            name="trackingnet", title="TrackingNet", reader=f"{_SETS}.trackingnet:TrackingNet",
            folder="trackingnet", counts={"train": 30132, "test": 511}, size="1.1 TB",
            licence="Apache-2.0 (annotations)",
            source="Mueller et al., ECCV 2018, arXiv 1803.10794",
            scored="its server (`vl-track submit trackingnet`)",
        ),
        KnownSet(
            name="coco", title="COCO 2017", reader=f"{_SETS}.coco:COCO", folder="coco",
            counts={"train": 0, "val": 0}, size="20 GB", licence="CC BY 4.0 (annotations)",
            source="Lin et al., ECCV 2014, arXiv 1405.0312", scored="no tracking benchmark",
        ),
        *(
            KnownSet(
                name=name, title=title, reader=f"{_SETS}.refcoco:RefCOCO", folder="refcoco",
                counts={"train": 0, "val": 0, "test": 0}, size="14 GB with COCO's train2014",
                licence="CC BY 4.0 (COCO's annotations)", source=source,
                scored="no tracking benchmark", options=(("kind", kind),),
            )
            for name, title, kind, source in (
                ("refcoco", "RefCOCO", "refcoco", "Yu et al., ECCV 2016, arXiv 1608.00272"),
                ("refcoco_plus", "RefCOCO+", "refcoco+", "Yu et al., ECCV 2016, arXiv 1608.00272"),
                ("refcocog", "RefCOCOg", "refcocog", "Mao et al., CVPR 2016, arXiv 1511.02283"),
            )
        ),
        KnownSet(
            name="visual_genome", title="Visual Genome",
            reader=f"{_SETS}.visual_genome:VisualGenome", folder="visual_genome",
            counts={"train": 0}, size="15 GB", licence="CC BY 4.0",
            source="Krishna et al., IJCV 2017, arXiv 1602.07332", scored="no tracking benchmark",
        ),
        KnownSet(
            name="vasttrack", title="VastTrack", reader=f"{_SETS}.vasttrack:VastTrack",
            folder="vasttrack", counts={"train": 47110, "test": 3500}, size="about 250 GB",
            licence=RESEARCH, source="Peng et al., NeurIPS 2024, arXiv 2403.03493",
        ),
        KnownSet(
            name="mgit", title="MGIT", reader=f"{_SETS}.mgit:MGIT", folder="mgit",
            counts={"train": 105, "val": 15, "test": 30}, size="about 400 GB", licence=RESEARCH,
            source="Hu et al., NeurIPS 2023, from VideoCube (TPAMI 2022, arXiv 2202.13073)",
        ),
    )
}  # fmt: skip


def known_set(name: str) -> KnownSet:
    """Return what is known of a data set.

    Raises:
        ConfigError: there is no such set; the known ones are listed.
    """
    try:
        return KNOWN[name]
    except KeyError:
        near = hint(nearest_key(name, list(KNOWN)))
        raise ConfigError(
            f"There is no data set '{name}'.{near} Take one of {', '.join(KNOWN)}."
        ) from None


def open_set(
    name: str,
    split: Split,
    *,
    root: str | Path | None = None,
    folder: str | Path | None = None,
    **options: Any,  # noqa: ANN401  (of the reader)
) -> VideoSet:
    """Open a split of a data set.

    Args:
        name: of the set.
        split: which part.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        folder: the set's own folder, where it does not lie below the data root.
        options: of the reader.
    """
    return open_known(known_set(name), split, root=root, folder=folder, **options)


def open_files(
    name: str,
    split: Split,
    *,
    root: str | Path | None = None,
    folder: str | Path | None = None,
    **options: Any,  # noqa: ANN401  (of the reader)
) -> FileSet:
    """Open a split of a data set of files, which can be indexed, mixed and verified.

    Raises:
        ConfigError: the set is made when asked for.
    """
    found = open_set(name, split, root=root, folder=folder, **options)
    if not isinstance(found, FileSet):
        raise ConfigError(f"{name} is no data set of files.")
    return found


def open_known(
    known: KnownSet,
    split: Split,
    *,
    root: str | Path | None = None,
    folder: str | Path | None = None,
    **options: Any,  # noqa: ANN401  (of the reader)
) -> VideoSet:
    """Open a split of a data set, of this package or of another; see :func:`open_set`."""
    path = Path(folder) if folder is not None else data_root(root) / known.folder
    module, class_name = known.reader.split(":")
    reader: type[VideoSet] = getattr(importlib.import_module(module), class_name)
    return reader(path, split, **{**dict(known.options), **options})
