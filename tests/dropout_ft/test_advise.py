"""`dropout-ft advise`: the choice on curves written by hand, and the whole command on noise."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import make_pictures
from dropout_ft.advice.card import Final, advice_text, cells, model_card
from dropout_ft.advice.choosing import Candidate, Trajectory, rank
from dropout_ft.advice.recipe import (
    LITE0,
    backbone_settings,
    base_settings,
    milestones,
    resolve,
    sweep_of,
    write_trials,
)
from dropout_ft.app import APP
from dropout_ft.data.table import EvaluationTable
from dropout_ft.results.run import load_run
from dropout_ft.results.scores import score
from dropout_ft.sweep.expand import jobs_of
from dropout_ft.sweep.running import SweepFailedError
from holdfast.errors import ConfigError, DataError
from holdfast.runs.record import read_record
from tables_support import make_logits, make_table

TINY = str(Path(__file__).parents[2] / "configs/model/tiny_resnet.yaml")


def trajectory(
    backbone: str, dropout_rate: float, domain: str, ood: list[float], seconds: float = 10.0
) -> Trajectory:
    curve = tuple((100 * (i + 1), value) for i, value in enumerate(ood))
    return Trajectory(
        backbone=backbone, dropout_rate=dropout_rate, split=(domain, 0), curve=curve,
        iid=tuple(0.9 for _ in ood), seconds=seconds,
    )  # fmt: skip


def test_the_best_mean_over_domains_decides_and_steps_are_common() -> None:
    found = rank(
        [
            trajectory("a", 0.0, "x", [0.5, 0.9, 0.1]),
            trajectory("a", 0.0, "y", [0.5, 0.1, 0.6]),
            trajectory("a", 0.9, "x", [0.6, 0.6, 0.7]),
            trajectory("a", 0.9, "y", [0.4, 0.6, 0.4]),
        ]
    )
    # Each domain's own best step would give 0.75 for rate 0; no step of both is above 0.5.
    assert [(c.dropout_rate, c.steps) for c in found] == [(0.9, 200), (0.0, 100)]
    assert [c.ood for c in found] == pytest.approx([0.6, 0.5])
    assert found[0].behind == 0
    assert found[1].behind == pytest.approx(0.1)
    assert found[1].behind_error == pytest.approx(0.0, abs=1e-9)
    assert not found[1].alike


def test_differences_are_paired_by_domain() -> None:
    # Domains differ by 0.4, methods by 0.02 on each: the pairing sees it, the error bars do not.
    values = {"x": 0.8, "y": 0.4}
    curves = [trajectory("a", 0.0, d, [v]) for d, v in values.items()]
    curves += [trajectory("b", 0.0, d, [v - 0.02]) for d, v in values.items()]
    best, second = rank(curves)
    assert (best.backbone, second.backbone) == ("a", "b")
    assert second.ood_error > 0.1
    assert not second.alike


def test_what_the_sweep_cannot_tell_apart_is_said() -> None:
    curves = [trajectory("a", 0.9, d, [v]) for d, v in {"x": 0.8, "y": 0.4}.items()]
    curves += [trajectory("a", 0.0, d, [v]) for d, v in {"x": 0.7, "y": 0.49}.items()]
    ranked = rank(curves)
    assert ranked[1].alike
    text = advice_text(ranked)
    assert "Recommended: a, dropout 0.9, 100 steps." in text
    assert "a with rate 0" in text
    assert "Within" not in advice_text(ranked[:1])
    erm = rank([trajectory("a", 0.0, "x", [0.5])])
    assert "plain fine-tuning (ERM)" in advice_text(erm)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=5
    )
)  # fmt: skip
def test_no_candidate_and_no_step_is_better_than_the_first(curves: list[list[float]]) -> None:
    found = rank([trajectory(f"b{i}", 0.0, "x", curve) for i, curve in enumerate(curves)])
    assert found[0].ood == max(max(curve) for curve in curves)
    assert [c.ood for c in found] == sorted((max(c) for c in curves), reverse=True)
    assert all(c.behind == pytest.approx(found[0].ood - c.ood) for c in found)


def test_equal_candidates_are_ordered_by_their_cost() -> None:
    found = rank(
        [trajectory("slow", 0.0, "x", [0.5], 20.0), trajectory("fast", 0.0, "x", [0.5], 10.0)]
    )
    assert [c.backbone for c in found] == ["fast", "slow"]


def test_rows_and_card_say_what_was_measured() -> None:
    (candidate,) = rank([trajectory("a", 0.5, "x", [0.25, 0.75])])
    assert cells(candidate) == ["a", "0.5", "200", "75.0", "90.0", "best", "10"]
    final = Final(
        run="runs/x", iid=0.875, classes=["cat", "dog"], domains=["north", "south"], images=40,
        size=128, files=["model.onnx"],
    )  # fmt: skip
    text = model_card([candidate], final, "dropout-ft advise pictures")
    for expected in (
        "87.5 %", "cat, dog", "north, south", "40 pictures", "128 x 128", "`model.onnx`",
        "`dropout-ft advise pictures`", "| a | 0.5 | 200 |", "optimistic",
    ):  # fmt: skip
        assert expected in text
    assert "{" not in text


def test_behind_is_shown_with_its_error() -> None:
    other = Candidate(
        backbone="b", dropout_rate=0.0, steps=5, ood=0.5, ood_error=math.nan, iid=0.6, behind=0.031,
        behind_error=0.012, seconds=1.4,
    )  # fmt: skip
    assert cells(other)[3:6] == ["50.0", "60.0", "3.1 ± 1.2"]


def test_quick_backbones_freeze_all_but_two_stages_and_cache_them() -> None:
    lite0 = backbone_settings(LITE0, "quick")
    assert lite0["model"]["frozen_stages"] == 7
    assert lite0["data"]["cached_views"] == 2
    resnet = backbone_settings("resnet18.a1_in1k", "quick")
    assert resnet["model"]["frozen_stages"] == 3
    vit = backbone_settings("test_vit", "quick")
    assert vit["model"]["frozen_stages"] == 0
    assert "data" not in vit
    full = backbone_settings("resnet18.a1_in1k", "full")
    assert "frozen_stages" not in full["model"]


def test_backbone_files_are_read_and_bad_ones_refused(tmp_path: Path) -> None:
    found = backbone_settings(TINY, "full")["model"]["backbone"]
    assert found["init_args"]["name"] == "test_resnet"
    with pytest.raises(ConfigError, match="cannot be read"):
        backbone_settings(str(tmp_path / "none.yaml"), "quick")
    (tmp_path / "bad.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="describes no backbone"):
        backbone_settings(str(tmp_path / "bad.yaml"), "quick")
    twin = tmp_path / "tiny_resnet.yaml"
    twin.write_text(Path(TINY).read_text())
    with pytest.raises(ConfigError, match="same name"):
        write_trials(tmp_path, base_settings("quick", tmp_path, 6), [TINY, str(twin)], "quick")


def test_auto_is_full_only_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("quick") == "quick"
    for there, expected in ((True, "full"), (False, "quick")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert resolve("auto") == expected


@pytest.mark.parametrize(
    ("planned", "steps", "expected"),
    [(600, 600, [360]), (600, 361, [360]), (600, 360, []), (600, 100, []), (1, 1, [])],
)
def test_no_milestone_lies_beyond_the_end_of_a_run(
    planned: int, steps: int, expected: list[int]
) -> None:
    assert milestones(planned, steps) == expected


def test_the_sweep_leaves_every_domain_out_for_every_setting(tmp_path: Path) -> None:
    base = base_settings("full", tmp_path, 100)
    assert base["trainer"]["val_check_interval"] == 100 // 6
    first, trials = write_trials(tmp_path, base, ["resnet18.a1_in1k", TINY], "full")
    jobs = jobs_of(sweep_of(first, trials, ["x", "y", "z"], [0.0, 0.9], [0, 1]))
    assert len(jobs) == 2 * 3 * 2 * 2
    assert yaml.safe_load(first.read_text())["data"]["source"] == str(tmp_path)
    assert {job.locations["files"][1] for job in jobs} == {str(trial.file) for trial in trials}


def test_without_a_domain_left_out_there_is_no_ood_score() -> None:
    table = make_table()
    whole = EvaluationTable(**{**vars(table), "test_domains": ()})
    found = score(make_logits(whole, 0), whole)
    assert not [key for key in found if key.startswith("ood")]
    parts = [found[f"env{i}_out_acc"] for i in range(len(whole.domain_names))]
    assert found["iid"] == pytest.approx(np.mean(parts))


@pytest.fixture(scope="module")
def two_domains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few jobs: each is a process that imports PyTorch."""
    return make_pictures(tmp_path_factory.mktemp("two"), domains=("a", "b"))


