"""The index of a data set: built once, mapped, rebuilt on change; archives; sets of images."""

import json
import multiprocessing
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import DataError, DiskError, ImageError
from holdfast.seeding import SampleKey
from sets_support import data_tree, write
from vl_track.data import index as index_module
from vl_track.data.file_video import FileVideo
from vl_track.data.frame_names import FrameNames, frame_names, open_frame_names
from vl_track.data.mixture import MixedPairs, Source
from vl_track.data.pairs import PairOptions
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.known import KNOWN, open_files
from vl_track.data.verifying import verify_split

SMALL = PairOptions(template_size=16, search_size=32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the sequences that were read from their files."""
    from vl_track.data.sets.lasot import LaSOT

    seen: list[str] = []
    read = LaSOT.read
    monkeypatch.setattr(LaSOT, "read", lambda self, name: (seen.append(name), read(self, name))[1])
    return seen


def same(one: FileVideo, other: FileVideo) -> None:
    assert one.name == other.name
    assert list(one.images) == list(other.images)
    assert np.array_equal(one.boxes, other.boxes)
    assert np.array_equal(one.visibility, other.visibility)
    assert (one.absent is None) == (other.absent is None)
    if one.absent is not None and other.absent is not None:
        assert np.array_equal(one.absent, other.absent)
    for name in ("sentence", "class_name", "attributes", "faults", "size"):
        assert getattr(one, name) == getattr(other, name), name


def tried(read: Callable[..., FileVideo], which: object) -> FileVideo | str:
    """Return a sequence, or the sentence of its error."""
    try:
        return read(which)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_index_says_what_the_files_say(name: str, tmp_path: Path) -> None:
    root = data_tree(tmp_path / "data", name)
    for split in KNOWN[name].counts:
        videos = open_files(name, split, root=root)
        for number, sequence in enumerate(videos.names):
            expected, found = tried(videos.read, sequence), tried(videos.__getitem__, number)
            if isinstance(expected, str) or isinstance(found, str):
                assert found == expected
            else:
                same(found, expected)


def test_it_is_built_once_and_mapped(
    tmp_path: Path, reads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Case B14: each pair read four files and a folder of thousands of names."""
    root = data_tree(tmp_path / "data", "lasot")
    for _ in range(3):
        videos = open_files("lasot", "test", root=root)
        assert isinstance(videos.index.boxes, np.memmap)
        for _ in range(5):
            assert videos[1].name == "bear-4"
    assert reads == ["airplane-1", "bear-4"]
    assert capsys.readouterr().err.count("building the index") == 1


@pytest.mark.parametrize("change", ["boxes", "sentence", "image", "sequence", "new file"])
def test_it_follows_the_folder(change: str, tmp_path: Path, reads: list[str]) -> None:
    root = data_tree(tmp_path / "data", "lasot")
    folder = root / "lasot/bear/bear-4"
    before = open_files("lasot", "test", root=root)[1]
    if change == "boxes":
        rows = (folder / "groundtruth.txt").read_text().splitlines()
        write(folder / "groundtruth.txt", "\n".join(["1,2,33,44", *rows[1:]]) + "\n")
    elif change == "sentence":
        write(folder / "nlp.txt", "another bear")
    elif change == "image":
        (folder / "img/00000006.jpg").unlink()
    elif change == "sequence":
        (root / "lasot/airplane/airplane-1").rename(tmp_path / "gone")
    else:
        write(root / "lasot/revised/bear-4.txt", "9,9,9,9\n" * 6)
    videos = open_files("lasot", "test", root=root)
    after = videos[list(videos.names).index("bear-4")]
    same(after, videos.read("bear-4"))
    if change != "sequence":
        with pytest.raises(AssertionError):
            same(before, after)
    folders = [p for p in (tmp_path / "cache/indexes").glob("*/*") if p.is_dir()]
    assert len(folders) == 1, "the outdated one is removed"


def test_other_processes_map_the_same_index(tmp_path: Path) -> None:
    videos = open_files("lasot", "train", root=data_tree(tmp_path / "data", "lasot"))
    copy = pickle.loads(pickle.dumps(videos))  # noqa: S301  (as loader workers are sent it)
    videos.prepare()
    copy = pickle.loads(pickle.dumps(videos))  # noqa: S301
    same(copy[0], videos[0])
    assert len(pickle.dumps(videos)) < 20_000


def build(root: str, ready: str) -> None:
    while not Path(ready).exists():
        pass
    open_files("lasot", "train", root=root).prepare()


def test_ranks_that_start_together_build_it_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = data_tree(tmp_path / "data", "lasot")
    context = multiprocessing.get_context("fork")
    ready = tmp_path / "ready"
    ranks = [context.Process(target=build, args=(str(root), str(ready))) for _ in range(4)]
    for rank in ranks:
        rank.start()
    ready.touch()
    for rank in ranks:
        rank.join(60)
        assert rank.exitcode == 0
    assert capfd.readouterr().err.count("building the index") == 1


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path / "file"))
    videos = open_files("lasot", "test", root=data_tree(tmp_path / "data", "lasot"))
    with pytest.raises(DiskError, match="HOLDFAST_CACHE"):
        videos.prepare()


