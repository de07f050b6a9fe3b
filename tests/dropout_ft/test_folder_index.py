"""The index of a large folder: the same images as a walk, made anew when a folder changes."""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import make_pictures
from dropout_ft.data import folder_index
from dropout_ft.data.folder import Domain, Leftovers, scan
from dropout_ft.data.image_paths import ImagePaths, joined, paths_digest, taken
from dropout_ft.data.listing import walk
from dropout_ft.data.partition import Partition, partition
from dropout_ft.data.sources.base import Source
from holdfast.errors import DataError
from holdfast.runs.fingerprint import fingerprint_named


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small folder that counts as large and settled, with an index of its own."""
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folder_index, "LARGE", 1)
    monkeypatch.setattr(folder_index, "SETTLED_NS", -(10**15))
    return make_pictures(tmp_path / "pictures", per_class=5)


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Roots that were walked."""
    seen: list[Path] = []

    def spy(root: Path, *rest: Any) -> Any:
        seen.append(root)
        return walk(root, *rest)

    monkeypatch.setattr("dropout_ft.data.folder.walk", spy)
    return seen


def told(domains: list[Domain]) -> list[tuple[Any, ...]]:
    return [
        (one.name, list(one.paths), list(one.labels), np.asarray(one.sizes).tolist())
        for one in domains
    ]


def split(root: Path) -> Partition:
    source = Source(str(root))
    return partition(
        source.domains(), source, left_out=(1,), split_seed=3, holdout_fraction=0.2, eval_images=0,
        class_names=source.class_names,
    )  # fmt: skip


def test_the_index_lists_what_a_walk_lists(indexed: Path, walks: list[Path]) -> None:
    nested = indexed / "a/red/möre"
    nested.mkdir()
    shutil.copy(indexed / "a/red/00.png", nested / "ünï.PNG")
    walked, again = scan(indexed), scan(indexed)
    assert walks == [indexed], "the second list came from the index"
    assert told(walked) == told(again)
    assert told(walked) == told(scan(indexed, leftovers=Leftovers()))
    assert nested / "ünï.PNG" in list(again[0].paths)


