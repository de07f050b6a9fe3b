"""Every subcommand: help, wrong words, and wrong files end in one clear sentence."""

import importlib
import inspect
from pathlib import Path

import pytest
import torch

from holdfast.cli.app import App
from scenes_support import tiny_config
from vl_track.app import APP
from vl_track.loading import build_network, save_network

OWN = sorted(APP.commands)


@pytest.mark.parametrize("command", OWN)
def test_every_command_explains_its_words(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: vl-track {command}" in shown
    options = [line for line in shown.splitlines() if line.strip().startswith("--")]
    assert options


TRACKING = {"weights", "device", "runtime", "precision", "classes", "options"}
"""Options of every command that tracks."""


@pytest.mark.parametrize(
    "command", ["track", "benchmark", "score", "clips", "audit", "vot", "example", "demo"]
)
def test_commands_that_track_have_the_same_options(command: str) -> None:
    """A model with a head of one's own could be benchmarked, but not scored, served or started."""
    found = set(inspect.signature(APP.commands[command].load()).parameters)
    wanted = {"weights", "device", "classes"} if command == "demo" else TRACKING
    assert wanted <= found


def test_score_takes_a_model_with_a_class_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_heads.py").write_text(
        "from vl_track.nn.heads import MLPHead\n\n\nclass Own(MLPHead):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = importlib.import_module("own_heads").Own
    described = {"class_path": "own_heads.Own", "init_args": {"channels": 8}}
    config = {**tiny_config("none"), "head": described}
    weights = build_network(config, "test", [own]).state_dict()
    save_network(tmp_path / "model", config, weights)
    words = ["score", "--weights", str(tmp_path / "model"), "--count", "1", "--emoji", "false",
             "--root", str(tmp_path), "--device", "cpu"]  # fmt: skip
    assert APP.main(words) == 1
    assert "--classes own_heads.Own" in capsys.readouterr().err
    assert APP.main([*words, "--classes", "own_heads.Own"]) == 0
    assert "Success AUC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trak", "a.mp4"], "track"),
        (["track"], "needs SOURCE"),
        (["track", "a.mp4", "--bax", "1,2,3,4"], "bax"),
        (["track", "a.mp4", "--options.redetct", "true"], "redetct"),
        (["score", "--count", "many"], "count"),
        (["score", "--split", "holiday"], "split"),
        (["scenes", "dance"], "dance"),
        (["audit", "--prompts", "[shout]"], "shout"),
        (["convert", "a.pth.tar"], "out"),
        (["export", "--out", "x"], "ckpt"),
    ],
)
def test_a_slip_is_named(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = APP.main(words)
    except SystemExit as end:
        status = int(end.code or 0)
    assert status != 0
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def checkpoint_of_another_track(path: Path) -> Path:
    torch.save({"state_dict": {"w": torch.zeros(1)}, "epoch": 0}, path)
    return path


@pytest.mark.parametrize("kind", ["missing", "empty", "pickle", "other"])
@pytest.mark.parametrize("command", ["track", "export", "convert"])
def test_files_that_are_no_weights(
    kind: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.ckpt"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "pickle":
        torch.save({"net": App}, path)  # an object of a class: never to be unpickled
    elif kind == "other":
        checkpoint_of_another_track(path)
    video = tmp_path / "frames"
    video.mkdir()
    from tracking_support import write_pictures

    write_pictures(video, ["1.png"])
    words = {
        "track": ["track", str(video), "--box", "1,1,9,9", "--weights", str(path)],
        "export": ["export", "--ckpt", str(path), "--out", str(tmp_path / "model")],
        "convert": ["convert", str(path), "--out", str(tmp_path / "model")],
    }[command]
    assert APP.main(words) == 1
    shown = capsys.readouterr().err
    assert "w.ckpt" in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "model").exists()


def test_commands_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in OWN:
        assert command in shown
        assert APP.commands[command].help in " ".join(shown.split())


def test_listing_commands_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, vl_track.app; "
        "heavy = {'torch', 'timm', 'cv2', 'av', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
