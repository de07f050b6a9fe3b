"""Conformal sets: the quantile by hand, the promise where it holds, and where it breaks."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dropout_ft import load
from dropout_ft.commands.predict import check_conformal
from dropout_ft.data.table import EvaluationTable
from dropout_ft.results.calibration import limit_of
from dropout_ft.results.conformal import (
    RULES,
    Rule,
    class_scores,
    fit,
    measure_sets,
    members,
    threshold,
)
from dropout_ft.results.scores import softmax
from holdfast.errors import ConfigError
from tests_support import only_run

Run = Callable[[list[str]], int]


def slow_scores(row: np.ndarray, rule: Rule) -> list[float]:
    if rule == "LAC":
        return [1 - float(p) for p in row]
    order = sorted(range(len(row)), key=lambda c: -row[c])
    return [sum(float(row[o]) for o in order[: order.index(c) + 1]) for c in range(len(row))]


@pytest.mark.parametrize("rule", RULES)
def test_scores_and_sets_against_a_slow_reference(rule: Rule) -> None:
    probabilities = softmax(np.random.default_rng(0).normal(size=(50, 6)) * 2)
    wanted = np.array([slow_scores(row, rule) for row in probabilities])
    assert np.allclose(class_scores(probabilities, rule), wanted)
    chosen = members(probabilities, 0.7, rule)
    for row, own in zip(probabilities, chosen, strict=True):
        slow = {c for c, s in enumerate(slow_scores(row, rule)) if s <= 0.7}
        assert set(np.flatnonzero(own)) == slow | {int(row.argmax())}


def test_the_quantile_counts_the_new_picture() -> None:
    """ceil((n + 1) level): of 9 scores the 9th at 0.9; at 0.95 there are too few."""
    scores = np.arange(9, 0, -1, dtype=float)
    assert threshold(scores, 0.9) == 9
    assert threshold(scores, 0.5) == 5
    assert threshold(scores, 0.51) == 6
    assert threshold(scores, 0.95) == float("inf")
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(ConfigError):
            threshold(scores, level)


def drawn(count: int, classes: int, generator: np.random.Generator, shift: float) -> tuple[
    np.ndarray, np.ndarray
]:  # fmt: skip
    label = generator.integers(classes, size=count)
    logits = generator.normal(size=(count, classes))
    logits[np.arange(count), label] += shift
    return logits, label


@pytest.mark.parametrize("rule", RULES)
def test_coverage_is_kept_where_pictures_are_exchangeable(rule: Rule) -> None:
    """Mean over 200 draws of 60 calibration pictures: at least 0.9, within three errors."""
    generator = np.random.default_rng(1)
    found = []
    for _ in range(200):
        logits, label = drawn(60, 5, generator, 1.5)
        limit = fit(logits, label, 0.9, rule)
        new, truth = drawn(200, 5, generator, 1.5)
        found.append(members(softmax(new), limit, rule)[np.arange(200), truth].mean())
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) > 0.9 - 3 * error
    assert np.mean(found) < 0.97


@pytest.mark.parametrize("rule", RULES)
def test_it_breaks_on_another_domain_and_the_measure_says_so(rule: Rule) -> None:
    generator = np.random.default_rng(2)
    inside, in_label = drawn(2000, 5, generator, 1.8)
    outside, out_label = drawn(2000, 5, generator, 0.3)
    table = EvaluationTable(
        domain=np.repeat([0, 1], 2000),
        held_out=np.repeat([True, False], 2000),
        label=np.concatenate([in_label, out_label]),
        paths=(),
        domain_names=("near", "far"),
        test_domains=(1,),
        class_names=tuple("abcde"),
    )
    iid, ood = measure_sets(np.concatenate([inside, outside]), table, 0.9, rule)
    assert 0.88 < iid.coverage < 0.94
    assert ood.coverage < 0.8
    assert 1 <= iid.size <= 5


def test_report_and_predict(
    tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path, pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert dropout_ft(tiny_arguments("fit", "--data.test_domains", "[a]")) == 0
    run = only_run(tmp_path / "runs")
    assert dropout_ft(["report", str(run), "--out", str(tmp_path / "report")]) == 0
    with (tmp_path / "report/conformal.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["rule"], float(row["level"])) for row in rows} == {
        (rule, level) for rule in RULES for level in (80.0, 90.0, 95.0)
    }
    assert "nothing is promised" in (tmp_path / "report/report.html").read_text()
    ckpt, out = run / "checkpoints/best.ckpt", tmp_path / "answers.csv"
    words = ["predict", str(pictures / "a"), "--ckpt", str(ckpt), "--out", str(out),
             "--all_classes", "--conformal", "0.8", "--abstain", "0.5"]  # fmt: skip
    assert dropout_ft(words) == 0
    assert dropout_ft(words) == 1, "were: an existing CSV was replaced"
    assert "--overwrite" in capsys.readouterr().err
    words.append("--overwrite")
    limit = limit_of(ckpt, 0.8, "APS", "default")
    with out.open() as file:
        answers = list(csv.DictReader(file))
    names = np.array(["blue", "green", "red"])
    own = load(ckpt).classify([row["path"] for row in answers])
    probabilities = np.array([[row[name] for name in names] for row in own])
    for row, chosen in zip(answers, members(probabilities, limit, "APS"), strict=True):
        assert row["set"].split(";")[0] == row["class"]
        assert set(row["set"].split(";")) == set(names[chosen])
    capsys.readouterr()
    assert dropout_ft([*words, "--conformal", "0.999"]) == 0
    assert "too few for --conformal 0.999" in capsys.readouterr().err
    for option, value in (("--image_size", "48"), ("--exif_rotation", "true")):
        assert dropout_ft([*words, option, value]) == 1
        assert f"promises nothing with {option} {value}" in capsys.readouterr().err
    stray = tmp_path / "stray.ckpt"
    stray.write_bytes(ckpt.read_bytes())
    words[words.index(str(ckpt))] = str(stray)
    assert dropout_ft(words) == 1
    assert "does not lie in one" in capsys.readouterr().err


def test_an_exported_folder_answers_with_the_same_sets(
    tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path, pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Were: --conformal refused every exported folder."""
    assert dropout_ft(tiny_arguments("fit")) == 0
    ckpt = next((tmp_path / "runs").glob("*/checkpoints/best.ckpt"))
    folder = tmp_path / "model"
    assert dropout_ft(["export", "--ckpt", str(ckpt), "--out", str(folder)]) == 0
    found = []
    for model in (ckpt, folder):
        out = tmp_path / f"{model.name}.csv"
        for rule in ("APS", "LAC"):
            words = ["predict", str(pictures / "a"), "--ckpt", str(model), "--out", str(out),
                     "--conformal", "0.8", "--conformal_rule", rule, "--abstain", "0.5",
                     "--overwrite"]  # fmt: skip
            assert dropout_ft(words) == 0
            with out.open() as file:
                rows = [(row["class"], row["unknown"], row["set"]) for row in csv.DictReader(file)]
            found.append((model, rule, rows))
    assert found[0][2] == found[2][2]
    assert found[1][2] == found[3][2]
    capsys.readouterr()
    kept = (folder / "calibration.json").read_text()
    for text, reason in (
        (kept.replace('"APS": [', '"APS": [NaN, '), "is damaged"), ("[]", "is damaged"),
        (kept[:-20], "is damaged"),
        (re.sub('"config.json": "..', '"config.json": "zz', kept), "belongs to another"),
    ):  # fmt: skip
        (folder / "calibration.json").write_text(text)
        assert dropout_ft(words) == 1
        assert reason in capsys.readouterr().err
    (folder / "calibration.json").unlink()
    assert dropout_ft(words) == 1
    assert "export it again" in capsys.readouterr().err


