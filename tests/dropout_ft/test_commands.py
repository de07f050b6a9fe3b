"""predict, export, verify, combine, report and compare on tiny runs."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import yaml
from PIL import Image

from conftest import CONFIGS
from dropout_ft.app import APP
from dropout_ft.data.decoding import read_rgb
from dropout_ft.loading import load_classifier
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.report.results import collect
from dropout_ft.report.table import make_rows
from dropout_ft.results.run import Run, load_runs
from holdfast.runs.results import read_results
from tests_support import only_run

Arguments = Callable[..., list[str]]
AVERAGING = """
trainer:
  callbacks:
    - class_path: holdfast.training.callbacks.GuardedWeightAveraging
      init_args: {evaluate: both}
"""


@pytest.fixture
def checkpoint(tiny_arguments: Arguments, tmp_path: Path) -> Path:
    """The last checkpoint of a tiny finished run with averaging."""
    over = tmp_path / "averaging.yaml"
    over.write_text(AVERAGING)
    assert APP.main(tiny_arguments("fit", "--config", str(over))) == 0
    return only_run(tmp_path / "runs") / "checkpoints/last.ckpt"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_predict_writes_one_row_for_each_picture(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.csv"
    words = ["predict", str(pictures / "a"), "--ckpt", str(checkpoint), "--out", str(out)]
    assert APP.main([*words, "--all_classes", "true", "--batch_size", "7"]) == 0
    rows = rows_of(out)
    assert [row["path"] for row in rows] == sorted(str(p) for p in (pictures / "a").rglob("*.png"))
    loaded = load_classifier(checkpoint)
    model, classes = loaded.model, loaded.class_names
    picture = read_rgb(rows[3]["path"])
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = model(pixels).softmax(1)[0]
    for name, probability in zip(classes, expected.tolist(), strict=True):
        assert float(rows[3][name]) == pytest.approx(probability, abs=2e-5)
    assert rows[3]["class"] == classes[int(expected.argmax())]
    assert APP.main([*words, "--overwrite"]) == 0
    assert list(rows_of(out)[0]) == ["path", "class", "probability"]


def test_predict_marks_what_it_does_not_know(
    checkpoint: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.csv"
    words = ["predict", str(pictures / "a"), "--ckpt", str(checkpoint), "--out", str(out)]
    assert APP.main([*words, "--abstain", "0"]) == 0
    rows = rows_of(out)
    assert list(rows[0]) == ["path", "class", "probability", "unknown"]
    assert {row["unknown"] for row in rows} == {"0"}
    middle = sorted(float(row["probability"]) for row in rows)[len(rows) // 2]
    words.append("--overwrite")
    assert APP.main([*words, "--abstain", str(middle), "--all_classes", "true"]) == 0
    marked = rows_of(out)
    assert [row["class"] for row in marked] == [row["class"] for row in rows], "the guess stays"
    # The probability at the threshold was rounded, so that its own picture is either.
    for row in marked:
        if abs(float(row["probability"]) - middle) > 1e-5:
            assert row["unknown"] == str(int(float(row["probability"]) < middle))
    assert {row["unknown"] for row in marked} == {"0", "1"}
    count = sum(row["unknown"] == "1" for row in marked)
    assert f"{count} of them unknown" in capsys.readouterr().out
    assert APP.main([*words, "--abstain", "1.5"]) == 1
    assert "--abstain is 1.5" in capsys.readouterr().err


def test_predict_offers_both_sets_of_weights(checkpoint: Path) -> None:
    average = load_classifier(checkpoint, weights="average").model
    current = load_classifier(checkpoint, weights="current").model
    default = load_classifier(checkpoint).model
    assert not torch.equal(average.head.linear.weight, current.head.linear.weight)
    assert torch.equal(default.head.linear.weight, current.head.linear.weight)


def test_predict_complains_about_empty_folders(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert APP.main(["predict", str(tmp_path / "empty"), "--ckpt", str(checkpoint)]) == 1
    assert "holds no pictures" in capsys.readouterr().err
    assert APP.main(["predict", str(tmp_path / "absent"), "--ckpt", str(checkpoint)]) == 1
    assert "There is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "backbone", ["tiny_resnet", "tiny_efficientnet", "tiny_vit", "tiny_convnext"]
)
def test_export_is_a_timm_model_with_the_same_outputs(
    tiny_arguments: Arguments, tmp_path: Path, backbone: str
) -> None:
    size = "160" if backbone == "tiny_vit" else "64"
    words = tiny_arguments(
        "fit", "--model.backbone", str(CONFIGS / f"model/{backbone}.yaml"),
        "--model.normalization", "standardize", "--model.feature_scale", "0.3",
        "--data.image_size", size,
    )  # fmt: skip
    assert APP.main(words) == 0
    checkpoint = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    folder = tmp_path / "exported"
    assert APP.main(["export", "--ckpt", str(checkpoint), "--out", str(folder)]) == 0
    ours = load_classifier(checkpoint)
    theirs = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    config = timm.data.resolve_model_data_config(theirs)
    assert tuple(config["input_size"]) == (3, int(size), int(size))
    assert theirs.pretrained_cfg["label_names"] == list(ours.class_names)
    image = Image.fromarray(
        np.random.default_rng(0).integers(0, 255, (int(size), int(size), 3), dtype=np.uint8)
    )
    transform = timm.data.create_transform(**config, is_training=False)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    with torch.no_grad():
        found, expected = theirs(transform(image)[None]), ours.model(pixels)
        weight, _ = ours.model.head.folded()
        terms = ours.model.features(pixels).abs() @ weight.abs().T
    # float32 rounds relative to the terms of the sum that a logit is. A ViT must be created at
    # the size it was trained at: timm would resample its positions, off by a thousand times this.
    torch.testing.assert_close(found, expected, atol=1e-6 * float(terms.max()), rtol=0)
    assert float(terms.max()) < 1e4 * float(expected.abs().max()), "the check must mean something"
    assert torch.equal(found.argmax(1), expected.argmax(1))


def test_verify_finds_what_is_wrong(own_pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["verify", str(own_pictures)]) == 0
    said = capsys.readouterr().out
    assert "no problems found" in said
    there = {one.name: len(list(one.iterdir())) for one in sorted((own_pictures / "a").iterdir())}
    counts = ", ".join(f"{name} {count}" for name, count in there.items())
    assert f"a: {sum(there.values())} pictures\n  {counts}\n" in said
    bad = own_pictures / "b/red/00.png"
    bad.write_bytes(b"no picture")
    for path in (own_pictures / "c/green").iterdir():
        path.unlink()
    assert APP.main(["verify", str(own_pictures)]) == 1
    captured = capsys.readouterr()
    assert str(bad) in captured.out
    assert "domain 'c' has no pictures of class 'green'" in captured.out
    assert "2 problem(s)" in captured.err


@pytest.fixture(scope="session")
def comparison(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished comparison: two rates, two seeds, two domains."""
    folder = tmp_path_factory.mktemp("comparison")
    over = folder / "over.yaml"
    over.write_text(AVERAGING)
    words = [
        "compare", "--fit", f"[{CONFIGS / 'dropout_ft/tiny.yaml'},{over}]", "--domains", "[a,b]",
        "--dropout_rates", "[0,0.9]", "--seeds", "[0,1]", "--out", str(folder / "out"),
        "--set", f"[data.source={pictures}]", "--note", "random noise",
    ]  # fmt: skip
    assert APP.main(words) == 0
    assert APP.main(words) == 0, "a second time everything is finished"
    return folder / "out"


