"""vl-track stands on the shared base: any LightningModule, with our runs and resume."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CONFIGS
from holdfast.runs.record import read_record
from tests_support import only_run
from vl_track.__main__ import main
from vl_track.track import TRACK


@pytest.fixture
def words(tmp_path: Path) -> Callable[[str], list[str]]:
    """Arguments of a command on Lightning's demo model."""

    def build(command: str) -> list[str]:
        config = str(CONFIGS / "vl_track/base_check.yaml")
        return [command, "--config", config, "--run.root", str(tmp_path / "runs")]

    return build


def test_fit_then_validate_and_test(words: Callable[[str], list[str]], tmp_path: Path) -> None:
    assert TRACK.main(words("fit")) == 0
    record = read_record(only_run(tmp_path / "runs") / "run.json")
    assert record["status"] == "finished"
    assert record["config"]["model"]["class_path"].endswith("BoringModel")
    assert TRACK.main([*words("validate"), "--trainer.limit_val_batches", "1"]) == 0
    assert TRACK.main(words("test")) == 0


def test_scoring_an_untrained_run_is_an_error(
    words: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert TRACK.main(words("predict")) == 1
    assert "run `fit` with it first" in capsys.readouterr().err


def test_help_of_the_console_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["vl-track", "--help"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("vl-track: follow one object")
