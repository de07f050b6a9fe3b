"""vl-track stands on the shared base: runs, resume, averages, two processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from conftest import CONFIGS
from holdfast.runs.record import read_record
from scenes_support import painted_root
from tests_support import only_run
from vl_track.__main__ import main
from vl_track.app import APP
from vl_track.finding import Conventions
from vl_track.loading import load_network
from vl_track.training.module import Tracking

Words = Callable[..., list[str]]


@pytest.fixture
def words(tmp_path: Path) -> Words:
    """Arguments of a tiny run: ``words("fit", "runs", "--key", "value")``."""
    root = painted_root(tmp_path / "data")

    def build(command: str, runs: str = "runs", *extra: str) -> list[str]:
        return [
            command, "--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"),
            "--data.init_args.root", str(root), "--run.root", str(tmp_path / runs),
            "--trainer.max_steps", "6", "--trainer.val_check_interval", "3",
            "--trainer.log_every_n_steps", "2", *extra,
        ]  # fmt: skip

    return build


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert isinstance(state, dict)
    return state


def test_fit_then_validate_test_and_export(
    words: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(words("fit")) == 0
    run = only_run(tmp_path / "runs")
    record = read_record(run / "run.json")
    assert record["status"] == "finished"
    metrics = (run / "logs/csv/version_0/metrics.csv").read_text()
    for name in ("train/cross", "train/intra", "val/iou", "val/iou_box+text", "val/iou_text"):
        assert name in metrics.splitlines()[0]
    assert APP.main(words("validate")) == 0
    assert APP.main(words("test")) == 0
    ckpt = str(run / "checkpoints/last.ckpt")
    assert APP.main(["export", "--ckpt", ckpt, "--out", str(tmp_path / "model")]) == 0
    assert "use it with --weights" in capsys.readouterr().out
    mine, theirs = load_network(tmp_path / "model"), load_network(ckpt)
    for name, value in theirs.state_dict().items():
        assert torch.allclose(mine.state_dict()[name].float(), value.float(), atol=1e-3)
    assert not any(name.startswith("alignment") for name in mine.state_dict())


def test_a_run_that_was_stopped_ends_with_the_same_weights(words: Words, tmp_path: Path) -> None:
    assert APP.main(words("fit", "whole")) == 0
    # Two launches of one run: the schedule is the same, the first one is cut at step 3.
    stopping = tmp_path / "stop.yaml"
    stopping.write_text(yaml.safe_dump({"run": {"checkpoint_every": 1}}))
    cut = words("fit", "cut", "--config", str(stopping))
    code = (
        "import os, signal\n"
        "from pytorch_lightning import Callback\n"
        "from holdfast.cli.lightning_cli import HoldfastCLI\n"
        "from vl_track.app import APP\n"
        "class Kill(Callback):\n"
        "    def on_train_batch_end(self, trainer, *_):\n"
        "        if trainer.global_step == 4:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "ordinary = HoldfastCLI._callbacks\n"
        "HoldfastCLI._callbacks = lambda cli, seed: [*ordinary(cli, seed), Kill()]\n"
        f"APP.main({cut!r})\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert APP.main(cut) == 0
    launches = read_record(only_run(tmp_path / "cut") / "run.json")["launches"]
    assert len(launches) == 2
    whole, again = (weights(only_run(tmp_path / name)) for name in ("whole", "cut"))
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name


def test_averages_are_what_is_loaded(words: Words, tmp_path: Path) -> None:
    extra = tmp_path / "extra.yaml"
    averaging = {
        "class_path": "holdfast.training.callbacks.GuardedWeightAveraging",
        "init_args": {"start_step": 1, "ema_decay": 0.5},
    }
    extra.write_text(yaml.safe_dump({"trainer": {"callbacks": [averaging]}}))
    assert APP.main(words("fit", "runs", "--config", str(extra))) == 0
    ckpt = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    state = torch.load(ckpt, weights_only=True)
    loaded = load_network(ckpt).state_dict()
    name = "head.score.0.0.weight"
    # Lightning puts the average under state_dict and the last step's weights beside it.
    assert torch.equal(loaded[name], state["state_dict"][f"network.{name}"])
    assert not torch.equal(loaded[name], state["current_model_state"][f"network.{name}"])


def test_words_are_learnt_with_the_vision_frozen(words: Words, tmp_path: Path) -> None:
    """The first phase of phases.yaml: only text and its matching change; then a start."""
    phase = (
        "--model.freeze_visual", "true", "--model.alignment", "null", "--model.network.matching",
        "target_and_text", "--model.loss_weights.pointing", "1.0",
        "--data.init_args.pairs.mentions", "3",
    )  # fmt: skip
    assert APP.main(words("fit", "first", *phase)) == 0
    assert APP.main(words("fit", "longer", *phase, "--trainer.max_steps", "9")) == 0
    first, longer = (weights(only_run(tmp_path / name)) for name in ("first", "longer"))
    changed = {name for name in first if not torch.equal(first[name], longer[name])}
    assert changed
    assert all(name.startswith(("network.text.", "network.text_match.")) for name in changed)
    ckpt = str(only_run(tmp_path / "first") / "checkpoints/last.ckpt")
    second = (
        "--model.start_from", ckpt, "--model.network.matching", "target_and_text",
        "--model.optimizer.init_args.lr", "0.0",
    )  # fmt: skip
    optimizer = ("--model.optimizer", "torch.optim.SGD", *second)
    assert APP.main(words("fit", "second", *optimizer)) == 0
    started = weights(only_run(tmp_path / "second"))
    name = "network.text.embedding.weight"
    assert torch.equal(started[name], first[name])


def test_a_model_reads_its_boxes_as_the_model_that_it_started_from(
    words: Words, tmp_path: Path
) -> None:
    """A user's fine-tuning of the shipped model dropped its optical flow."""
    assert APP.main(words("fit", "first")) == 0
    ckpt = str(only_run(tmp_path / "first") / "checkpoints/last.ckpt")
    start, out = tmp_path / "start", tmp_path / "out"
    assert APP.main(["export", "--ckpt", ckpt, "--out", str(start)]) == 0
    description = json.loads((start / "config.json").read_text())
    assert load_network(start).conventions == Conventions()
    wanted = Conventions(flow=True, least_window=4.0)
    description["tracker"] = {"flow": True, "least_window": 4.0}
    (start / "config.json").write_text(json.dumps(description))
    assert APP.main(words("fit", "second", "--model.start_from", str(start))) == 0
    ckpt = str(only_run(tmp_path / "second") / "checkpoints/last.ckpt")
    assert load_network(ckpt).conventions == wanted
    assert APP.main(["export", "--ckpt", ckpt, "--out", str(out)]) == 0
    assert load_network(out).conventions == wanted


