"""Runs and images on object storage, with fsspec's ``memory://``: fit, resume, test, report."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
from pytorch_lightning import Trainer

from conftest import CONFIGS, make_pictures
from dropout_ft.app import APP
from dropout_ft.data.folder import scan
from dropout_ft.data.sources import ShardedFolder
from dropout_ft.data.sources.base import Source
from dropout_ft.results.run import load_runs
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError, DataError, DiskError, MissingToolError
from holdfast.locks import is_held
from holdfast.runs.results import read_results
from holdfast.storage import Mirror, fetched, local_copy

Arguments = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store of the test's own, and a cache of its own."""
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path / "cache"))
    fsspec.filesystem("memory").store.clear()
    return "memory://bucket"


def put(folder: Path, address: str) -> None:
    fsspec.filesystem("memory").put(f"{folder}/", address.removeprefix("memory:/"), recursive=True)


def names(address: str) -> list[str]:
    return sorted(fsspec.filesystem("memory").find(address.removeprefix("memory:/")))


def other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing is known but what is in the store."""
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path / "another"))


def the_run(place: str) -> str:
    (record,) = [name for name in names(place) if name.endswith("/run.json")]
    return "memory:/" + record.removesuffix("/run.json")


def test_a_run_is_in_the_store_and_another_machine_reports_it(
    place: str, tiny_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = tiny_arguments("fit", "--run.root", f"{place}/runs")
    assert APP.main(words) == 0
    assert "No lock is held there" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
    assert {"last.ckpt", "best.ckpt", "results.jsonl", "table.json", "config.yaml"} <= {
        name.rsplit("/", 1)[1] for name in names(the_run(place))
    }
    other_machine(tmp_path, monkeypatch)
    (run,) = load_runs([f"{place}/runs"])
    assert run.last_step == 2
    assert APP.main(["report", f"{place}/runs", "--out", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page/report.html").is_file()
    assert APP.main(words) == 0
    said = capsys.readouterr()
    assert "This run is finished" in said.out + said.err
    assert APP.main(tiny_arguments("test", "--run.root", f"{place}/runs")) == 0


def test_a_run_that_was_stopped_goes_on_elsewhere_as_an_undisturbed_one(
    place: str, tiny_arguments: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = ["--trainer.max_steps=4"]
    assert APP.main(tiny_arguments("fit", *words)) == 0
    plain = next((tmp_path / "runs").glob("*/results.jsonl"))

    pushed: list[None] = []
    push = Mirror.push

    def breaks(self: Mirror) -> None:
        if len(pushed) == 2:  # the machine is gone: nothing more is copied
            raise KeyboardInterrupt
        push(self)
        pushed.append(None)

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "push", breaks)
        assert APP.main(tiny_arguments("fit", *words, "--run.root", f"{place}/runs")) == 130
    other_machine(tmp_path, monkeypatch)
    capsys.readouterr()
    assert APP.main(tiny_arguments("fit", *words, "--run.root", f"{place}/runs")) == 0
    assert "Resuming from" in capsys.readouterr().out
    rows = read_results(fetched(the_run(place)) / "results.jsonl")
    expected = read_results(plain)
    assert [row["step"] for row in rows] == [row["step"] for row in expected] == [1, 2, 3, 4]
    for row, other in zip(rows, expected, strict=True):
        assert row == other


def test_what_was_not_copied_is_not_lost(place: str, tmp_path: Path) -> None:
    """The store was out of reach: the next start finds the local files as they are."""
    mirror = Mirror(f"{place}/one", tmp_path / "one")
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a").write_text("1")
    mirror.push()
    (tmp_path / "one/a").write_text("22")
    (tmp_path / "one/b").write_text("new")
    assert Mirror(f"{place}/one", tmp_path / "one").pull()
    assert (tmp_path / "one/a").read_text() == "22"
    mirror.push()
    (tmp_path / "one/b").unlink()
    mirror.push()
    assert names(f"{place}/one") == ["/bucket/one/a"]
    other = Mirror(f"{place}/one", tmp_path / "two")
    assert other.pull()
    assert (tmp_path / "two/a").read_text() == "22"
    (tmp_path / "two/a").write_text("333")
    other.push()
    mirror.pull()
    assert (tmp_path / "one/a").read_text() == "333", "another machine went on"


def test_a_push_that_fails_half_way_loses_nothing(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next pull once took the old last.ckpt from the store, and removed the new files."""
    folder = tmp_path / "one"
    mirror = Mirror(f"{place}/one", folder)
    (folder / "checkpoints").mkdir(parents=True)
    last = folder / "checkpoints/last.ckpt"
    last.write_text("1")
    mirror.push()
    last.write_text("22")
    for name in ("a", "b"):
        (folder / name).write_text("new")
    put_one, done = Mirror._put, []

    def fails_second(self: Mirror, name: str) -> None:
        if done:
            raise FileNotFoundError("the bucket is gone")
        put_one(self, name)
        done.append(name)

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_put", fails_second)
        with pytest.raises(DiskError, match="cannot be written"):
            mirror.push()
    assert len(names(f"{place}/one")) == 2
    assert Mirror(f"{place}/one", folder).pull()
    assert last.read_text() == "22"
    assert (folder / "a").read_text() == (folder / "b").read_text() == "new"
    Mirror(f"{place}/one", folder).push()
    assert Mirror(f"{place}/one", tmp_path / "two").pull()
    assert (tmp_path / "two/checkpoints/last.ckpt").read_text() == "22"
    assert len(names(f"{place}/one")) == 3