@pytest.fixture(scope="module")
def advised(two_domains: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The command's folder and words.

    Its final run used to note that "the learning rate never decays", with the option to mend it,
    though the command itself had set both the milestone and the number of steps.
    """
    out = tmp_path_factory.mktemp("advised")
    words = [
        "advise", str(two_domains), "--out", str(out), "--backbones", TINY,
        "--dropout_rates", "0", "0.9", "--steps", "6", "--recipe", "quick",
        "--set", "data.image_size=32", "data.global_batch_size=4",
        "model.optimizer.init_args.lr=1e-4",
        "model.head_start.init_args.steps=5", "model.head_start.init_args.batches=3",
    ]  # fmt: skip
    assert APP.main(words) == 0
    return out, words


def test_the_command_trains_exports_and_describes_a_model(
    advised: tuple[Path, list[str]],
) -> None:
    out, _ = advised
    runs = sorted((out / "sweep/jobs").glob("*/*/run.json"))
    assert len(runs) == 2 * 2, "two domains, two rates"
    (final,) = (out / "final").glob("*/run.json")
    config = read_record(final)["config"]
    assert config["data"]["test_domains"] == []
    curves: dict[float, list[list[float]]] = {}
    for path in runs:
        run = load_run(path.parent)
        curves.setdefault(run.coordinates.dropout_rate, []).append(
            [r["current"]["ood"] for r in run.rows]
        )
    means = {dropout_rate: np.mean(found, axis=0) for dropout_rate, found in curves.items()}
    best = max(means, key=lambda dropout_rate: means[dropout_rate].max())
    assert config["model"]["dropout_rate"] == best
    last = int(means[best].argmax()) + 1
    assert config["trainer"]["max_steps"] == last
    schedule = config["model"]["lr_scheduler"]["init_args"]
    assert schedule["milestones"] == ([4] if last > 4 else [])
    model = out / "model"
    assert {p.name for p in model.iterdir()} == {
        "README.md", "calibration.json", "config.json", "model.onnx", "model.safetensors",
    }  # fmt: skip
    loaded = timm.create_model(f"local-dir:{model}", pretrained=True)
    assert loaded.num_classes == len(json.loads((model / "config.json").read_text())["label_names"])
    assert f"{100 * means[best].max():.1f}" in (model / "README.md").read_text()


def test_a_second_time_nothing_is_trained_again(
    advised: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    out, words = advised
    times = {path: path.stat().st_mtime_ns for path in out.glob("**/last.ckpt")}
    assert APP.main(words) == 0
    assert "Recommended: tiny_resnet" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in out.glob("**/last.ckpt")} == times


def test_a_final_run_cannot_be_reported(advised: tuple[Path, list[str]]) -> None:
    (final,) = (advised[0] / "final").glob("*/run.json")
    with pytest.raises(DataError, match="left no domain out"):
        load_run(final.parent)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["advise", "nowhere"], "no data at nowhere"),
        (["advise", "{root}", "--set", "trainer.max_steps"], "has no '='"),
        (["advise", "{root}", "--backbones", "resnet9000"], "resnet9000"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], expected: str, pictures: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    given_words = [word.format(root=pictures) for word in words]
    assert APP.main([*given_words, "--out", str(tmp_path / "x"), "--recipe", "quick"]) == 1
    error = capsys.readouterr().err.strip()
    assert expected in error
    assert "Traceback" not in error


def test_a_failed_short_run_is_named(
    two_domains: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words: list[Any] = [
        "advise", str(two_domains), "--out", str(tmp_path), "--backbones", TINY,
        "--dropout_rates", "0", "--steps", "6", "--set", "data.image_size=none",
    ]  # fmt: skip
    assert APP.main(words) == 1
    assert "of 2 runs" in capsys.readouterr().err
    assert issubclass(SweepFailedError, Exception)
    assert not (tmp_path / "model").exists()