def test_a_start_from_another_architecture_is_one_sentence(
    words: Words, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(words("fit")) == 0
    ckpt = str(only_run(tmp_path / "runs") / "checkpoints/last.ckpt")
    other = ("--model.start_from", ckpt, "--model.network.head.channels", "32")
    assert APP.main(words("fit", "other", *other)) == 1
    error = capsys.readouterr().err
    assert "another architecture" in error
    assert "Traceback" not in error


def test_the_backbone_learns_more_slowly() -> None:
    from scenes_support import tiny_network

    for with_backbone in (True, False):
        module = Tracking(tiny_network(), mixup_with_backbone=with_backbone)
        groups = module.configure_optimizers()["optimizer"].param_groups  # type: ignore[index]
        assert groups[0]["lr"] == pytest.approx(4e-4)
        assert groups[1]["lr"] == pytest.approx(4e-5)
        slow = {id(p) for p in groups[1]["params"]}
        mixup = {id(p) for p in module.network.mixup.parameters()}
        backbone = {id(p) for p in module.network.backbone.parameters()}
        assert backbone <= slow
        assert (mixup <= slow) == with_backbone


def test_elimination_follows_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from scenes_support import tiny_network

    module = Tracking(tiny_network(), steps_per_epoch=10, elimination_start=2, elimination_epochs=2)
    module.network.backbone.keep_ratio = 0.5
    ratios = []
    for step in (0, 20, 30, 40, 400):
        monkeypatch.setattr(Tracking, "global_step", step)
        ratios.append(module._keep_ratio())
    assert ratios == pytest.approx([1.0, 1.0, 0.75, 0.5, 0.5])


@pytest.mark.slow
def test_two_processes_train_and_validate_together(words: Words, tmp_path: Path) -> None:
    results = {}
    for preset in ("cpu", "ddp_cpu"):
        arguments = words(
            "fit", preset, "--config", str(CONFIGS / f"hardware/{preset}.yaml"),
            # The other head's BatchNorm keeps statistics of what one process sees.
            "--config", str(CONFIGS / "vl_track/heads/mlp.yaml"),
            "--model.optimizer", "torch.optim.SGD", "--model.optimizer.init_args.lr", "0.0",
            "--model.lr_scheduler", "torch.optim.lr_scheduler.ConstantLR",
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "vl_track", *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        record = read_record(only_run(tmp_path / preset) / "run.json")
        assert record["steps"] == 6
        csv = only_run(tmp_path / preset) / "logs/csv/version_0/metrics.csv"
        header, *rows = (line.split(",") for line in csv.read_text().splitlines())
        column = header.index("val/l1")
        results[preset] = [float(row[column]) for row in rows if row[column]]
    assert json.dumps(record)
    assert results["ddp_cpu"] == pytest.approx(results["cpu"], rel=1e-4)


def test_scoring_an_untrained_run_is_an_error(
    words: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(words("test")) == 1
    assert "run `fit` with it first" in capsys.readouterr().err


def test_help_of_the_console_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["vl-track", "--help"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("vl-track: track objects")
