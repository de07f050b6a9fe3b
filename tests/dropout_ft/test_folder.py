"""Folders are read as ImageFolder reads them, and complain by name."""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from conftest import make_pictures
from dropout_ft.app import APP
from dropout_ft.data.folder import Leftovers, class_names, domain_names, scan
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


def test_hidden_files_are_left_out(own_pictures: Path) -> None:
    """A19. Was: ``._00.png``, which macOS leaves in archives, counted as a picture."""
    (own_pictures / "a/red/._00.png").write_bytes(b"resource fork")
    (own_pictures / "__MACOSX/red").mkdir(parents=True)
    assert len(scan(own_pictures)[0].paths) == 15
    assert domain_names(own_pictures) == ["a", "b", "c"]


@pytest.mark.parametrize("target", [".", "..", "../../a", "../red"])
def test_links_to_folders_above_are_read_once(own_pictures: Path, target: str) -> None:
    """A16. Was: 72 pictures counted as 352."""
    (own_pictures / "a/red/round").symlink_to(target)
    (own_pictures / "a/red/again").symlink_to(target)
    found = scan(own_pictures)[0].paths
    assert len({path.resolve() for path in found if path.parent.name in {"red", "round"}}) == 5
    assert len([path for path in found if path.parts[-2] == "red"]) == 5
    assert len(found) <= 15 + 15


def test_a_linked_folder_is_followed(own_pictures: Path, tmp_path: Path) -> None:
    shutil.move(own_pictures / "a/red", tmp_path / "elsewhere")
    (own_pictures / "a/red").symlink_to(tmp_path / "elsewhere")
    assert len(scan(own_pictures)[0].paths) == 15


def make_odd(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"dead link": "/nothing.png", "circle": path}[kind])


@pytest.mark.parametrize("kind", ["pipe", "dead link", "circle"])
def test_what_cannot_be_read_is_named(own_pictures: Path, kind: str) -> None:
    """A16. Were: tracebacks, and a hang on the pipe."""
    make_odd(kind, own_pictures / "a/red/odd.png")
    with pytest.raises(DataError, match=r"a/red/odd\.png is a link to nothing"):
        scan(own_pictures)
    leftovers = Leftovers()
    assert len(scan(own_pictures, leftovers=leftovers)[0].paths) == 15
    assert leftovers.broken == [own_pictures / "a/red/odd.png"]


def verified(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = APP.main(["verify", str(folder), *words])
    said = capsys.readouterr()
    return status, said.out + said.err


@pytest.mark.parametrize("kind", ["pipe", "dead link", "circle"])
def test_verify_names_it_too(
    own_pictures: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_odd(kind, own_pictures / "a/red/odd.png")
    status, said = verified(own_pictures, capsys)
    assert status == 1
    assert "problem: " in said
    assert "odd.png is a link to nothing, a pipe or a device" in said


def test_verify_counts_a_link_to_the_folder_itself_once(
    own_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_pictures / "a/red/round").symlink_to(".")
    status, said = verified(own_pictures, capsys)
    assert status == 0
    assert "a: 15 pictures" in said


def test_verify_wants_a_held_out_picture_in_every_domain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A8. Was: `verify` content, and then an i.i.d. accuracy of NaN."""
    make_pictures(tmp_path / "few", per_class=1)
    status, said = verified(tmp_path / "few", capsys)
    assert status == 1
    assert "domain 'a' has 3 picture(s), and a hold-out of 0.2 leaves none" in said
    assert verified(tmp_path / "few", capsys, "--holdout_fraction", "0.4")[0] == 0
    assert verified(tmp_path / "few", capsys, "--holdout_fraction", "1")[0] == 1


def test_verify_names_what_is_not_read(
    own_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A19. Were: skipped without a word."""
    (own_pictures / "a/red/notes.txt").write_text("no picture")
    assert (
        "1 file(s) are no pictures and are not read, such as" in verified(own_pictures, capsys)[1]
    )
    (own_pictures / "a/red/phone.HEIC").write_bytes(b"...")
    status, said = verified(own_pictures, capsys)
    assert status == 1
    assert "1 picture(s) of kinds that are not read" in said
    assert "phone.HEIC: convert them" in said


def test_verify_says_that_pictures_lie_on_their_side(
    own_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (32, 32)).save(own_pictures / "a/red/phone.jpg", exif=exif)
    status, said = verified(own_pictures, capsys)
    assert status == 0
    assert "1 picture(s) ask for a rotation in their EXIF header" in said
