"""``vl-track presence``: the videos that ``score`` has, no lost input, and strict JSON."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from scenes_support import tiny_config, tiny_network
from vl_track.app import APP
from vl_track.commands import presets
from vl_track.loading import load_network, save_network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    save_network(
        folder, {**tiny_config(), "presence": True}, tiny_network(presence=True).state_dict()
    )
    return folder


def strict(path: Path) -> Any:
    def refuse(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_model_is_scored_and_calibrated(
    root: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(model)
    common = ["--weights", str(model), "--root", str(root), "--emoji", "false", "--device", "cpu"]
    out, new, drawn = tmp_path / "o.json", tmp_path / "new", tmp_path / "d.png"
    arguments = [*common, "--split", "val", "--count", "2", "--out", str(out)]
    arguments += ["--diagram", str(drawn)]
    assert APP.main(["presence", *arguments, "--calibrated", str(new)]) == 0
    assert "temperature" in capsys.readouterr().out
    found = strict(out)
    assert 0 < found["absent"] < found["frames"]
    picture = cv2.imread(str(drawn))
    assert picture is not None
    assert picture.shape[1] > 500
    assert sum(one["count"] for one in found["bins"]) == found["frames"]
    old, fitted = (load_network(folder).presence for folder in (model, new))
    assert old is not None
    assert fitted is not None
    assert fitted.temperature != old.temperature
    assert contents(model) == before


def test_it_draws_the_emoji_as_score_does(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them it once scored other videos, of shapes alone, and did not say so."""
    drawn = []
    monkeypatch.setattr(presets, "prepare_sprites", drawn.append)
    assert APP.main(["presence", "--weights", str(model), "--root", str(root), "--count", "1"]) == 0
    assert drawn == [root]


@pytest.mark.parametrize("kind", ["same", "linked", "record"])
def test_a_model_never_replaces_itself(
    kind: str, root: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "linked").symlink_to(model)
    written = {
        "same": ["--calibrated", str(model)],
        "linked": ["--calibrated", str(tmp_path / "linked")],
        "record": ["--out", str(model / "config.json")],
    }
    before = contents(model)
    common = ["--weights", str(model), "--root", str(root), "--emoji", "false", "--split", "val"]
    assert APP.main(["presence", *common, "--count", "3", "--overwrite", "true", *written[kind]])
    assert "is an input" in capsys.readouterr().err
    assert contents(model) == before


def test_a_checkpoint_is_refused_before_any_tracking(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All videos were once tracked before it was found to be no folder."""
    place = "vl_track.commands.presence.watch_videos"
    monkeypatch.setattr(place, lambda *_: pytest.fail("tracked"))
    monkeypatch.setattr("vl_track.loading.load_network", lambda *_: tiny_network(presence=True))
    monkeypatch.setattr("vl_track.commands.presence.load_network", lambda *_: tiny_network())
    checkpoint = tmp_path / "last.ckpt"
    checkpoint.write_bytes(b"a checkpoint")
    common = ["--weights", str(checkpoint), "--root", str(root), "--emoji", "false"]
    more = ["--split", "val", "--calibrated", str(tmp_path / "new")]
    assert APP.main(["presence", *common, *more]) == 1
    assert f"export --ckpt {checkpoint}" in capsys.readouterr().err


def test_faults_of_a_fit_name_their_option_before_any_work(
    root: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("vl_track.commands.presence.watch_videos", lambda *_: pytest.fail("ran"))
    monkeypatch.setenv("HOME", str(tmp_path))
    common = ["--weights", str(model), "--root", str(root), "--emoji", "false"]
    fit = ["presence", *common, "--fitted", "~/mine/presence.json"]
    assert APP.main(fit) == 1
    assert "--fitted needs --split val" in capsys.readouterr().err
    assert APP.main([*fit, "--split", "val", "--staying", "38"]) == 1
    said = capsys.readouterr().err
    assert "alarm of 0.05 needs 19 or more: give --staying 39" in said, "20 of 38 are in the fit"
    assert APP.main(["presence", *common, "--diagram", "d.svg"]) == 1
    assert "must end in .png" in capsys.readouterr().err
    drawn = ["--split", "val", "--staying", "39", "--diagram", str(tmp_path / "d.png")]
    assert APP.main([*fit, *drawn]) == 1
    assert "nothing for --diagram" in capsys.readouterr().err
    (model / "presence.json").write_text("{}")
    assert APP.main([*fit, "--split", "val", "--staying", "39"]) == 1
    assert f"{model / 'presence.json'} is an input" in capsys.readouterr().err, "~ is the home"
    assert APP.main(["presence", *common, "--split", "val", "--calibrated", "~/mine"]) == 1
    assert "--calibrated" in (said := capsys.readouterr().err)
    assert "is an input" in said


def test_records_have_no_number_that_json_has_not(
    root: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`score --count 1` once wrote NaN, which JSON readers other than Python's refuse."""
    out = tmp_path / "o.json"
    common = ["--weights", str(model), "--root", str(root), "--emoji", "false", "--count", "1"]
    assert APP.main(["score", *common, "--out", str(out)]) == 0
    assert "nan" not in capsys.readouterr().out
    assert strict(out)["standard_error"] is None
    presets.write_record(str(out), {"a": [float("nan"), (float("inf"), 1.5)], "b": True})
    assert strict(out) == {"a": [None, [None, 1.5]], "b": True}
