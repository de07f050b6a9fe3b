"""A run says what it is: nothing that changes a result passes for the same run.

Each test is a case that went wrong without a word before a run declared its identity.
"""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conftest import make_pictures
from dropout_ft.app import APP
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.results.store import read_logits
from dropout_ft.training.module import FineTuning
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.cli.lightning_cli import HoldfastCLI
from holdfast.errors import ConfigError
from holdfast.runs.record import read_record
from holdfast.runs.results import read_results
from integration.test_resume import run_and_die
from tests_support import only_run

Arguments = Callable[..., list[str]]


@pytest.fixture
def fit(tmp_path: Path, own_pictures: Path) -> Callable[..., list[str]]:
    """Words of a tiny ``fit`` on pictures of its own."""

    def build(*more: str, root: str = "runs") -> list[str]:
        return [
            "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(own_pictures),
            "--run.root", str(tmp_path / root), "--trainer.enable_model_summary=false", *more,
        ]  # fmt: skip

    return build


def steps_of(run: Path) -> list[int]:
    return [row["step"] for row in read_results(run / "results.jsonl")]


def test_another_training_callback_is_another_run(fit: Arguments, tmp_path: Path) -> None:
    """EarlyStopping was not in the hash: "This run is finished", and it never ran."""
    many = ["--trainer.max_steps=8"]
    assert APP.main(fit(*many)) == 0
    first = only_run(tmp_path / "runs")
    stop = tmp_path / "stop.yaml"
    stop.write_text(
        "trainer:\n  callbacks+:\n    - class_path: pytorch_lightning.callbacks.EarlyStopping\n"
        "      init_args: {monitor: val/iid, patience: 1, min_delta: 2.0}\n"
    )
    assert APP.main(fit("--config", str(stop), *many)) == 0
    (other,) = set((tmp_path / "runs").iterdir()) - {first}
    assert steps_of(first) == list(range(1, 9))
    assert len(steps_of(other)) < 8


@pytest.mark.parametrize(("steps", "interval"), [(5, 2), (3, 5), (4, 2)])
def test_the_last_step_is_always_evaluated_and_saved(
    fit: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str], steps: int, interval: int
) -> None:
    """5 steps with an interval of 2 ended with step 4; 3 with 5 left nothing at all."""
    words = fit(f"--trainer.max_steps={steps}", f"--trainer.val_check_interval={interval}")
    assert APP.main(words) == 0
    run = only_run(tmp_path / "runs")
    expected = sorted({*range(interval, steps, interval), steps})
    assert steps_of(run) == expected
    assert len(list((run / "logits").iterdir())) == len(expected)
    assert read_checkpoint(run / "checkpoints/last.ckpt")["global_step"] == steps
    closing = capsys.readouterr().out.splitlines()[-1]
    assert closing.startswith(f"finished at step {steps}; selected step ")
    assert "i.i.d." in closing
    assert "o.o.d." in closing
    assert closing.endswith(f"folder {run}")
    assert "checkpoint checkpoints/best.ckpt" in closing


def test_the_papers_schedule_gives_34_evaluations() -> None:
    """10,000 steps every 300: 33 of them, and the last step."""
    assert len({*range(300, 10_001, 300), 10_000}) == 34


