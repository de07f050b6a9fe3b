"""A run's files may name our classes and those the user names; nothing else is imported."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropout_ft.advice.recipe import Trial
from dropout_ft.app import APP
from dropout_ft.commands.advise import own_kinds
from dropout_ft.commands.trusted import own_classes
from dropout_ft.data import DomainData, KnownFolder, Source
from dropout_ft.data.recorded import known_sources, recorded_data
from holdfast.errors import ConfigError, DataError
from holdfast.trusted import class_paths

STRANGERS = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
from dropout_ft.data.sources import Source
from dropout_ft.nn.backbones import TimmBackbone

class Thing(Source):
    pass

class Net(TimmBackbone):
    pass
"""


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A module that says whether it was imported."""
    folder = tmp_path_factory.mktemp("strangers")
    (folder / "strangers.py").write_text(STRANGERS)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield folder / "ran"
    sys.path.remove(str(folder))
    sys.modules.pop("strangers", None)


def test_a_source_that_a_record_names_is_not_imported(strangers: Path, tmp_path: Path) -> None:
    """`report` and `combine` handed it to jsonargparse, and that module's code ran."""
    config = {"source": {"class_path": "strangers.Thing", "init_args": {"root": str(tmp_path)}}}
    with pytest.raises(DataError, match=r"strangers\.Thing is none of ours.*--source"):
        recorded_data(config, "run.json")
    assert not strangers.exists()
    trusted = own_classes(None, "strangers.Thing")
    assert strangers.exists()
    assert isinstance(recorded_data(config, "run.json", trusted.sources).source, Source)


def test_our_own_sources_are_found_under_every_name_they_have(pictures: Path) -> None:
    assert known_sources()["dropout_ft.data.KnownFolder"] is KnownFolder
    for name in class_paths(KnownFolder):
        assert known_sources()[name] is KnownFolder
    found = recorded_data({"source": str(pictures), "image_size": 32, "num_workers": 0}, "run.json")
    assert found.image_size == 32
    described = {"class_path": "dropout_ft.data.sources.base.Source",
                 "init_args": {"root": str(pictures)}}  # fmt: skip
    assert recorded_data({"source": described}, "run.json").domain_names == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["ColoredDigits", "RotatedDigits", "EmojiStyles"])
def test_nothing_is_drawn_where_only_a_record_says(kind: str, tmp_path: Path) -> None:
    """A stranger's run.json had `report` draw 1,797 digits into any folder it named."""
    root = tmp_path / "stranger"
    described = {"class_path": f"dropout_ft.data.{kind}", "init_args": {"root": str(root)}}
    data = recorded_data({"source": described}, "run.json")
    with pytest.raises(DataError, match=r"images are not at .*only a run's record names"):
        data.fingerprint()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kept", [False, True])
def test_no_cache_is_written_where_only_a_record_says(
    kept: bool, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written beside the folder that the record named; one that is there is read."""
    folder = tmp_path / "stranger/set"
    shutil.copytree(pictures, folder)
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path / "mine"))
    settings = {"test_domains": ["a"], "image_size": 8, "cached_side": 8, "num_workers": 0}
    if kept:
        DomainData(str(folder), **settings).setup()
    recorded_data({"source": str(folder), **settings}, "run.json").setup()
    assert (tmp_path / "stranger/cache").exists() == kept
    assert (tmp_path / "mine/cache").exists() != kept


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        "text",
        {"source": 3},
        {"source": {"class_path": ["os"]}},
        {"source": {"class_path": "dropout_ft.data.KnownFolder", "init_args": {"name": ["x"]}}},
        {"source": {"class_path": "dropout_ft.data.KnownFolder", "init_args": {"nom": "x"}}},
        {"source": {"class_path": "dropout_ft.data.KnownFolder", "init_args": 5}},
        {"source": "x", "image_size": "large"},
        {"source": "x", "image_size": -1},
        {"source": "x", "no_such_setting": 1},
    ],
)
def test_a_damaged_description_of_the_data_is_one_sentence(config: object) -> None:
    with pytest.raises(DataError, match=r"run\.json") as caught:
        recorded_data(config, "run.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("backbone", "source", "expected"),
    [
        (None, "nowhere.Thing", "--source module.Class"),
        (None, "dropout_ft.nn.backbones.TimmBackbone", "is no source"),
        ("dropout_ft.data.KnownFolder", None, "is no backbone"),
    ],
)
def test_what_the_user_names_must_be_of_its_kind(
    backbone: str | None, source: str | None, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        own_classes(backbone, source)


@pytest.fixture(scope="module")
def own_runs(tmp_path_factory: pytest.TempPathFactory, pictures: Path, strangers: Path) -> Path:
    """Two seeds with a backbone of the user's own."""
    root = tmp_path_factory.mktemp("own")
    for seed in ("0", "1"):
        words = [
            "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(pictures),
            "--run.root", str(root), "--seed_everything", seed,
            "--model.backbone", "strangers.Net", "--model.backbone.name", "test_efficientnet",
            "--model.backbone.weights", "none",
        ]  # fmt: skip
        assert APP.main(words) == 0
    return root


def test_a_report_leaves_out_what_it_cannot_compute(
    own_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a backbone of one's own the whole report was lost, after all training."""
    out = tmp_path / "report"
    assert APP.main(["report", str(own_runs), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "“average over runs” of the run" in said
    assert "strangers.Net" in said
    assert "--backbone module.Class" in said
    table = (out / "results.csv").read_text()
    assert "average over runs" not in table
    assert "ensemble over runs" in table
    assert "strangers.Net" in (out / "report.html").read_text()


def test_and_computes_it_with_the_class_that_the_user_names(
    own_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    words = ["--out", str(out), "--backbone", "strangers.Net"]
    assert APP.main(["report", str(own_runs), *words]) == 0
    assert "is left out" not in capsys.readouterr().out
    assert "average over runs" in (out / "results.csv").read_text()


def test_combine_takes_the_class_as_well(
    own_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in own_runs.glob("*/derived"):
        assert path.is_dir()
    assert APP.main(["combine", str(own_runs)]) == 1
    said = capsys.readouterr()
    assert "--backbone module.Class" in said.err
    assert "ensemble" not in said.out, "half of the work was told before it failed"
    assert APP.main(["combine", str(own_runs), "--backbone", "strangers.Net"]) == 0
    assert "average of 2 runs" in capsys.readouterr().out


def test_advise_uses_the_classes_of_the_files_it_was_given(strangers: Path) -> None:
    """It failed at the very end, when it loaded the final model."""

    def trial(name: str) -> Trial:
        return Trial(backbone="x", file=Path("x.yaml"), class_path=name)

    (found,) = own_kinds([trial("strangers.Net"), trial("dropout_ft.nn.backbones.TimmBackbone")])
    assert found.__name__ == "Net"
    with pytest.raises(ConfigError, match=r"There is no class nowhere\.Net"):
        own_kinds([trial("nowhere.Net")])