def runs_in(comparison: Path) -> list[Run]:
    return load_runs([comparison])


def test_compare_trains_every_combination_once(comparison: Path) -> None:
    found = [run.coordinates for run in runs_in(comparison)]
    assert len(found) == 8
    combinations = {(where.dropout_rate, where.seed, where.test_name) for where in found}
    assert combinations == {(r, s, d) for r in (0.0, 0.9) for s in (0, 1) for d in "ab"}


def test_table_averages_what_the_runs_recorded(comparison: Path) -> None:
    collection = collect(runs_in(comparison))
    rows = {row.name: row for row in make_rows(collection.results)}
    assert rows["ERM"].count == 4
    expected = []
    for run in collection.runs:
        if run.coordinates.dropout_rate == 0.9:
            recorded = read_results(run.directory.results)
            best = max(recorded, key=lambda row: row["current"]["iid"])
            expected.append(100 * best["current"]["ood"])
    assert rows["dropout 0.9"].ood == pytest.approx(np.mean(expected))
    error = np.std(expected, ddof=1) / np.sqrt(4)
    assert rows["dropout 0.9"].ood_error == pytest.approx(error)
    assert rows["ERM"].gain == 0
    assert {"ERM, trajectory ensemble", "dropout 0.9, trajectory average"} <= rows.keys()
    assert rows["ERM, ensemble over runs"].count == 2
    assert rows["ERM, ensemble over runs"].networks == 2
    assert rows["ERM, trajectory ensemble"].networks >= 1