def test_other_data_under_the_same_path_needs_a_decision(
    fit: Arguments, own_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A grown folder was "finished"; with `never` the old table scored the new logits."""
    assert APP.main(fit()) == 0
    run = only_run(tmp_path / "runs")
    table = (run / "table.json").read_text()
    picture = own_pictures / "b/red/00.png"
    picture.with_name("99.png").write_bytes(picture.read_bytes())
    capsys.readouterr()
    assert APP.main(fit()) == 1
    error = capsys.readouterr().err
    assert "is finished, but since it began this has changed: the data (b: 15 files before" in error
    assert "--run.resume never" in error
    assert APP.main(fit("--run.resume=accept")) == 0
    assert "This run is finished" in capsys.readouterr().out
    assert (run / "table.json").read_text() == table
    assert APP.main(fit("--run.resume=never")) == 0
    assert (run / "table.json").read_text() != table
    fresh = fit(root="fresh")
    assert APP.main(fresh) == 0
    other = only_run(tmp_path / "fresh")
    assert (run / "results.jsonl").read_text() == (other / "results.jsonl").read_text()
    assert [launch["to_step"] for launch in read_record(run / "run.json")["launches"]] == [2, 2]


def test_a_resumed_run_refuses_other_data_too(
    fit: Arguments, own_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a SIGKILL the split was shuffled anew over the changed folder."""
    words = fit("--trainer.max_steps=6")
    assert run_and_die(words, 3) != 0
    (own_pictures / "c/blue/00.png").rename(own_pictures / "c/red/77.png")  # relabelled
    assert APP.main(words) == 1
    assert "this has changed: the data" in capsys.readouterr().err


def test_a_run_that_diverges_ends_with_its_reason(
    fit: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A learning rate of 1e30 was "finished", with 33.3 % in results and report."""
    words = fit("--model.optimizer.init_args.lr=1e30", "--trainer.max_steps=6")
    assert APP.main(words) == 1
    error = capsys.readouterr().err
    assert "lower the" in error
    assert len(error.strip().splitlines()) == 1
    run = only_run(tmp_path / "runs")
    assert read_record(run / "run.json")["status"] == "failed"
    for row in read_results(run / "results.jsonl"):
        assert all(math.isfinite(value) for value in row["current"].values())


def test_a_moved_run_ends_as_an_undisturbed_one(fit: Arguments, tmp_path: Path) -> None:
    """Lightning forgets the best value when the folder changes: another best.ckpt."""
    many = ["--trainer.max_steps=8", "--model.optimizer.init_args.lr=0.02"]
    assert APP.main(fit(*many, root="whole")) == 0
    assert run_and_die(fit(*many, root="moved"), 5) != 0
    (tmp_path / "moved").rename(tmp_path / "elsewhere")
    assert APP.main(fit(*many, root="elsewhere")) == 0
    runs = [only_run(tmp_path / name) for name in ("whole", "elsewhere")]
    best = [read_checkpoint(run / "checkpoints/best.ckpt") for run in runs]
    assert best[0]["global_step"] == best[1]["global_step"]
    for name, value in best[0]["state_dict"].items():
        assert torch.equal(value, best[1]["state_dict"][name])
    assert steps_of(runs[0]) == steps_of(runs[1])


@pytest.fixture
def interrupted(fit: Arguments, tmp_path: Path) -> tuple[Path, list[str]]:
    """The folder of a run that was killed after step 3, and its command."""
    words = fit("--trainer.max_steps=6")
    assert run_and_die(words, 3) != 0
    return only_run(tmp_path / "runs"), words


def test_one_flipped_bit_is_refused(
    interrupted: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    run, words = interrupted
    path = run / "checkpoints/last.ckpt"
    content = bytearray(path.read_bytes())
    weight = read_checkpoint(path)["state_dict"]["model.head.linear.weight"]
    place = content.index(weight.numpy().tobytes()[:64])
    content[place + 9] ^= 4
    path.write_bytes(content)
    assert APP.main(words) == 1
    error = capsys.readouterr().err
    assert "last.ckpt is damaged: the checksum of its part" in error
    assert "--run.resume never" in error
    assert APP.main([*words, "--run.resume=never"]) == 0


def test_a_truncated_checkpoint_gets_one_true_sentence(
    interrupted: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """It said "last.ckpt is whole: run the same command again", then "not readable"."""
    run, words = interrupted
    path = run / "checkpoints/last.ckpt"
    path.write_bytes(path.read_bytes()[:2000])
    assert APP.main(words) == 1
    captured = capsys.readouterr()
    assert "is whole" not in captured.out
    assert "cut short" in captured.err
    assert "--run.resume never" in captured.err


def test_the_checkpoint_of_another_seed_is_refused(
    interrupted: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, words = interrupted
    other = [*words, "--seed_everything=5", f"--run.root={tmp_path / 'other'}"]
    assert run_and_die(other, 3) != 0
    shutil.copy(only_run(tmp_path / "other") / "checkpoints/last.ckpt", run / "checkpoints")
    assert APP.main(words) == 1
    assert "belongs to another run" in capsys.readouterr().err


def test_other_threads_are_told(
    interrupted: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    run, words = interrupted
    record = json.loads((run / "run.json").read_text())
    record["identity"]["threads"] += 7
    (run / "run.json").write_text(json.dumps(record))
    assert APP.main(words) == 0
    assert "note: since this run began, this has changed: threads (" in capsys.readouterr().out


def test_of_two_equal_commands_the_second_sees_what_the_first_did(
    fit: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The second was parsed before the first ended, and trained the finished run again."""
    original = HoldfastCLI.instantiate_classes

    def meanwhile(self: HoldfastCLI) -> None:
        original(self)
        monkeypatch.setattr(HoldfastCLI, "instantiate_classes", original)
        assert APP.main(fit()) == 0

    monkeypatch.setattr(HoldfastCLI, "instantiate_classes", meanwhile)
    assert APP.main(fit()) == 0
    assert "This run is finished" in capsys.readouterr().out.splitlines()[-1]
    record = read_record(only_run(tmp_path / "runs") / "run.json")
    assert len(record["launches"]) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--model.lr_scheduler.init_args.milestones=[50]"], "never decays: its first milestone"),
        (["--model.lr_scheduler=torch.optim.lr_scheduler.CosineAnnealingLR",
          "--model.lr_scheduler.init_args.T_max=9"], "spans 9 steps and the run has 2"),
    ],
)  # fmt: skip
def test_a_schedule_that_never_acts_is_told(
    fit: Arguments, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert APP.main(fit(*more)) == 0
    assert words in capsys.readouterr().out


def test_the_tiny_recipes_own_schedule_needs_no_remark(
    fit: Arguments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(fit()) == 0
    assert "note:" not in capsys.readouterr().out


def test_a_schedule_that_waits_for_a_metric_works(fit: Arguments, tmp_path: Path) -> None:
    """ReduceLROnPlateau ended in a traceback of Lightning's."""
    words = fit(
        "--model.lr_scheduler=pytorch_lightning.cli.ReduceLROnPlateau",
        "--model.lr_scheduler.monitor=val/iid", "--model.lr_scheduler.patience=0",
        "--model.lr_scheduler.mode=max", "--trainer.max_steps=6", "--trainer.val_check_interval=2",
        "--model.lr_scheduler.threshold=2.0",
    )  # fmt: skip
    assert APP.main(words) == 0
    checkpoint = read_checkpoint(only_run(tmp_path / "runs") / "checkpoints/last.ckpt")
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["lr"] < 1e-3


def test_synchronised_batch_norm_is_refused() -> None:
    """It thawed every frozen layer and dropped its activation."""
    module = FineTuning(TimmBackbone("test_resnet", weights="none"), ["a", "b"])
    module.on_fit_start()
    module.model = nn.SyncBatchNorm.convert_sync_batchnorm(module.model)  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="sync_batchnorm"):
        module.on_fit_start()


def test_a_name_that_leads_elsewhere_is_refused(
    fit: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run.name: ../../..` in a stranger's YAML wrote anywhere."""
    assert APP.main(fit("--run.name=../../gone")) == 1
    assert "one folder's name" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_same_pictures_elsewhere_are_the_same_data(tmp_path: Path) -> None:
    prints = []
    for name in ("x", "y"):
        root = make_pictures(tmp_path / name, per_class=2)
        words: list[Any] = [
            "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(root),
            "--run.root", str(tmp_path / f"runs-{name}"),
        ]  # fmt: skip
        assert APP.main(words) == 0
        prints.append(read_record(only_run(tmp_path / f"runs-{name}") / "run.json"))
    first, second = (found["identity"]["data"]["digest"] for found in prints)
    assert first == second
    assert prints[0]["launches"][0]["hardware"]["processor"]


@pytest.mark.parametrize("how", ["never", "deleted"])
def test_an_emptied_run_is_never_called_finished(
    fit: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """run.json still said "finished" over a folder that `never`, or the user, had emptied."""
    assert APP.main(fit()) == 0
    run = only_run(tmp_path / "runs")
    if how == "deleted":
        shutil.rmtree(run / "checkpoints")
    else:

        def die(*_: object) -> None:
            raise ConfigError("The process ends here.")

        with monkeypatch.context() as patch:
            patch.setattr(HoldfastCLI, "_add_record", die)
            assert APP.main(fit("--run.resume=never")) == 1
        assert read_record(run / "run.json")["status"] == "started"
        assert not (run / "results.jsonl").exists()
    capsys.readouterr()
    assert APP.main(fit()) == 0
    assert "This run is finished" not in capsys.readouterr().out
    assert steps_of(run) == [1, 2]


def test_nothing_is_deleted_for_a_run_that_cannot_say_what_it_is(
    fit: Arguments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coordinates were asked for after `never` had deleted the finished run."""
    assert APP.main(fit()) == 0

    def refuse(*_: object) -> None:
        raise ConfigError("There is no such domain.")

    monkeypatch.setattr(HoldfastCLI, "coordinates", refuse)
    assert APP.main(fit("--run.resume=never")) == 1
    run = only_run(tmp_path / "runs")
    assert steps_of(run) == [1, 2]
    assert read_record(run / "run.json")["status"] == "finished"


def repaint(picture: Path) -> None:
    """Write another picture of the same name and size."""
    other = next(one for one in sorted(picture.parent.parent.rglob("*.png")) if one != picture)
    picture.write_bytes(other.read_bytes())


def test_a_given_checkpoint_is_compared_too(
    fit: Arguments, own_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--ckpt_path skipped every comparison: other data were accepted without a word."""
    words = fit("--trainer.max_steps=6")
    assert run_and_die(words, 3) != 0
    checkpoint = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    repaint(own_pictures / "b/red/00.png")
    more = [*words, "--ckpt_path", str(checkpoint), f"--run.root={tmp_path / 'other'}"]
    assert APP.main(more) == 1
    error = capsys.readouterr().err
    assert "was made, this has changed: the data (other names, sizes or contents)" in error
    assert APP.main([*more, "--run.resume=accept"]) == 0
    record = read_record(only_run(tmp_path / "other") / "run.json")
    assert record["coordinates"]["mixed"] == ["the data (other names, sizes or contents)"]


def test_a_run_that_changed_on_its_way_says_so_for_good(
    fit: Arguments, own_pictures: Path, tmp_path: Path
) -> None:
    """After `accept` run.json kept the new identity only, and the run was averaged with others."""
    words = fit("--trainer.max_steps=6")
    assert run_and_die(words, 3) != 0
    run = only_run(tmp_path / "runs")
    clean = read_record(run / "run.json")["coordinates"]
    repaint(own_pictures / "b/red/00.png")
    assert APP.main([*words, "--run.resume=accept"]) == 0
    record = read_record(run / "run.json")
    first, second = (launch["identity"]["data"]["digest"] for launch in record["launches"])
    assert first != second
    assert record["coordinates"]["mixed"] == ["the data (other names, sizes or contents)"]
    assert record["coordinates"]["method"] != clean["method"]
    assert record["coordinates"]["variant"].startswith("changed on its way: the data")
    assert APP.main([*words, "--run.resume=never"]) == 0
    fresh = read_record(run / "run.json")["coordinates"]
    assert "mixed" not in fresh
    assert fresh["method"] == clean["method"]


def test_the_same_folder_by_another_name_is_the_same_run(
    fit: Arguments, own_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """`pictures`, `./pictures` and the absolute path were three runs."""
    assert APP.main(fit()) == 0
    moved = own_pictures.rename(tmp_path / "moved")
    config = str(Path("configs/dropout_ft/tiny.yaml").resolve())
    monkeypatch.chdir(tmp_path)
    for source in ("moved", "./moved", str(moved)):
        words = ["fit", "--config", config, "--data.source", source, "--run.root", "runs"]
        capsys.readouterr()
        assert APP.main(words) == 0
        assert "This run is finished" in capsys.readouterr().out
    only_run(tmp_path / "runs")
    (moved / "b/red/00.png").rename(moved / "b/blue/77.png")
    assert APP.main(["validate", *words[1:]]) == 0
    out = capsys.readouterr().out
    assert "note: since this run was trained, this has changed: the data (other file names)" in out


def test_the_size_of_evaluation_batches_changes_the_last_bits_only(
    fit: Arguments, tmp_path: Path
) -> None:
    """It made another run."""
    names, rows, logits = [], [], []
    for root, size in (("first", 128), ("second", 3)):
        assert APP.main(fit(f"--data.eval_batch_size={size}", root=root)) == 0
        run = only_run(tmp_path / root)
        names.append(run.name)
        rows.append(read_results(run / "results.jsonl"))
        logits.append(read_logits(run / "logits", 2)["current"])
    assert names[0] == names[1]
    assert rows[0] == rows[1]
    np.testing.assert_allclose(logits[0], logits[1], rtol=1e-4, atol=1e-5)


def test_replaced_starting_weights_need_a_decision(
    fit: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other weights in the file that model.start_from names were "This run is finished"."""
    for root, seed in (("one", 1), ("two", 2)):
        assert APP.main(fit(f"--seed_everything={seed}", root=root)) == 0
    start = tmp_path / "start.ckpt"
    shutil.copy(only_run(tmp_path / "one") / "checkpoints/last.ckpt", start)
    words = fit("--model.start_from", str(start))
    assert APP.main(words) == 0
    shutil.copy(only_run(tmp_path / "two") / "checkpoints/last.ckpt", start)
    capsys.readouterr()
    assert APP.main(words) == 1
    assert "this has changed: the file that model.start_from names" in capsys.readouterr().err


def test_accept_is_not_recommended_where_it_cannot_work(
    fit: Arguments, own_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With added files `accept` trained until the first evaluation, which then refused."""
    words = fit("--trainer.max_steps=6")
    assert run_and_die(words, 3) != 0
    (own_pictures / "b/red/99.png").write_bytes((own_pictures / "b/red/00.png").read_bytes())
    for more in ([], ["--run.resume=accept"]):
        assert APP.main([*words, *more]) == 1
        error = capsys.readouterr().err
        assert "b: 15 files before" in error
        assert "resume accept" not in error
