"""Miniature trees of the field's data sets in their true layouts, faults included."""

import json
import pickle
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import cv2
import numpy as np

Rows = Sequence[Sequence[float]]
SIZE = (64, 48)


def boxes_of(count: int, *, missing: Sequence[int] = ()) -> list[list[int]]:
    """A box that moves right; 0,0,0,0 where it is missing."""
    return [[0, 0, 0, 0] if k in missing else [5 + 2 * k, 8, 16, 12] for k in range(count)]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_rows(path: Path, rows: Rows, separator: str = ",") -> None:
    write(path, "".join(separator.join(f"{v:g}" for v in row) + "\n" for row in rows))


def write_picture(path: Path, value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    picture[8:20, 5:21] = (20, 30, value)
    assert cv2.imwrite(str(path), picture)


def write_frames(folder: Path, names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        write_picture(folder / name, 90 + place)


def flags(count: int, on: Collection[int] = (), separator: str = ",") -> str:
    return separator.join(str(int(k in on)) for k in range(count)) + "\n"


def lasot(root: Path) -> Path:
    """Two test sequences, two to train; bear-1 lacks a picture; a folder that is none."""
    for name, count in (("airplane-1", 8), ("bear-4", 6), ("airplane-2", 24), ("bear-1", 24)):
        folder = root / name.rsplit("-", 1)[0] / name
        write_frames(folder / "img", [f"{k + 1:08d}.jpg" for k in range(count)])
        write_rows(folder / "groundtruth.txt", boxes_of(count, missing=(3,)))
        write(folder / "full_occlusion.txt", flags(count, (3,)))
        write(folder / "out_of_view.txt", flags(count, (4,)))
        write(folder / "nlp.txt", "The white Airplane. on the left")
    (root / "bear/bear-1/img/00000024.jpg").unlink()
    write(root / "attributes/airplane-1.txt", "0,1,0,0,0,0,0,0,0,0,0,1,0,0\n")
    write(root / "attributes/bear-4.txt", "1,1,0,0,0,0,0,0,0,0,0,1,0,0\n")
    (root / "leftover").mkdir()
    return root


def lasot_ext(root: Path) -> Path:
    """paddle-1 has more rows than the toolkit's file, which lies under revised/."""
    for name in ("paddle-1", "paddle-10", "rhino-2"):
        folder = root / name.rsplit("-", 1)[0] / name
        write_frames(folder / "img", [f"{k + 1:08d}.jpg" for k in range(5)])
        write_rows(folder / "groundtruth.txt", boxes_of(7 if name == "paddle-1" else 5))
        write(folder / "full_occlusion.txt", flags(5))
        write(folder / "out_of_view.txt", flags(5))
        write(folder / "nlp.txt", "a paddle")
    write_rows(root / "revised/paddle-1.txt", boxes_of(5))
    return root


def tnl2k(root: Path) -> Path:
    """Irregular names, a second level of folders, an empty sentence, revised files."""
    test = root / "test"
    write_frames(test / "INF_run1/imgs", ["00001.png", "00003.png", "00010.jpg"])
    write_rows(test / "INF_run1/groundtruth.txt", boxes_of(3))
    write(test / "INF_run1/language.txt", "")
    write(
        test / "INF_run1/attributes.txt", "\n".join("1" if k in {0, 14} else "0" for k in range(17))
    )
    write(root / "absent/INF_run1.txt", "0\n1\n0\n")
    deep = test / "part_2/INF_woman46"
    write_frames(deep / "imgs", ["a.jpg", "b.jpg"])
    write_rows(deep / "groundtruth.txt", boxes_of(2))
    write(deep / "language.txt", "old words")
    write(root / "updated_4_video_text_annotation/INF_woman46/language.txt", "The woman. in red\n")
    write_rows(
        root / "updated_4_video_text_annotation/INF_woman46/groundtruth.txt", [[1, 1, 9, 9]] * 2
    )
    (test / "empty_folder").mkdir()
    train = root / "train/catNight_video_B04_done"
    write_frames(train / "imgs", [f"{k:05d}.jpg" for k in range(24)])
    write_rows(train / "groundtruth.txt", boxes_of(15))
    write(train / "language.txt", "the cat")
    write_rows(root / "revised_annotations/catNight_video_B04_done/groundtruth.txt", boxes_of(24))
    return root


def otb99_lang(root: Path) -> Path:
    """BlurCar3 begins at 3, Board has five digits, Jogging holds two objects, separators vary."""
    videos = root / "OTB_videos"
    write_frames(videos / "BlurCar3/img", [f"{k:04d}.jpg" for k in range(1, 7)])
    write_rows(videos / "BlurCar3/groundtruth_rect.txt", boxes_of(4), "\t")
    write_frames(videos / "Board/img", [f"{k:05d}.jpg" for k in range(1, 5)])
    write_rows(videos / "Board/groundtruth_rect.txt", boxes_of(4), " ")
    write_frames(videos / "Jogging/img", [f"{k:04d}.jpg" for k in range(1, 26)])
    for number in (1, 2):
        write_rows(videos / f"Jogging/groundtruth_rect.{number}.txt", boxes_of(25))
        write(root / f"OTB_query_train/Jogging-{number}.txt", f"runner {number}\n")
    for name in ("BlurCar3", "Board", "Lost"):
        write(root / f"OTB_query_test/{name}.txt", f"the {name}")
    (videos / "Unsaid").mkdir()
    return root


def webuav3m(root: Path) -> Path:
    """Absent frames have no box; the last three attributes are levels."""
    for split in ("Train", "Val", "Test"):
        folder = root / split / "bicycle_1"
        write_frames(folder / "img", [f"{k + 1:06d}.jpg" for k in range(24)])
        write_rows(folder / "groundtruth_rect.txt", boxes_of(24, missing=(2,)))
        write(folder / "absent.txt", flags(24, (2,), "\n"))
        write(folder / "attributes.txt", "1,0,0,0,0,0,0,0,0,0,0,0,0,1,2,0,1\n")
        write(folder / "language.txt", "A Bicycle.\n")
    (root / "Test" / "nothing").mkdir()
    return root


META = """[METAINFO]
url: x
resolution: (64, 48)
object_class: goat
motion_class: walking
major_class: mammal
root_class: animal
"""


def got10k(root: Path) -> Path:
    """Cover 0 hides; the test split has one box; the list names one that is not there."""
    for split in ("train", "val", "test"):
        folder = root / split / f"GOT-10k_{split}_000001"
        write_frames(folder, [f"{k + 1:08d}.jpg" for k in range(24)])
        write_rows(folder / "groundtruth.txt", boxes_of(1 if split == "test" else 24))
        write(root / split / "list.txt", f"{folder.name}\nGOT-10k_{split}_000009\n")
        if split != "test":
            write(folder / "absence.label", flags(24, (1,), "\n"))
            write(folder / "cover.label", "\n".join("0" if k == 2 else "8" for k in range(24)))
        write(folder / "meta_info.ini", META)
    (root / "val" / "stray").mkdir()
    return root


def trackingnet(root: Path) -> Path:
    """Pictures are numbered without zeros in front: 10.jpg comes after 9.jpg."""
    for part, name in (("TRAIN_0", "abc_0"), ("TRAIN_3", "def_1"), ("TEST", "ghi_2")):
        write_frames(root / part / "frames" / name, [f"{k}.jpg" for k in range(24)])
        count = 1 if part == "TEST" else 24
        write_rows(root / part / "anno" / f"{name}.txt", boxes_of(count))
    (root / "TRAIN_3/frames/noanno").mkdir()
    write(root / "classes.txt", "abc_0\tbird\ndef_1\tcar\n")
    return root


def vasttrack(root: Path) -> Path:
    """One folder for all; test_list.txt says which test."""
    for name in ("Abacus-1", "Abacus-2"):
        folder = root / "Abacus" / name
        write_frames(folder / "imgs", [f"{k + 1:05d}.jpg" for k in range(24)])
        write_rows(folder / "Groundtruth.txt", boxes_of(24, missing=(5,)))
        write(folder / "nlp.txt", "an abacus\n")
    write(root / "test_list.txt", "Abacus-2\n")
    return root


def mgit(root: Path) -> Path:
    """VideoCube's layout."""
    for split in ("train", "val", "test"):
        name = {"train": "001", "val": "002", "test": "003"}[split]
        write_frames(
            root / f"data/{split}/{name}/frame_{name}", [f"{k:06d}.jpg" for k in range(24)]
        )
        write_rows(root / f"attribute/groundtruth/{name}.txt", boxes_of(24))
        write(root / f"attribute/absent/{name}.txt", flags(24, (7,), "\n"))
        write(root / f"attribute/language/{name}.txt", "A man rides.")
    (root / "data/test/999").mkdir()
    return root


def coco(root: Path) -> Path:
    """A crowd is left out."""
    for split in ("train", "val"):
        write_picture(root / f"images/{split}2017/000000000001.jpg")
        index = {
            "images": [{"id": 1, "file_name": "000000000001.jpg"}],
            "categories": [{"id": 3, "name": "car", "supercategory": "vehicle"}],
            "annotations": [
                {"id": 11, "image_id": 1, "category_id": 3, "bbox": [5, 8, 16, 12], "iscrowd": 0},
                {"id": 12, "image_id": 1, "category_id": 3, "bbox": [0, 0, 60, 40], "iscrowd": 1},
            ],
        }
        write(root / f"annotations/instances_{split}2017.json", json.dumps(index))
    return root


def refcoco(root: Path) -> Path:
    """Pickles as published; one box is too small; RefCOCO has two test splits."""
    write_picture(root / "images/train2014/COCO_train2014_000000000001.jpg")
    index = {
        "images": [{"id": 1, "file_name": "COCO_train2014_000000000001.jpg"}],
        "annotations": [
            {"id": 21, "bbox": [2, 2, 55, 51]},
            {"id": 22, "bbox": [2, 2, 20, 51]},
        ],
    }
    for kind, file in (
        ("refcoco", "refs(unc).p"), ("refcoco+", "refs(unc).p"), ("refcocog", "refs(google).p"),
    ):  # fmt: skip
        tests = ("testA", "testB") if kind != "refcocog" else ("test", "test")
        references = [
            {"ref_id": place, "ann_id": ann, "image_id": 1, "split": split,
             "sentences": [{"sent": "first"}, {"sent": "The Last one"}]}
            for place, (ann, split) in enumerate(
                [(21, "train"), (22, "train"), (21, "val"), (21, tests[0]), (21, tests[1])]
            )
        ]  # fmt: skip
        write(root / kind / "instances.json", json.dumps(index))
        (root / kind / file).write_bytes(pickle.dumps(references, protocol=2))
    return root


def visual_genome(root: Path) -> Path:
    """One picture lies in the second folder."""
    write_picture(root / "images/VG_100K/1.jpg")
    write_picture(root / "images/VG_100K_2/2.jpg")
    regions = [
        {"id": number, "regions": [{
            "region_id": 100 + number, "image_id": number, "phrase": "A red Box. ",
            "x": 5, "y": 8, "width": 16, "height": 12,
        }]}
        for number in (1, 2)
    ]  # fmt: skip
    write(root / "region_descriptions.json", json.dumps(regions))
    return root


TREES: dict[str, Callable[[Path], Path]] = {
    "lasot": lasot, "lasot_ext": lasot_ext, "tnl2k": tnl2k, "otb99_lang": otb99_lang,
    "webuav3m": webuav3m, "got10k": got10k, "trackingnet": trackingnet, "coco": coco,
    "refcoco": refcoco, "refcoco_plus": refcoco, "refcocog": refcoco,
    "visual_genome": visual_genome, "vasttrack": vasttrack, "mgit": mgit,
}  # fmt: skip


def data_tree(root: Path, *names: str) -> Path:
    """Make some data sets in their places below a data root."""
    from vl_track.data.sets.known import KNOWN

    for name in names:
        folder = root / KNOWN[name].folder
        if not folder.is_dir():
            TREES[name](folder)
    return root