def test_report_is_self_contained(comparison: Path) -> None:
    page = (comparison / "report.html").read_text()
    assert "random noise" in page
    assert page.count("data:image/png;base64,") >= 5
    assert "<script src" not in page
    assert 'href="' not in page
    table = rows_of(comparison / "results.csv")
    assert any(row["method"] == "average over runs" for row in table)


def test_average_over_runs_equals_an_average_by_hand(comparison: Path) -> None:
    run = next(r for r in runs_in(comparison) if r.coordinates.dropout_rate == 0.9)
    again = Reevaluation(run).scores(final_weights(run))
    last = run.along("current")[-1]
    assert again == pytest.approx({key: last[key] for key in again})


def test_combine_and_report_commands(
    comparison: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [run for run in runs_in(comparison) if run.coordinates.test_name == "a"]
    chosen = "[" + ",".join(str(run.directory.path) for run in runs) + "]"
    assert APP.main(["combine", chosen, "--out", str(tmp_path / "soup.safetensors")]) == 0
    output = capsys.readouterr().out
    assert "ensemble of 4 runs: i.i.d." in output
    assert "average of 4 runs: i.i.d." in output
    assert (tmp_path / "soup.safetensors").is_file()
    assert APP.main(["combine", chosen, "--out", str(tmp_path / "soup.safetensors")]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert APP.main(["report", f"[{comparison}]", "--out", str(tmp_path / "r")]) == 0
    assert (tmp_path / "r/report.html").is_file()
    assert APP.main(["combine", str(comparison)]) == 1
    assert "different images" in capsys.readouterr().err


def test_unfinished_runs_are_not_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(["report", f"[{tmp_path}]"]) == 1
    assert "There are no runs in" in capsys.readouterr().err
    (tmp_path / "x").mkdir()
    (tmp_path / "x/run.json").write_text('{"status": "interrupted"}')
    assert APP.main(["report", f"[{tmp_path}]"]) == 1
    assert "its status: interrupted" in capsys.readouterr().err


def test_config_in_the_checkpoint_is_the_whole_config(checkpoint: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)["holdfast_config"]
    config = yaml.safe_load(stored)
    assert config["model"]["backbone"]["init_args"]["name"] == "test_resnet"


def test_estimate_answers_in_one_sentence_with_its_errors(
    comparison: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "estimate"
    words = ["estimate", str(pictures / "c"), "--sweep", str(comparison), "--out", str(out)]
    assert APP.main(words) == 0
    assert "right at the new site" in capsys.readouterr().out
    estimates = rows_of(out / "estimates.csv")
    assert {row["name"] for row in estimates} == {"ERM", "dropout 0.9"}
    assert {row["estimator"] for row in estimates} == {
        "ATC", "difference of confidences", "agreement on the line",
    }  # fmt: skip
    checks = rows_of(out / "checks.csv")
    assert {row["test_name"] for row in checks} == {"a", "b"}
    table = {row["name"]: row for row in rows_of(comparison / "results.csv")}
    truths = {(c["name"], c["test_name"]): float(c["truth"]) for c in checks}
    for name in ("ERM", "dropout 0.9"):
        mean = np.mean([truths[name, domain] for domain in "ab"])
        assert mean == pytest.approx(float(table[name]["ood"])), "the selected network is asked"
    first = rows_of(out / "label_first.csv")
    assert len(first) == 30
    assert {row["path"] for row in first} == {str(p) for p in (pictures / "c").rglob("*.png")}
    assert "Will it hold at c?" in (out / "estimate.html").read_text()
    assert APP.main(words) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert APP.main([*words, "--dropout_rates", "[0.5]"]) == 1
    assert "no finished run of the rates 0.5" in capsys.readouterr().err
