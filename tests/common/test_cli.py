"""The shared command line: help, composition, records, defaults."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from dropout_ft.app import APP
from holdfast.cli.suggestions import nearest_key
from tests_support import only_run

Arguments = Callable[..., list[str]]


@pytest.mark.parametrize("module", ["dropout_ft", "vl_track"])
def test_help_lists_every_command_and_is_quick(module: str) -> None:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
    )
    assert time.monotonic() - start < 5, "nothing heavy may be imported for --help"
    for command in ("fit", "validate", "test", "predict"):
        assert f"  {command}" in done.stdout


def test_own_commands_have_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in APP.commands:
        assert APP.main([name, "--help"]) == 0
        assert "usage" in capsys.readouterr().out.lower()


def test_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main([]) == 2
    assert "usage" in capsys.readouterr().out


def test_print_config_resolves_pieces_and_overrides(
    tiny_arguments: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = tmp_path / "over.yaml"
    over.write_text("model: {dropout_rate: 0.25}\ntrainer: {max_steps: 7}\n")
    words = tiny_arguments("fit", "--config", str(over), "--trainer.max_steps", "8")
    assert APP.main([*words, "--print_config"]) == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["backbone"]["init_args"]["name"] == "test_resnet"
    assert config["model"]["dropout_rate"] == 0.25
    assert config["trainer"]["max_steps"] == 8


def test_interpolation_works_over_files_and_flags(
    tiny_arguments: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = tmp_path / "over.yaml"
    over.write_text("data: {global_batch_size: '${run.checkpoint_every}'}\n")
    words = tiny_arguments("fit", "--config", str(over), "--run.checkpoint_every", "3")
    assert APP.main([*words, "--trainer.max_steps", "1"]) == 0
    config = yaml.safe_load((only_run(tmp_path / "runs") / "config.yaml").read_text())
    assert config["data"]["global_batch_size"] == 3


def test_a_run_leaves_its_record(tiny_arguments: Arguments, tmp_path: Path) -> None:
    assert APP.main(tiny_arguments("fit")) == 0
    run = only_run(tmp_path / "runs")
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["seed"] == 0
    assert record["steps"] == 2
    assert record["config"]["model"]["dropout_rate"] == 0.9
    launch = record["launches"][0]
    assert launch["packages"]["torch"]
    assert launch["hardware"]["processor"]
    assert launch["wall_seconds"] > 0
    assert launch["from_step"] == 0
    for name in ("config.yaml", "results.jsonl", "table.json", "checkpoints/best.ckpt"):
        assert (run / name).is_file()
    assert list(run.glob("logs/csv/*/metrics.csv"))
    assert list(run.glob("logs/tensorboard/events*"))
    assert not list(run.rglob("*.tmp"))


def test_saved_config_gives_the_same_run(tiny_arguments: Arguments, tmp_path: Path) -> None:
    assert APP.main(tiny_arguments("fit")) == 0
    run = only_run(tmp_path / "runs")
    assert APP.main(["fit", "--config", str(run / "config.yaml")]) == 0
    assert only_run(tmp_path / "runs") == run


def test_explicit_settings_win_over_the_checkpoint(
    tiny_arguments: Arguments, tmp_path: Path
) -> None:
    """Lightning itself lets a checkpoint's stored settings override explicit flags."""
    assert APP.main(tiny_arguments("fit")) == 0
    checkpoint = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    words = tiny_arguments("validate", "--ckpt_path", str(checkpoint))
    cli = APP.run_lightning([*words, "--model.dropout_rate", "0.1"])
    assert cli.model.model.head.dropout_rate == 0.1


def test_resume_never_starts_over(tiny_arguments: Arguments, tmp_path: Path) -> None:
    assert APP.main(tiny_arguments("fit")) == 0
    run = only_run(tmp_path / "runs")
    assert APP.main(tiny_arguments("fit", "--run.resume", "never")) == 0
    record = json.loads((run / "run.json").read_text())
    assert [launch["from_step"] for launch in record["launches"]] == [0, 0]
    steps = [json.loads(line)["step"] for line in (run / "results.jsonl").read_text().splitlines()]
    assert steps == [1, 2]


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        ("model.dropout_rat", "model.dropout_rate"),
        ("dropout_rte", "model.dropout_rate"),
        ("model.lr", None),
        ("zzz", None),
    ],
)
def test_nearest_key(unknown: str, expected: str | None) -> None:
    assert nearest_key(unknown, ["model.dropout_rate", "trainer.max_steps"]) == expected
