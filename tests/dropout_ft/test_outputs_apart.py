"""No command destroys what it reads."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from dropout_ft.app import APP
from dropout_ft.commands.report import MADE_BY, check_folder
from dropout_ft.data.shards import write_shards
from dropout_ft.domainbed.write import export_runs
from exports_support import finished_run
from holdfast.errors import ConfigError
from holdfast.exporting import FORMATS
from holdfast.outputs import keep_apart


def test_an_output_is_kept_apart_from_inputs_by_any_name(tmp_path: Path) -> None:
    folder, file = tmp_path / "in", tmp_path / "in/a.txt"
    folder.mkdir()
    file.write_text("a")
    (tmp_path / "soft").symlink_to(folder)
    (tmp_path / "hard.txt").hardlink_to(file)
    for output, given in [
        (file, file), (tmp_path / "hard.txt", file), (folder / "new/x", folder),
        (tmp_path / "soft/new", folder), (folder, tmp_path / "soft"), (folder / "../in", folder),
    ]:  # fmt: skip
        with pytest.raises(ConfigError, match="input"):
            keep_apart([output], [given])
    keep_apart([tmp_path / "out", folder / "b.txt"], [file, tmp_path / "absent"])


def test_an_export_does_not_replace_the_runs_own_results(tmp_path: Path) -> None:
    """`domainbed-export RUNS --out RUNS` wrote DomainBed's records over each run's own."""
    run = finished_run(tmp_path / "runs")
    own = run.directory.results
    own.write_text("precious")
    for out in (tmp_path / "runs", run.directory.path, run.directory.path / "x"):
        with pytest.raises(ConfigError, match="input"):
            export_runs([run], out, "PACS")
        assert own.read_text() == "precious"
        assert len(list((tmp_path / "runs").iterdir())) == 1


def test_runs_of_one_name_do_not_overwrite_each_other_in_an_export(tmp_path: Path) -> None:
    """Of two runs from different roots only the second was left."""
    runs = [finished_run(tmp_path / root) for root in ("one", "two")]
    with pytest.raises(ConfigError, match="would both be written"):
        export_runs(runs, tmp_path / "out", "PACS")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["results.jsonl", "model.pkl"])
def test_an_export_replaces_exports_only(tmp_path: Path, name: str) -> None:
    """A run or a DomainBed sweep's folder of that name lost its results."""
    run = finished_run(tmp_path / "runs")
    other = tmp_path / "out" / f"{run.directory.path.name}-average"
    other.mkdir(parents=True)
    (other / name).write_text(json.dumps({"step": 1}))
    with pytest.raises(ConfigError, match="not written by domainbed-export"):
        export_runs([run], tmp_path / "out", "PACS")
    assert json.loads((other / name).read_text()) == {"step": 1}
    (other / name).unlink()
    assert export_runs([run], tmp_path / "out", "PACS")
    assert export_runs([run], tmp_path / "out", "PACS"), "an export may be written anew"


def test_tables_are_not_written_over_records(tmp_path: Path) -> None:
    export_runs([finished_run(tmp_path / "runs")], tmp_path / "out", "PACS")
    file = next((tmp_path / "out").glob("*/results.jsonl"))
    before = file.read_bytes()
    words = ["domainbed-tables", str(tmp_path / "out"), "--rules", "iid"]
    assert APP.main([*words, "--out", str(file)]) == 1
    assert file.read_bytes() == before


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "pictures/a.png"
    path.parent.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    return path