def test_a_stray_checkpoint_exports_without_a_calibration(
    tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An earlier export's calibration does not stay beside other weights."""
    assert dropout_ft(tiny_arguments("fit")) == 0
    ckpt = next((tmp_path / "runs").glob("*/checkpoints/best.ckpt"))
    words = ["export", "--ckpt", str(ckpt), "--out", str(tmp_path / "model")]
    assert dropout_ft(words) == 0
    assert (tmp_path / "model/calibration.json").is_file()
    assert dropout_ft(words) == 1, "an export replaces nothing by itself"
    assert "--overwrite" in capsys.readouterr().err
    stray = tmp_path / "stray.ckpt"
    stray.write_bytes(ckpt.read_bytes())
    words[2] = str(stray)
    assert dropout_ft([*words, "--overwrite"]) == 0
    assert "will not answer --conformal" in capsys.readouterr().err
    assert not (tmp_path / "model/calibration.json").exists()


def test_a_class_name_that_cannot_be_told_from_two_is_refused() -> None:
    loaded: Any = SimpleNamespace(class_names=("a", "b;c"), image_size=32, exif_rotation=False)
    with pytest.raises(ConfigError, match="the class 'b;c'"):
        check_conformal(loaded, None, exif_rotation=None)
    loaded.class_names = ("a", "b")
    check_conformal(loaded, 32, exif_rotation=False)