def test_a_build_that_fails_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = open_files("lasot", "test", root=data_tree(tmp_path / "data", "lasot"))
    monkeypatch.setattr(index_module, "_record", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        videos.prepare()
    assert [p for p in cache.glob("indexes/*/*") if p.is_dir()] == []


@pytest.mark.parametrize(
    "names",
    [
        ["00000001.jpg", "00000002.jpg"], ["0.jpg", "1.jpg"], ["9.jpg", "10.jpg"],
        ["img_0099.png", "img_0100.png"], ["a.jpg", "b.jpg"], ["00001.png", "00003.png"],
        ["1.jpg"], ["x1y.jpg", "x2z.jpg"],
    ],
)  # fmt: skip
def test_names_of_frames_are_a_rule_where_they_follow_one(names: list[str], tmp_path: Path) -> None:
    paths = [tmp_path / "img" / name for name in names]
    described = json.loads(json.dumps(frame_names(paths, tmp_path)))
    found = open_frame_names(described, tmp_path)
    assert list(found) == paths
    assert found[-1] == paths[-1]
    with pytest.raises(IndexError):
        found[len(paths)]
    regular = names in (["00000001.jpg", "00000002.jpg"], ["0.jpg", "1.jpg"], ["9.jpg", "10.jpg"],
                        ["img_0099.png", "img_0100.png"], ["1.jpg"])  # fmt: skip
    assert ("rule" in described) == regular
    assert isinstance(found, FrameNames)


def packed(folder: Path, kind: str) -> None:
    """Replace a folder by an archive of its files."""
    target = folder.with_name(f"{folder.name}.{kind}")
    if kind == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)
    else:
        with tarfile.open(target, "w") as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_frames_may_lie_in_an_archive(kind: str, tmp_path: Path) -> None:
    root = data_tree(tmp_path / "data", "lasot")
    plain = open_files("lasot", "train", root=root)
    first = plain[0].frame(3)
    sample = MixedPairs([plain], [Source(name="lasot")], SMALL)[SampleKey(0, 5)]
    for name in ("airplane/airplane-2", "bear/bear-1"):
        packed(root / "lasot" / name / "img", kind)
    videos = open_files("lasot", "train", root=root)
    assert videos[0].images[3].parent.name == f"img.{kind}"
    assert np.array_equal(videos[0].frame(3), first)
    again = MixedPairs([videos], [Source(name="lasot")], SMALL)[SampleKey(0, 5)]
    assert bool((again["search"] == sample["search"]).all())
    problems = verify_split(videos, KNOWN["lasot"], deep=True)
    assert [one for one in problems if one.blocking] == []


def test_archives_that_cannot_be_read_one_by_one_are_refused(tmp_path: Path) -> None:
    root = data_tree(tmp_path / "data", "lasot")
    folder = root / "lasot/airplane/airplane-2/img"
    packed(folder, "tar")
    tar = folder.with_name("img.tar")
    tar.write_bytes(b"\x1f\x8b" + tar.read_bytes())
    videos = open_files("lasot", "train", root=root)
    with pytest.raises(DataError, match="no zip and no uncompressed tar"):
        videos[0]
    assert len(videos[1]) == 23


def test_a_truncated_archive_is_a_damaged_image(tmp_path: Path) -> None:
    root = data_tree(tmp_path / "data", "lasot")
    folder = root / "lasot/airplane/airplane-2/img"
    packed(folder, "zip")
    archive = folder.with_name("img.zip")
    video = open_files("lasot", "train", root=root)[0]
    content = bytearray(archive.read_bytes())
    content[100:400] = bytes(300)
    archive.write_bytes(bytes(content))
    with pytest.raises(ImageError):
        list(map(video.frame, range(len(video))))


