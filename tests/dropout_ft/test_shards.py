"""Shards hold a folder's very pictures, labels and splits; training from them resumes exactly."""

import copy
import json
import multiprocessing
import shutil
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from conftest import make_pictures
from dropout_ft.app import APP
from dropout_ft.data import DomainData, ShardedFolder
from dropout_ft.data import shards as shards_module
from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.folder import scan
from dropout_ft.data.shards import TABLE, Shards, read_table, write_shards
from holdfast.errors import DataError, ImageError, MissingToolError

pytest.importorskip("litdata", reason="pip install litdata")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pictures(tmp_path_factory.mktemp("shards") / "pictures")


@pytest.fixture(scope="module")
def sharded(folder: Path) -> Path:
    place = folder.with_name("written")
    assert write_shards(folder, place, chunk_bytes="20KB") == 3 * 3 * 10
    return place


def set_up(data: DomainData, step: int = 0, seed: int = 0) -> DomainData:
    data.seed = seed
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        world_size=1, global_rank=0, global_step=step, accumulate_grad_batches=1
    )
    data.setup("fit")
    return data


def test_writing_leaves_the_process_as_it_was(folder: Path, sharded: Path) -> None:
    assert sharded.is_dir()
    assert multiprocessing.get_start_method() == "fork", "later loaders would be slow and warn"


def test_every_picture_in_the_folders_order(folder: Path, sharded: Path) -> None:
    shards, table = Shards(sharded), read_table(sharded)
    domains = scan(folder)
    assert [one.name for one in table.domains] == [one.name for one in domains]
    assert [list(one.labels) for one in table.domains] == [list(one.labels) for one in domains]
    paths = [path for domain in domains for path in domain.paths]
    assert len(shards) == len(paths)
    for place, path in enumerate(paths):
        assert shards.name(place) == str(path.relative_to(folder))
        assert np.array_equal(np.asarray(shards[place]), np.asarray(read_rgb(path)))
    chunks = shards.chunk_of()
    assert len(chunks) == len(paths)
    assert len(np.unique(chunks)) > 3
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".shards")]


def test_splits_and_evaluation_are_those_of_the_folder(folder: Path, sharded: Path) -> None:
    common: dict[str, Any] = {"test_domains": ["b"], "image_size": 32, "val_augment": False}
    plain = set_up(DomainData(str(folder), **common))
    ours = set_up(DomainData(ShardedFolder(str(sharded)), **common))
    for name in ("domain", "held_out", "label"):
        assert np.array_equal(getattr(plain.table, name), getattr(ours.table, name))
    assert plain.table.class_names == ours.table.class_names
    for one, other in zip(plain.val_dataloader(), ours.val_dataloader(), strict=True):
        assert torch.equal(one["input"], other["input"])
        assert torch.equal(one["label"], other["label"])


def batches(root: Path, *, step: int = 0, count: int = 6, **options: Any) -> list[Any]:
    source = ShardedFolder(str(root), window=3, open_shards=options.pop("open_shards", 4))
    data = DomainData(source, ["a"], image_size=32, global_batch_size=4, **options)
    return list(islice(set_up(data, step).train_dataloader(), count))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_run_gets_the_batches_it_would_have_had(sharded: Path, workers: int) -> None:
    whole = batches(sharded)
    resumed = batches(sharded, step=4, count=2, num_workers=workers)
    for one, other in zip(whole[4:], resumed, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_few_shards_are_open_and_labels_are_right(folder: Path, sharded: Path) -> None:
    chunks = Shards(sharded).chunk_of()
    labels = np.concatenate([np.array(domain.labels) for domain in scan(folder)])
    for start in (0, 3):
        window = batches(sharded, open_shards=2)[start : start + 3]
        seen = np.concatenate([batch["index"].numpy() for batch in window])
        domains = seen // 30
        assert set(domains) == {1, 2}
        for domain in (1, 2):
            assert len(set(chunks[seen[domains == domain]])) <= 2
        found = np.concatenate([batch["label"].numpy() for batch in window])
        assert np.array_equal(labels[seen], found)


def test_a_copy_opens_a_reader_of_its_own(sharded: Path) -> None:
    shards = Shards(sharded)
    before = np.asarray(shards[3])
    assert np.array_equal(np.asarray(copy.deepcopy(shards)[3]), before)


def test_the_command_writes_shards_that_train(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert APP.main(["data", "shard", "--name", str(folder), "--out", str(out)]) == 0
    assert f"90 pictures in {out}" in capsys.readouterr().out
    assert APP.main(["data", "shard", "--name", str(folder), "--out", str(out)]) == 1
    assert f"{out} exists" in capsys.readouterr().err


def test_what_is_missing_or_damaged_is_said(sharded: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There are no shards"):
        ShardedFolder(str(tmp_path)).domains()
    broken = tmp_path / "broken"
    shutil.copytree(sharded, broken)
    (broken / TABLE).write_text(json.dumps({"classes": []}))
    with pytest.raises(DataError, match="is damaged"):
        read_table(broken)
    (broken / "chunks/index.json").write_text("{")
    with pytest.raises(DataError, match=r"index .* is damaged"):
        Shards(broken).chunk_of()


def test_a_picture_that_is_none_is_named(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    shutil.copytree(folder, root)
    (root / "a/red/00.png").write_bytes(b"no picture")
    write_shards(root, tmp_path / "out")
    shards = Shards(tmp_path / "out")
    (place,) = [number for number in range(90) if shards.name(number) == "a/red/00.png"]
    with pytest.raises(ImageError, match=r"a/red/00\.png"):
        shards[place]


def test_another_order_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shards, "name", lambda self, place: "another")
    with pytest.raises(DataError, match="another order"):
        write_shards(folder, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_without_litdata_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install litdata"):
        shards_module.import_litdata()
