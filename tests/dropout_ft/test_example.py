"""``dropout-ft example``: which data it takes, and which sweep it runs on them."""

from pathlib import Path
from typing import Any

import pytest

from dropout_ft.app import APP
from dropout_ft.commands import example as command
from dropout_ft.data.sources import emoji_drawing, four_hands_drawing
from holdfast.errors import DataError, MissingToolError
from holdfast.jobs.pool import Pool


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run no job; record which would run and what is reported."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(four_hands_drawing, "prepare", lambda root: root)
    monkeypatch.setattr(emoji_drawing, "prepare", lambda root: root)
    monkeypatch.setattr(command, "run_jobs", lambda pool, *_, **__: found.update(pool=pool))
    monkeypatch.setattr(command, "runs_of", lambda pool: [pool.root / "run"])
    monkeypatch.setattr(command, "report", lambda runs, **words: found.update(runs=runs, **words))
    return found


def refuse(error: Exception) -> Any:
    def prepare(root: Path) -> Path:
        raise error

    return prepare


def settings(pool: Pool) -> set[str]:
    return {word for job in pool.jobs for word in job.arguments["settings"]}


def test_photographs_where_they_can_be_had(asked: dict[str, Any], tmp_path: Path) -> None:
    assert APP.main(["example", "--out", str(tmp_path)]) == 0
    assert len(asked["pool"].jobs) == 6
    assert '--data.test_domains=["photograph"]' in settings(asked["pool"])
    assert asked["out"] == str(tmp_path)
    assert "photographs" in asked["note"]
    assert asked["methods"] == ["ensemble over runs", "average over runs", "greedy soup"]


@pytest.mark.parametrize("error", [MissingToolError("No apt-get."), DataError("No archive.")])
def test_drawings_elsewhere_and_it_is_said(
    asked: dict[str, Any], tmp_path: Path, error: Exception,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(four_hands_drawing, "prepare", refuse(error))
    assert APP.main(["example", "--out", str(tmp_path)]) == 0
    assert f"{error} The demo goes on with drawings alone" in capsys.readouterr().err
    assert '--data.test_domains=["openmoji"]' in settings(asked["pool"])
    assert "--data.holdout_fraction=0.6" in settings(asked["pool"])
    assert "half of the drawings" in asked["note"]


def test_photographs_that_were_asked_for_are_an_error_elsewhere(
    asked: dict[str, Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(four_hands_drawing, "prepare", refuse(DataError("No archive.")))
    assert APP.main(["example", "--out", str(tmp_path), "--data", "four_hands"]) != 0
    assert "No archive." in capsys.readouterr().err
    assert "pool" not in asked


@pytest.mark.parametrize(("data", "count"), [("four_hands", 36), ("emoji_styles", 40)])
def test_the_full_example_computes_every_method(
    asked: dict[str, Any], tmp_path: Path, data: str, count: int
) -> None:
    assert APP.main(["example", "--out", str(tmp_path), "--data", data, "--full"]) == 0
    assert len(asked["pool"].jobs) == count
    assert asked["methods"] == ["all"]
    # The short example's runs, in the same folder, are not mixed with these.
    assert asked["pool"].root != tmp_path / data
