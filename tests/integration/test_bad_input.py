"""Every mistake a user can make ends in one sentence and a non-zero exit status."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import holdfast.checkpoints.lightning_io
from holdfast.atomic import atomic_path
from tests_support import only_run

Main = Callable[[list[str]], int]
Arguments = Callable[..., list[str]]


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def test_missing_data_root(
    dropout_ft: Main, tiny_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tiny_arguments("fit", "--data.source", "/nowhere/at/all")
    assert dropout_ft(words) == 1
    assert "There is no data at /nowhere/at/all" in complaint(capsys)


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        ("--model.dropout_rat", "0.5", "model.dropout_rate"),
        ("--trainer.max_step", "3", "trainer.max_steps"),
        ("--data.globalbatchsize", "3", "global_batch_size"),
        ("--run.nam", "x", "run.name"),
    ],
)
def test_misspelt_key_on_the_command_line(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: str,
    nearest: str,
) -> None:
    assert dropout_ft(tiny_arguments("fit", key, value)) == 2
    assert nearest in complaint(capsys)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("model: {dropout_rte: 0.5}", "dropout_rate"),
        ("trainer: {max_stps: 3}", "max_steps"),
        ("data: {init_args: {global_batch_sise: 4}}", "global_batch_size"),
        ("rnu: {name: x}", "run.name"),
        ("model: {optimizer: {init_args: {momentun: 0.9}}}", "momentum"),
    ],
)
def test_misspelt_key_in_yaml(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    nearest: str,
) -> None:
    config = tmp_path / "wrong.yaml"
    config.write_text(text)
    assert dropout_ft(tiny_arguments("fit", "--config", str(config))) == 2
    message = complaint(capsys)
    assert f"Did you mean '{nearest}'" in message or f".{nearest}'?" in message


def test_wrong_type(
    dropout_ft: Main, tiny_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dropout_ft(tiny_arguments("fit", "--model.dropout_rate", "high")) == 2
    assert "dropout_rate" in complaint(capsys)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("--model.dropout_rate", "1.0", "the dropout rate must be in [0, 1)"),
        ("--trainer.precision", "13-bit", "precision"),
        ("--model.backbone.init_args.name", "resnet5000", "timm has no model 'resnet5000'"),
    ],
)
def test_impossible_values(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: str,
    message: str,
) -> None:
    assert dropout_ft(tiny_arguments("fit", key, value)) in {1, 2}
    assert message in complaint(capsys)


def test_unknown_command_and_domain(
    dropout_ft: Main, tiny_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dropout_ft(["fitt"]) == 2
    assert "Did you mean 'fit'?" in complaint(capsys)
    assert dropout_ft(tiny_arguments("fit", "--data.test_domains", "[photo]")) == 1
    assert "There is no domain 'photo'" in complaint(capsys)
    assert dropout_ft(tiny_arguments("fit", "--data.test_domains", "[a,b,c]")) == 1
    assert "leave at least one for training" in complaint(capsys)


@pytest.mark.parametrize(("damage", "message"), [("missing", "is missing"), ("empty", "is empty")])
def test_incomplete_domain(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    own_pictures: Path,
    capsys: pytest.CaptureFixture[str],
    damage: str,
    message: str,
) -> None:
    folder = own_pictures / "b/red"
    shutil.rmtree(folder)
    if damage == "empty":
        folder.mkdir()
    assert dropout_ft(tiny_arguments("fit", "--data.source", str(own_pictures))) == 1
    assert f"Class 'red' {message} in domain 'b'" in complaint(capsys)


def test_truncated_picture_is_named_while_training(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    own_pictures: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in own_pictures.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:300])
    for workers in ("0", "1"):
        words = tiny_arguments("fit", "--data.source", str(own_pictures))
        assert dropout_ft([*words, "--data.num_workers", workers]) == 1
        message = complaint(capsys)
        assert ".png cannot be read" in message
        assert "replace or remove the file" in message


def test_checkpoint_of_another_architecture(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert dropout_ft(tiny_arguments("fit")) == 0
    checkpoint = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    words = tiny_arguments("test", "--ckpt_path", str(checkpoint))
    assert dropout_ft([*words, "--model.backbone.init_args.name", "test_vit"]) == 1
    assert "is of another architecture" in complaint(capsys)
    assert dropout_ft(words) == 0
    foreign = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}}, foreign)
    assert dropout_ft(["predict", str(pictures), "--ckpt", str(foreign)]) == 1
    assert "was not written by `dropout-ft fit`" in complaint(capsys)


def test_absent_checkpoints(
    dropout_ft: Main, tiny_arguments: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dropout_ft(tiny_arguments("test")) == 1
    assert "There is no trained run of this configuration" in complaint(capsys)
    assert dropout_ft(tiny_arguments("test", "--ckpt_path", "/nowhere.ckpt")) == 1
    assert "There is no checkpoint at /nowhere.ckpt" in complaint(capsys)
    assert dropout_ft(tiny_arguments("fit", "--run.resume", "require")) == 1
    assert "--run.resume auto" in complaint(capsys)


def test_full_disk_while_checkpointing_keeps_the_last_good_one(
    dropout_ft: Main,
    tiny_arguments: Arguments,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write_or_fill(target: Path, content: bytes) -> None:
        with atomic_path(target) as temporary:
            if list(tmp_path.glob("runs/*/logits/step-0000002*")):
                raise OSError(errno.ENOSPC, "No space left on device")
            temporary.write_bytes(content)

    monkeypatch.setattr(holdfast.checkpoints.lightning_io, "write_bytes", write_or_fill)
    assert dropout_ft(tiny_arguments("fit")) == 1
    message = complaint(capsys)
    assert "Could not write" in message
    assert "No space left on device" in message
    run = only_run(tmp_path / "runs")
    assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 1
    monkeypatch.undo()
    assert dropout_ft(tiny_arguments("fit")) == 0
    assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 2