def test_hidden_files_are_no_frames(tmp_path: Path) -> None:
    """macOS writes ._00000001.jpg beside every file (case B18, in data sets)."""
    root = data_tree(tmp_path / "data", "lasot")
    write(root / "lasot/bear/bear-4/img/._00000001.jpg", "resource fork")
    assert len(open_files("lasot", "test", root=root)[1].images) == 6


def missing_frames(root: Path) -> list[FileSet]:
    """Case B15: a sequence of TrackingNet without frames, beside whole data of LaSOT."""
    broken = open_files("trackingnet", "train", root=root)
    folder = root / "trackingnet" / "TRAIN_0/frames" / broken.names[0]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return [
        open_files("trackingnet", "train", root=root), open_files("lasot", "train", root=root),
    ]  # fmt: skip


def test_a_missing_sequence_never_ends_a_run_that_skips_damage(tmp_path: Path) -> None:
    root = data_tree(tmp_path / "data", "trackingnet", "lasot")
    sets = missing_frames(root)
    sources = [Source(name="trackingnet"), Source(name="lasot")]
    pairs = MixedPairs(sets, sources, SMALL, skip_damaged=True)
    for number in range(40):
        assert pairs[SampleKey(0, number)]["search"].shape == (3, 32, 32)
    strict = MixedPairs(sets, sources, SMALL)
    with pytest.raises(DataError, match="has no images"):
        [strict[SampleKey(0, number)] for number in range(40)]


def test_verify_finds_what_training_would_stumble_over(tmp_path: Path) -> None:
    """Without classes.txt every sentence is empty, and `verify` was silent (case B15)."""
    root = data_tree(tmp_path / "data", "trackingnet", "lasot")
    (root / "trackingnet/classes.txt").unlink()
    videos = missing_frames(root)[0]
    problems = verify_split(videos, KNOWN["trackingnet"], deep=False)
    assert any("no images" in one.what and one.blocking for one in problems)
    (note,) = [one for one in problems if "classes.txt is missing" in one.what]
    assert note.where == ""


def test_a_class_map_that_appears_changes_the_sentences(tmp_path: Path) -> None:
    root = data_tree(tmp_path / "data", "trackingnet")
    classes = root / "trackingnet/classes.txt"
    content = classes.read_text()
    classes.unlink()
    assert open_files("trackingnet", "train", root=root)[0].sentence == ""
    classes.write_text(content)
    assert open_files("trackingnet", "train", root=root)[0].sentence != ""


def visual_genome(root: Path, count: int) -> Path:
    """A file of regions as large as asked, fifty on each image."""
    folder = root / "visual_genome"
    (folder / "images/VG_100K").mkdir(parents=True)
    with (folder / "region_descriptions.json").open("w") as file:
        file.write("[")
        for image in range(count // 50):
            regions = [
                {"region_id": 50 * image + k, "image_id": image, "x": k, "y": 2, "width": 30,
                 "height": 40, "phrase": f"the man number {k} in a red jacket."}
                for k in range(50)
            ]  # fmt: skip
            file.write(("," if image else "") + json.dumps({"id": image, "regions": regions}))
        file.write("]")
    return root


@pytest.mark.slow
def test_regions_are_columns_and_cost_no_memory(tmp_path: Path) -> None:
    """Case B15: 612 bytes a region in every rank; 5.4 million regions were 3.3 GB."""
    root = visual_genome(tmp_path, 200_000)
    videos = open_files("visual_genome", "train", root=root)
    assert len(videos) == 200_000
    video = videos[123_456]
    assert video.sentence == "the man number 6 in a red jacket"
    assert video.box(0) == (6, 2, 30, 40)
    assert video.images[0].name == "2469.jpg"
    assert len(pickle.dumps(videos)) < 20_000
    columns = [p for p in (tmp_path / "cache").rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert sum(path.stat().st_size for path in columns) / 200_000 < 74  # 400 MB of 5.4 million


def test_a_process_that_opens_regions_stays_small(tmp_path: Path) -> None:
    root = visual_genome(tmp_path, 20_000)
    open_files("visual_genome", "train", root=root)
    before = resident()
    sets = [open_files("visual_genome", "train", root=root) for _ in range(5)]
    for videos in sets:
        assert videos[19_999].box(0)[0] == 49
    assert resident() - before < 5_000_000  # 5 times 612 bytes a region would be 61 MB


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