def test_what_changed_on_both_sides_is_refused(place: str, tmp_path: Path) -> None:
    one, two = (Mirror(f"{place}/r", tmp_path / name) for name in ("one", "two"))
    (tmp_path / "one").mkdir()
    for name in ("a", "b"):
        (tmp_path / "one" / name).write_text("1")
    one.push()
    two.pull()
    (tmp_path / "two/a").write_text("22")
    (tmp_path / "two/b").unlink()
    two.push()
    one.pull()
    assert not (tmp_path / "one/b").exists(), "removed there, and unchanged here"
    (tmp_path / "two/a").write_text("333")
    two.push()
    (tmp_path / "one/a").write_text("333")
    one.pull()  # the same bytes, as after a copy that ended before it was noted
    (tmp_path / "two/a").write_text("4444")
    two.push()
    (tmp_path / "one/a").write_text("55555")
    with pytest.raises(DataError, match="a has changed in"):
        one.pull()
    assert (tmp_path / "one/a").read_text() == "55555"
    (tmp_path / "one/a").unlink()
    one.pull()
    assert (tmp_path / "one/a").read_text() == "4444"


def test_of_several_processes_one_fetches_at_a_time(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(make_pictures(tmp_path / "own", per_class=1), f"{place}/own")
    held: list[bool] = []
    pull = Mirror.pull

    def watched(self: Mirror) -> bool:
        held.append(is_held(self.folder.with_name(f".{self.folder.name}.lock")))
        return pull(self)

    monkeypatch.setattr(Mirror, "pull", watched)
    assert fetched(f"{place}/own").is_dir()
    assert held == [True]


def test_the_trainings_own_error_is_told_where_the_store_fails_too(
    place: str, tiny_arguments: Arguments, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fails(*_: object, **__: object) -> None:
        raise DataError("the training's own error")

    def refuses(_: Mirror) -> None:
        raise DiskError("no connection")

    monkeypatch.setattr(Trainer, "fit", fails)
    monkeypatch.setattr(Mirror, "push", refuses)
    assert APP.main(tiny_arguments("fit", "--run.root", f"{place}/runs")) == 1
    said = capsys.readouterr().err
    assert "note: the run was not copied: no connection" in said
    assert said.rstrip().endswith("the training's own error")


def test_checkpoints_are_copied_after_what_belongs_to_them(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(Mirror, "_put", lambda self, name: order.append(name))
    (tmp_path / "r/checkpoints").mkdir(parents=True)
    for name in ("run.json", "checkpoints/last.ckpt", "checkpoints/best.ckpt", "results.jsonl"):
        (tmp_path / "r" / name).write_text("x")
    Mirror(f"{place}/r", tmp_path / "r").push()
    assert order == ["results.jsonl", "checkpoints/best.ckpt", "checkpoints/last.ckpt", "run.json"]


def test_images_from_the_store_are_those_of_the_folder(
    place: str, tiny_arguments: Arguments, tmp_path: Path
) -> None:
    folder = make_pictures(tmp_path / "own", per_class=5)
    put(folder, f"{place}/own")
    source, local = Source(f"{place}/own"), Source(str(folder))
    assert source.class_names == local.class_names
    assert source.fingerprint() == local.fingerprint()
    for one, other in zip(source.domains(), scan(folder), strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert [p.read_bytes() for p in one.paths] == [p.read_bytes() for p in other.paths]
    words = tiny_arguments("fit", "--data.source", f"{place}/own")
    assert APP.main(words) == 0
    record = json.loads(next((tmp_path / "runs").glob("*/run.json")).read_text())
    assert record["identity"]["data"]["digest"] == local.fingerprint().digest


def test_a_record_makes_nothing_be_fetched(place: str, tmp_path: Path) -> None:
    from dropout_ft.data.recorded import recorded_data

    put(make_pictures(tmp_path / "own", per_class=5), f"{place}/own")
    data = recorded_data({"source": f"{place}/own"}, "run.json")
    with pytest.raises(DataError):
        data.setup()
    with pytest.raises(DataError, match="bring them back"):
        data.prepare_data()
    assert not local_copy(f"{place}/own").exists()


def test_changed_images_are_fetched_and_removed_ones_removed(place: str, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "own", per_class=5)
    put(folder, f"{place}/own")
    assert len(Source(f"{place}/own").domains()[0].paths) == 15
    memory = fsspec.filesystem("memory")
    memory.rm_file("/bucket/own/a/red/00.png")
    memory.pipe_file("/bucket/own/a/red/01.png", (folder / "b/red/01.png").read_bytes())
    paths = Source(f"{place}/own").domains()[0].paths
    assert len(paths) == 14
    changed = next(path for path in paths if path.parts[-2:] == ("red", "01.png"))
    assert changed.read_bytes() == (folder / "b/red/01.png").read_bytes()


def test_what_cannot_be_is_a_sentence(
    place: str, tmp_path: Path, tiny_arguments: Arguments
) -> None:
    with pytest.raises(ConfigError, match="Shards are mapped into memory"):
        ShardedFolder(f"{place}/shards")
    with pytest.raises(ConfigError, match="need a local folder"):
        data_root("s3://bucket/data")
    with pytest.raises(ConfigError, match="There is no storage nothing://"):
        fetched("nothing://bucket")
    with pytest.raises(DataError, match="There is nothing at memory://bucket/absent"):
        fetched(f"{place}/absent")
    with pytest.raises(DataError, match="There is nothing at"):
        Source(f"{place}/absent").class_names  # noqa: B018
    with pytest.raises((MissingToolError, DiskError)):
        fetched("gs://bucket")


@pytest.mark.parametrize(
    "words",
    [
        ["sweep", str(CONFIGS / "sweeps/tiny.yaml"), "--out", "memory://bucket/sweep"],
        ["report", "memory://bucket/runs", "--out", "memory://bucket/page"],
    ],
    ids=["sweep", "report"],
)
def test_other_outputs_are_refused_before_any_work(
    words: list[str], tiny_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    """Were: a local folder called ``memory:``."""
    assert APP.main(tiny_arguments("fit", "--run.root", "memory://bucket/runs")) == 0
    capsys.readouterr()
    assert APP.main(words) == 1
    said = capsys.readouterr().err
    assert "is an address, but this output needs a local path" in said
    assert not Path("memory:").exists()


def test_a_store_that_fails_leaves_the_local_files_whole(
    place: str, tmp_path: Path, tiny_arguments: Arguments, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    memory = type(fsspec.filesystem("memory"))

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError("access denied")

    words = tiny_arguments("fit", "--run.root", f"{place}/runs")
    with monkeypatch.context() as patch:
        patch.setattr(memory, "put_file", refuses)
        assert APP.main(words) == 1
    said = capsys.readouterr().err
    assert "cannot be written (access denied)" in said
    assert "The local files are whole" in said
    assert names(f"{place}/runs") == []
    assert APP.main(words) == 0, "the same command again"
    assert the_run(place)


def test_a_directory_file_system_works_too(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "own", per_class=5)
    address = f"file://{folder}"
    assert len(Source(address).domains()) == 3
    shutil.rmtree(folder / "c")
    assert len(Source(address).domains()) == 2
