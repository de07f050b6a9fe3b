"""Schedules in epochs: the optimiser steps follow from the global batch."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conftest import CONFIGS
from holdfast.cli.steps import steps_of
from vl_track.app import APP


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, object]]:
    def run(*words: str) -> dict[str, object]:
        with pytest.raises(SystemExit) as end:
            sys.exit(APP.main(["fit", *words, "--print_config"]))
        assert not end.value.code
        found = yaml.safe_load(capsys.readouterr().out)
        assert isinstance(found, dict)
        return found

    return run


@pytest.mark.parametrize(
    ("epochs", "samples", "batch", "steps"),
    [(300, 60_000, 128, 140_700), (1, 10, 3, 4), (0.5, 100, 10, 5), (0.001, 100, 10, 1)],
)
def test_an_epoch_is_whole_steps(epochs: float, samples: int, batch: int, steps: int) -> None:
    assert steps_of(epochs, samples, batch) == steps


@pytest.mark.parametrize(("batch", "steps"), [(128, 469), (64, 938)])
def test_the_papers_schedules_follow_the_batch(
    printed: Callable[..., dict[str, dict[str, object]]], batch: int, steps: int
) -> None:
    """Case B13: intervals were steps of one batch on one number of GPUs."""
    found = printed(
        "--config", str(CONFIGS / "vl_track/paper_all_in_one.yaml"),
        "--data", str(CONFIGS / "vl_track/data/paper_mixture_tricks.yaml"),
        f"--data.global_batch_size={batch}",
    )  # fmt: skip
    trainer, data = found["trainer"], found["data"]["init_args"]
    assert trainer["max_steps"] == 300 * steps
    assert trainer["val_check_interval"] == 50 * steps
    assert found["model"]["steps_per_epoch"] == steps
    assert isinstance(data, dict)
    assert [one["until_step"] for one in data["sources"][-2:]] == [50 * steps] * 2


def test_epochs_of_data_that_has_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = tmp_path / "epochs.yaml"
    piece.write_text("trainer: {max_steps: '${steps:3}'}\n")
    words = ["--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"), "--config", str(piece)]
    assert APP.main(["fit", *words, "--data.samples_per_epoch", "0"]) != 0
    message = capsys.readouterr().err
    assert "${steps:3}" in message
    assert "samples_per_epoch" in message
    assert "Only vl_track's data modules have" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("epochs", ["0", "-3", "0.0"])
def test_no_epochs_are_refused(
    epochs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They became one step."""
    piece = tmp_path / "epochs.yaml"
    piece.write_text(f"trainer: {{max_steps: '${{steps:{epochs}}}'}}\n")
    words = ["--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"), "--config", str(piece)]
    assert APP.main(["fit", *words, "--print_config"]) != 0
    message = capsys.readouterr().err
    assert "give more than 0" in message
    assert "Traceback" not in message


def test_an_interpolation_without_a_value_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = tmp_path / "nowhere.yaml"
    piece.write_text("trainer: {max_steps: '${run.nowhere}'}\n")
    words = ["--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"), "--config", str(piece)]
    assert APP.main(["fit", *words]) != 0
    message = capsys.readouterr().err
    assert "trainer.max_steps" in message
    assert "nowhere" in message
    assert "Traceback" not in message