def test_predictions_do_not_replace_a_picture_or_the_model(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`predict a.png --out a.png` left a CSV where the picture had been."""
    checkpoint = tmp_path / "last.ckpt"
    checkpoint.write_text("weights")
    for given in (picture, picture.parent):
        for out in (picture, checkpoint):
            before = out.read_bytes()
            words = ["predict", str(given), "--ckpt", str(checkpoint), "--out", str(out)]
            assert APP.main(words) == 1
            assert "is an input" in capsys.readouterr().err
            assert out.read_bytes() == before


def test_a_report_is_written_anew_and_replaces_nothing_else(tmp_path: Path) -> None:
    """Were: a folder's own results.csv was replaced without a word."""
    check_folder(tmp_path / "new", overwrite=False)
    (tmp_path / "results.csv").write_text("mine")
    with pytest.raises(ConfigError, match=r"results\.csv exists"):
        check_folder(tmp_path, overwrite=False)
    check_folder(tmp_path, overwrite=True)
    (tmp_path / "report.html").write_text("<p>somebody else's</p>")
    with pytest.raises(ConfigError, match=r"report\.html exists"):
        check_folder(tmp_path, overwrite=False)
    template = files("dropout_ft.report") / "templates/report.html.j2"
    assert MADE_BY in template.read_text(), "a report is known by this line"
    (tmp_path / "report.html").write_text(f"<p>Made {MADE_BY}</p>")
    check_folder(tmp_path, overwrite=False)


@pytest.mark.parametrize(("kind", "ending"), FORMATS.items())
def test_an_export_replaces_no_file_of_any_format(
    kind: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Were: a compiled model, model.aoti.pt2, was replaced unasked; model.aoti was looked for."""
    checkpoint = tmp_path / "last.ckpt"
    checkpoint.write_text("weights")
    there = tmp_path / "out" / f"model{ending}"
    there.parent.mkdir()
    there.write_text("mine")
    words = ["export", "--ckpt", str(checkpoint), "--out", str(there.parent)]
    assert APP.main([*words, "--formats", f"[{kind}]"]) == 1
    assert f"{there} exists" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--batch_size=0", "--batch_size=-5", "--image_size=0"])
def test_predict_refuses_batches_of_nothing(
    picture: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 was a traceback; -5 gave an empty CSV and exit status 0."""
    out = tmp_path / "x.csv"
    words = ["predict", str(picture), "--ckpt", str(picture), "--out", str(out), option]
    assert APP.main(words) == 1
    assert f"{option.partition('=')[0]} is" in capsys.readouterr().err
    assert not out.exists()


def test_a_model_is_not_exported_into_itself(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(picture.parent)
    assert APP.main(["export", "--ckpt", folder, "--out", folder]) == 1
    assert "is an input" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sweep", "compare"])
@pytest.mark.parametrize("named", ["text", "root", "data", "set"])
def test_runs_are_not_written_into_what_they_read(
    command: str, named: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`jobs` became a domain of the images, or the plan was lost."""
    before = sorted(path.name for path in pictures.rglob("*"))
    fit, plan, data = (tmp_path / f"{name}.yaml" for name in ("fit", "plan", "data"))
    root = {"class_path": "dropout_ft.data.Source", "init_args": {"root": str(pictures)}}
    sections = {"text": {"source": str(pictures)}, "root": {"source": root}}
    fit.write_text(yaml.safe_dump({"data": sections.get(named, {})}))
    data.write_text(yaml.safe_dump(sections["text"]))
    settings = {"data.source": str(pictures)} if named == "set" else {}
    found = {"fit": [str(fit)], "domains": ["a"], "set": settings}
    plan.write_text(yaml.safe_dump(found | ({"data": str(data)} if named == "data" else {})))
    words = ["compare", "--fit", str(fit), "--domains", "a", "--set=data.x=1"]
    words += [f"--set={key}={value}" for key, value in settings.items()]
    if named == "data" and command == "compare":
        words += [f"--set=data.source={pictures}"]
    words = ["sweep", str(plan)] if command == "sweep" else words
    for out in (pictures, pictures / "new", fit):
        assert APP.main([*words, "--out", str(out)]) == 1
        assert "an input" in capsys.readouterr().err
    assert sorted(path.name for path in pictures.rglob("*")) == before
    assert not list(tmp_path.glob("*/jobs"))


def test_a_run_is_not_written_into_its_images(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(pictures)]
    assert APP.main([*words, "--run.root", str(pictures / "runs")]) == 1
    assert "lies in" in capsys.readouterr().err
    assert not (pictures / "runs").exists()


def test_shards_and_advice_are_not_written_into_the_pictures(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would be a domain of the folder the next time."""
    with pytest.raises(ConfigError, match="lies in"):
        write_shards(pictures, pictures / "shards")
    assert APP.main(["advise", str(pictures), "--out", str(pictures / "advice")]) == 1
    assert "lies in" in capsys.readouterr().err
    assert sorted(path.name for path in pictures.iterdir()) == ["a", "b", "c"]
