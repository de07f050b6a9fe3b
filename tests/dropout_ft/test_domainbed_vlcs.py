"""VLCS in DomainBed's layout, from its published file list: counts, order and splits."""

import lzma
from pathlib import Path

import pytest

from dropout_ft.data.domains import DomainData
from dropout_ft.data.folder import class_names, domain_names, scan
from tests_support import shared_file

COUNTS = {"Caltech101": 1415, "LabelMe": 2656, "SUN09": 3282, "VOC2007": 3376}


@pytest.fixture(scope="module")
def vlcs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of empty files, one for each line of the list; scanning decodes nothing."""
    listing = shared_file("vlcs_files.txt.xz")
    root = tmp_path_factory.mktemp("vlcs")
    for number, line in enumerate(lzma.decompress(listing.read_bytes()).decode().splitlines()):
        folder = root / line.rsplit(" ", 1)[1]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:06d}.jpg").touch()
    return root / "VLCS"


def test_domains_and_classes(vlcs: Path) -> None:
    assert domain_names(vlcs) == list(COUNTS)
    assert class_names(vlcs) == ["bird", "car", "chair", "dog", "person"]


def test_counts(vlcs: Path) -> None:
    domains = scan(vlcs)
    assert {domain.name: len(domain.paths) for domain in domains} == COUNTS
    for domain in domains:
        assert list(domain.labels) == sorted(domain.labels)
        assert set(domain.labels) == set(range(5))


@pytest.mark.parametrize("test_domain", range(4))
def test_the_protocols_sizes(vlcs: Path, test_domain: int) -> None:
    data = DomainData(str(vlcs), [str(test_domain)])
    data.setup()
    sizes = list(COUNTS.values())
    held_out = [int(0.2 * size) for size in sizes]
    expected = sum(held_out) - held_out[test_domain] + sizes[test_domain]
    assert len(data.table) == expected
    assert sorted(len(group) for group in data._parts().groups) == sorted(
        size - out
        for number, (size, out) in enumerate(zip(sizes, held_out, strict=True))
        if number != test_domain
    )


def test_first_held_out_pictures_of_caltech(vlcs: Path) -> None:
    """DomainBed's own code: n=1415, trial 0, environment 0 starts [222, 1032, 864, 859, 1037]."""
    data = DomainData(str(vlcs), ["1"])
    domains = data.source.domains()
    data.setup()
    first = [domains[0].paths.index(path) for path in data.table.paths[:5]]
    assert first == [222, 1032, 864, 859, 1037]
