"""Which images are trained on and which are scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.folder import Domain
from dropout_ft.data.image_paths import joined, taken
from dropout_ft.data.sources.base import Source
from dropout_ft.data.splits import split_domain
from dropout_ft.data.table import EvaluationTable
from holdfast.errors import DataError

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The images of all domains, numbered one domain after the other, and their roles.

    Attributes:
        labels: (N,) class of each image.
        domains: (N,) position of each image's domain.
        groups: for each training domain, the numbers of the images trained on.
        rows: (M,) number of the image of each row of the table.
        table: what is evaluated.
    """

    labels: Indices
    domains: Indices
    groups: list[Indices]
    rows: Indices
    table: EvaluationTable


def partition(
    domains: Sequence[Domain],
    source: Source,
    *,
    left_out: tuple[int, ...],
    split_seed: int,
    holdout_fraction: float,
    eval_images: int,
    class_names: Sequence[str],
) -> Partition:
    """Split every domain as DomainBed does.

    Args:
        domains: of the source.
        source: says which images may be used at all.
        left_out: positions of the domains that are not trained on.
        split_seed: DomainBed's trial seed.
        holdout_fraction: fraction of each domain's ``out`` part.
        eval_images: most images of each evaluated part; 0 takes all.
        class_names: in label order.

    Raises:
        DataError: a part of a domain has no images.
    """
    offsets = np.cumsum([0, *(len(domain.paths) for domain in domains)])
    groups: list[Indices] = []
    parts: list[tuple[Indices, int, bool]] = []
    for position, domain in enumerate(domains):
        test = position in left_out
        kept = np.flatnonzero(source.test_mask(domain) if test else source.training_mask(domain))
        inside, outside = split_domain(
            len(kept), domain=position, trial_seed=split_seed, holdout_fraction=holdout_fraction
        )
        _check_parts(domain, len(inside), len(outside), holdout_fraction)
        parts.append((spread(kept[outside], eval_images), position, True))
        if test:
            parts.append((spread(kept[inside], eval_images), position, False))
        else:
            groups.append(kept[inside] + offsets[position])
    return Partition(
        labels=np.concatenate([np.asarray(d.labels, dtype=np.int64) for d in domains]),
        domains=np.repeat(np.arange(len(domains)), np.diff(offsets)),
        groups=groups,
        rows=np.concatenate([part + offsets[position] for part, position, _ in parts]),
        table=_table(domains, parts, left_out, class_names),
    )


def _check_parts(domain: Domain, inside: int, outside: int, fraction: float) -> None:
    if inside and outside:
        return
    part = "held-out" if inside else "other"
    raise DataError(
        f"Domain '{domain.name}' has {inside + outside} usable images: with a holdout fraction of "
        f"{fraction:g} its {part} part is empty. Add images, or change "
        "--data.holdout_fraction."
    )


def _table(
    domains: Sequence[Domain],
    parts: Sequence[tuple[Indices, int, bool]],
    left_out: tuple[int, ...],
    class_names: Sequence[str],
) -> EvaluationTable:
    return EvaluationTable(
        domain=np.concatenate([np.full(len(part), d) for part, d, _ in parts]),
        held_out=np.concatenate([np.full(len(part), out) for part, _, out in parts]),
        label=np.concatenate([np.asarray(domains[d].labels)[part] for part, d, _ in parts]),
        paths=joined([taken(domains[d].paths, part) for part, d, _ in parts]),
        domain_names=tuple(domain.name for domain in domains),
        test_domains=left_out,
        class_names=tuple(class_names),
    )


def spread(rows: Indices, most: int) -> Indices:
    """Return at most ``most`` of the rows, evenly spread; all of them if ``most`` is 0."""
    if not 0 < most < len(rows):
        return rows
    chosen: Indices = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
    return chosen