def test_splits_and_fingerprints_from_the_index_are_the_walks(
    indexed: Path, walks: list[Path]
) -> None:
    first, print_of_walk = split(indexed), Source(str(indexed)).fingerprint()
    second, print_of_index = split(indexed), Source(str(indexed)).fingerprint()
    assert len(walks) == 1
    for name in ("labels", "domains", "rows"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert all(map(np.array_equal, first.groups, second.groups))
    assert first.table.paths == second.table.paths
    files = [(path.relative_to(indexed).as_posix(), path) for path in indexed.rglob("*.png")]
    assert print_of_walk == print_of_index == fingerprint_named(files)
    for content in (True, False):
        found = Source(str(indexed)).fingerprint(content=content)
        assert found == fingerprint_named(files, content=content)


def test_content_that_is_hashed_is_read_whatever_the_index_says(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first and the last file are looked at here: the one in the middle is not."""
    monkeypatch.setattr(folder_index, "LOOKED_AT", 2)
    empty = indexed / "b/green/01.png"
    empty.write_bytes(b"")
    by_content, by_size = (Source(str(indexed)).fingerprint(content=one) for one in (True, False))
    empty.write_bytes(b"no longer")
    assert Source(str(indexed)).fingerprint(content=True).digest != by_content.digest
    assert Source(str(indexed)).fingerprint(content=False) == by_size


def add(root: Path) -> None:
    shutil.copy(root / "a/red/00.png", root / "a/red/new.png")


def remove(root: Path) -> None:
    (root / "b/green/01.png").unlink()


def rename(root: Path) -> None:
    (root / "b/green/01.png").rename(root / "b/green/zz.png")


def replace(root: Path) -> None:
    (root / "other.png").write_bytes(b"another picture")
    (root / "other.png").replace(root / "c/blue/02.png")


def add_class(root: Path) -> None:
    for domain in ("a", "b", "c"):
        shutil.copytree(root / domain / "red", root / domain / "amber")


def add_domain(root: Path) -> None:
    shutil.copytree(root / "a", root / "aa")


def nest(root: Path) -> None:
    shutil.copytree(root / "a/red", root / "a/blue/deep")


def swap_link(root: Path) -> None:
    shutil.move(root / "a/red", root.parent / "one")
    shutil.copytree(root.parent / "one", root.parent / "two")
    (root.parent / "two/00.png").unlink()
    (root / "a/red").symlink_to(root.parent / "two")


def write_in_place(root: Path) -> None:
    """Few files are in this index, so all of them are looked at."""
    with (root / "a/red/00.png").open("ab") as file:
        file.write(b"x")


CHANGES = [add, remove, rename, replace, add_class, add_domain, nest, swap_link, write_in_place]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_folder_is_listed_anew(
    indexed: Path, walks: list[Path], change: Callable[[Path], None]
) -> None:
    scan(indexed)
    change(indexed)
    found = scan(indexed)
    assert len(walks) == 2
    assert told(found) == told(scan(indexed, leftovers=Leftovers()))
    assert told(scan(indexed)) == told(found)
    assert len(walks) == 3, "the leftovers' walk; the last list is the new index's"


def test_a_time_that_was_set_back_hides_nothing(indexed: Path, walks: list[Path]) -> None:
    folder = indexed / "a/red"
    before = folder.stat()
    scan(indexed)
    (folder / "00.png").unlink()
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert folder.stat().st_mtime_ns == before.st_mtime_ns
    assert len(scan(indexed)[0].paths) == 14


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    place = content.index(b"00.png")
    return content[:place] + b"99" + content[place + 2 :]


def pickled(content: bytes) -> bytes:

    buffer = io.BytesIO()
    np.savez(buffer, version=np.array([print], dtype=object))
    return buffer.getvalue()


def inconsistent(content: bytes) -> bytes:

    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = dict(file)
    buffer = io.BytesIO()
    np.savez(buffer, **{**arrays, "label": arrays["label"] + 100})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage", [cut, flip, pickled, inconsistent, lambda _: b"", lambda _: b"no archive"]
)
def test_a_damaged_index_is_said_and_made_anew(
    indexed: Path,
    walks: list[Path],
    damage: Callable[[bytes], bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = told(scan(indexed))
    path = folder_index.index_path(indexed)
    path.write_bytes(damage(path.read_bytes()))
    capsys.readouterr()
    assert told(scan(indexed)) == expected
    said = capsys.readouterr().err.splitlines()
    assert "is damaged" in said[0]
    assert "made anew" in said[0]
    assert len(walks) == 2
    assert told(scan(indexed)) == expected
    assert len(walks) == 2, "the index is whole again"


def test_an_index_of_another_folder_is_not_taken(indexed: Path, tmp_path: Path) -> None:
    other = make_pictures(tmp_path / "other", per_class=6)
    scan(indexed)
    scan(other)
    shutil.copy(folder_index.index_path(indexed), folder_index.index_path(other))
    assert len(scan(other)[0].paths) == 18


def test_a_folder_that_changed_just_now_is_not_indexed(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one tick of the clock have the same time."""
    monkeypatch.setattr(folder_index, "SETTLED_NS", 2_000_000_000)
    scan(indexed)
    assert not folder_index.index_path(indexed).exists()


def test_small_folders_have_no_index(
    indexed: Path, walks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_index, "LARGE", 46)
    scan(indexed)
    scan(indexed)
    assert len(walks) == 2
    assert not folder_index.index_path(indexed).exists()


def test_a_cache_that_cannot_be_written_costs_time_only(
    indexed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (indexed.parent / "file").write_text("no folder")
    monkeypatch.setenv("HOLDFAST_CACHE", str(indexed.parent / "file"))
    assert len(scan(indexed)[0].paths) == 15
    assert "No index of" in capsys.readouterr().err


def test_what_is_broken_is_an_error_with_and_without_an_index(indexed: Path) -> None:
    scan(indexed)
    (indexed / "a/red/odd.png").symlink_to("/nothing.png")
    for _ in range(2):
        with pytest.raises(DataError, match=r"odd\.png is a link to nothing"):
            scan(indexed)


def test_a_missing_class_is_an_error_from_the_index_too(indexed: Path) -> None:
    shutil.rmtree(indexed / "b/green")
    assert len(scan(indexed, allow_missing_classes=True)[1].paths) == 10
    for _ in range(2):
        with pytest.raises(DataError, match="Class 'green' is missing in domain 'b'"):
            scan(indexed)


def test_names_that_are_no_utf8_are_kept(indexed: Path) -> None:
    name = os.fsencode(indexed) + b"/a/red/\xff\xfe.png"
    shutil.copy(indexed / "a/red/00.png", os.fsdecode(name))
    scan(indexed)
    found = scan(indexed)[0].paths
    assert os.fsdecode(name) in map(str, found)
    assert Source(str(indexed)).fingerprint(content=False).files == 46


def test_paths_are_a_sequence_like_any_other(indexed: Path) -> None:
    domains = scan(indexed)
    paths = domains[0].paths
    assert isinstance(paths, ImagePaths)
    plain = tuple(paths)
    assert [paths[i] for i in range(len(paths))] == list(plain)
    assert paths[-1] == plain[-1]
    assert paths[2:9:3] == plain[2:9:3]
    assert paths != plain[1:]
    assert plain[4] in paths
    with pytest.raises(IndexError):
        paths[len(paths)]
    rows = np.array([3, 0, 3])
    assert list(taken(paths, rows)) == list(taken(plain, rows)) == [plain[3], plain[0], plain[3]]
    both = joined([one.paths for one in domains])
    assert list(both) == list(joined([tuple(one.paths) for one in domains]))
    assert paths_digest(paths) == paths_digest(plain) != paths_digest(plain[1:])
