"""Folders are read as ImageFolder reads them, and complain by name."""

import shutil
from pathlib import Path

import pytest
from torchvision.datasets import ImageFolder

from dropout_ft.data.folder import class_names, domain_names, scan
from holdfast.errors import DataError


def test_order_and_labels_equal_torchvisions(own_pictures: Path) -> None:
    nested = own_pictures / "a/red/more"
    nested.mkdir()
    shutil.copy(own_pictures / "a/red/00.png", nested / "a.PNG")
    (own_pictures / "a/red/notes.txt").write_text("no picture")
    for domain in scan(own_pictures):
        reference = ImageFolder(str(own_pictures / domain.name))
        expected = [(Path(path), label) for path, label in reference.samples]
        assert list(zip(domain.paths, domain.labels, strict=True)) == expected


def test_names_are_sorted_and_hidden_folders_left_out(own_pictures: Path) -> None:
    (own_pictures / ".cache").mkdir()
    assert domain_names(own_pictures) == ["a", "b", "c"]
    assert class_names(own_pictures) == ["blue", "green", "red"]


def test_missing_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data at.*data.source"):
        scan(tmp_path / "nowhere")


def test_a_domain_without_one_class(own_pictures: Path) -> None:
    shutil.rmtree(own_pictures / "b/green")
    with pytest.raises(DataError, match="Class 'green' is missing in domain 'b'"):
        scan(own_pictures)
    domains = scan(own_pictures, allow_missing_classes=True)
    assert set(domains[1].labels) == {0, 2}, "labels must not shift"


def test_an_empty_class(own_pictures: Path) -> None:
    for picture in (own_pictures / "c/red").iterdir():
        picture.unlink()
    with pytest.raises(DataError, match="Class 'red' is empty in domain 'c'"):
        scan(own_pictures)


def test_too_few_domains_or_classes(tmp_path: Path) -> None:
    (tmp_path / "one/cat").mkdir(parents=True)
    with pytest.raises(DataError, match="1 domain folder"):
        scan(tmp_path)
    (tmp_path / "two/cat").mkdir(parents=True)
    with pytest.raises(DataError, match="1 class"):
        scan(tmp_path)
