"""What is evaluated: one row for each image, in a fixed order."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Part(IntEnum):
    """What an image is for; every batch says it of each of its images.

    ``in`` and ``out`` are DomainBed's words: 80 % and 20 % of a domain.
    """

    TRAIN_IN = 0
    """Of a training domain, trained on."""
    TRAIN_OUT = 1
    """Of a training domain, held out: the i.i.d. accuracy."""
    TEST_IN = 2
    """Of a domain left out, its ``in`` part: the o.o.d. accuracy of DomainBed's tables."""
    TEST_OUT = 3
    """Of a domain left out, its ``out`` part."""


@dataclass(frozen=True, kw_only=True)
class EvaluationTable:
    """The images of an evaluation and where each belongs.

    Saved logits have one row for each row here, in this order; ensembles and selection rules need
    nothing else.

    Attributes:
        domain: (N,) int64, position of the image's domain.
        held_out: (N,) bool, True in DomainBed's ``out`` part, False in its ``in`` part.
        label: (N,) int64 class.
        paths: the N files.
        domain_names: all domains.
        test_domains: positions of the domains that are not trained on.
        class_names: all classes.
    """

    domain: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    label: NDArray[np.int64]
    paths: Sequence[Path]
    domain_names: tuple[str, ...]
    test_domains: tuple[int, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def of_test(self) -> NDArray[np.bool_]:
        """(N,) bool: rows of the domains left out."""
        found: NDArray[np.bool_] = np.isin(self.domain, self.test_domains)
        return found

    @property
    def part(self) -> NDArray[np.int64]:
        """(N,) :class:`Part` of each row."""
        return 2 * self.of_test.astype(np.int64) + self.held_out.astype(np.int64)


def table_of_batches(
    label: NDArray[np.int64], domain: NDArray[np.int64], part: NDArray[np.int64], classes: int
) -> EvaluationTable:
    """Return the table that the fields of evaluated batches describe, without names and files.

    Args:
        label: (N,) classes.
        domain: (N,) positions of domains.
        part: (N,) :class:`Part`.
        classes: how many there are.
    """
    tests = np.unique(domain[part >= Part.TEST_IN])
    count = int(domain.max()) + 1 if len(domain) else 0
    return EvaluationTable(
        domain=domain,
        held_out=(part == Part.TRAIN_OUT) | (part == Part.TEST_OUT),
        label=label,
        paths=(),
        domain_names=tuple(str(number) for number in range(count)),
        test_domains=tuple(int(number) for number in tests),
        class_names=tuple(str(number) for number in range(classes)),
    )


def same_rows(first: EvaluationTable, other: EvaluationTable) -> bool:
    """Tell whether two tables are row for row of the same images, wherever these lie."""
    return (
        first.test_domains == other.test_domains
        and first.domain_names == other.domain_names
        and first.class_names == other.class_names
        and np.array_equal(first.domain, other.domain)
        and np.array_equal(first.label, other.label)
        and np.array_equal(first.held_out, other.held_out)
        and relative_names(first.paths) == relative_names(other.paths)
    )


def rows_digest(table: EvaluationTable) -> str:
    """Return a digest that is equal where :func:`same_rows` holds."""
    names = (table.domain_names, table.test_domains, table.class_names)
    rows = (table.domain.tolist(), table.label.tolist(), table.held_out.tolist())
    return hashlib.sha256(repr((names, rows, relative_names(table.paths))).encode()).hexdigest()


def relative_names(paths: Sequence[Path]) -> list[tuple[str, ...]]:
    """Return domain, class and file name of each path: a moved folder holds the same images."""
    return [path.parts[-3:] for path in paths]
