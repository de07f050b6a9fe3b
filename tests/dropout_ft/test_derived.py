"""Methods after the fact, on real tiny runs: nothing is trained again, and the ends are right."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor

from dropout_ft.app import APP
from dropout_ft.methods.base import Options, Scores
from dropout_ft.methods.eoa import EnsembleOfAverages
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.methods.registry import all_methods
from dropout_ft.methods.segment_weights import complete
from dropout_ft.methods.swa import SWA
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.methods.wise_ft import WiSE
from dropout_ft.report.results import collect
from dropout_ft.results.run import Run, load_run
from dropout_ft.training.segments import segments_of
from holdfast.checkpoints.weights import write_weights
from holdfast.errors import ConfigError, DataError

Arguments = Callable[..., list[str]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> list[Run]:
    """Two seeds of four steps with an evaluation each, weights along the way kept."""
    root = tmp_path_factory.mktemp("derived")
    for seed in (0, 1):
        words = [
            "fit", "--config", "configs/dropout_ft/tiny.yaml", "--config",
            "configs/methods/segments.yaml", "--data.source", str(pictures),
            "--run.root", str(root), "--seed_everything", str(seed), "--trainer.max_steps", "4",
            "--model.dropout_rate", "0.5", "--data.val_augment", "false",
            "--model.optimizer.init_args.lr", "0.01",
        ]  # fmt: skip
        assert APP.main(words) == 0
    return [load_run(path) for path in sorted(root.iterdir())]


def differs(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return any(not torch.equal(first[name], second[name]) for name in first)


def test_segments_begin_with_the_start_and_end_with_the_final_weights(runs: list[Run]) -> None:
    segments = segments_of(runs[0].directory.path)
    assert [part.step for part in segments] == [0, 1, 2, 3, 4]
    last, mean, count = segments[-1].read()
    final = final_weights(runs[0])
    assert count == 1
    for name, value in last.items():
        assert torch.equal(value, final[name.removeprefix("model.")])
        assert torch.allclose(mean[name], value, atol=1e-6)  # one step: the mean is the last
    assert differs(segments[0].read()[0], last)


def test_wise_ft_at_one_is_the_run_and_at_zero_the_start(runs: list[Run]) -> None:
    run = runs[0]

    def at(*fractions: float) -> Scores:
        method = WiSE()
        method.fractions = fractions
        return method.scores([run], Options())[0]

    final = run.rows[-1]["current"]
    assert at(1.0) == pytest.approx(final)
    start = complete(segments_of(run.directory.path)[0].read()[0], final_weights(run))
    assert at(0.0) == pytest.approx(Reevaluation(run).scores(start))
    assert WiSE().scores([run], Options())[0]["iid"] >= max(final["iid"], at(0.0)["iid"])


def test_swa_is_the_average_of_the_last_checkpoints(runs: list[Run]) -> None:
    run = runs[0]
    parts = [part.read()[0] for part in segments_of(run.directory.path)[-2:]]
    whole = [complete(part, final_weights(run)) for part in parts]
    (found,) = SWA().scores([run], Options())
    assert found == pytest.approx(Reevaluation(run).scores(average_weights(whole)))


def test_every_method_gives_a_result_once_and_is_kept(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = collect(runs, ["all"]).results
    named = {result.method for result in first}
    # No average had begun after four steps, and the runs' heads started apart.
    left_out = {"EoA", "EMA", "trajectory average", "Model Stock", "zero-shot CLIP"}
    assert named == set(all_methods()) - left_out
    for result in first:
        assert 0 <= result.iid <= 1
        assert 0 <= result.ood <= 1
    assert sum(result.method == "SWAD" for result in first) == 2
    assert sum(result.method == "greedy soup" for result in first) == 1
    monkeypatch.setattr(Reevaluation, "__init__", None)  # nothing is evaluated any more
    assert collect(runs, ["all"]).results == first
    results = runs[0].directory.results
    before = results.read_text()
    results.write_text(before + "\n")  # trained anew: what was kept is of other weights
    with pytest.raises(TypeError):
        collect(runs, ["SWAD"])
    results.write_text(before)


def test_data_that_changed_since_is_told_before_anything_is_scored(
    own_pictures: Path, tmp_path: Path
) -> None:
    """A picture more used to end in a numpy traceback, or in a wrong figure without a word."""
    words = [
        "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(own_pictures),
        "--run.root", str(tmp_path / "runs"),
    ]  # fmt: skip
    assert APP.main(words) == 0
    run = load_run(next((tmp_path / "runs").iterdir()))
    picture = own_pictures / "b/red/00.png"
    picture.with_name("99.png").write_bytes(picture.read_bytes())
    with pytest.raises(DataError, match="b: 15 files before, 16 now"):
        Reevaluation(run)


def test_unknown_methods_are_refused(runs: list[Run]) -> None:
    with pytest.raises(ConfigError, match=r"choose from run, .*Did you mean 'SWAD'"):
        collect(runs, ["SWADD"])


def test_eoa_needs_every_runs_average(runs: list[Run]) -> None:
    assert not EnsembleOfAverages().able(runs)


def test_the_report_shows_them(runs: list[Run], tmp_path: Path) -> None:
    folder = str(runs[0].directory.path.parent)
    words = ["report", folder, "--out", str(tmp_path), "--methods", "SWAD", "MC dropout"]
    assert APP.main(words) == 0
    rows = list(csv.DictReader((tmp_path / "results.csv").read_text().splitlines()))
    names = [row["name"] for row in rows]
    assert "dropout 0.5, SWAD" in names
    assert "dropout 0.5, MC dropout" in names
    assert "dropout 0.5, SWAD" in (tmp_path / "report.html").read_text()


def test_a_killed_segment_is_whole_after_resuming(
    tiny_arguments: Arguments, tmp_path: Path
) -> None:
    """Stopped between two evaluations, the segment's mean counts the steps before and after."""
    from integration.test_resume import run_and_die

    def words(root: str) -> list[str]:
        return tiny_arguments(
            "fit", "--config", "configs/methods/segments.yaml", "--trainer.max_steps", "6",
            "--trainer.val_check_interval", "3", "--run.checkpoint_every", "1",
            "--model.dropout_rate", "0.5", "--run.root", str(tmp_path / root),
        )  # fmt: skip

    assert APP.main(words("whole")) == 0
    assert run_and_die(words("killed"), 5) != 0
    assert APP.main(words("killed")) == 0
    whole, killed = (segments_of(next((tmp_path / r).iterdir())) for r in ("whole", "killed"))
    assert [part.step for part in whole] == [part.step for part in killed] == [0, 3, 6]
    for one, other in zip(whole, killed, strict=True):
        for left, right in zip(one.read()[:2], other.read()[:2], strict=True):
            assert left.keys() == right.keys()
            assert not differs(left, right)
        assert one.read()[2] == other.read()[2]


def test_runs_that_share_their_head_start_from_the_very_same(
    tiny_arguments: Arguments, tmp_path: Path
) -> None:
    weights = tmp_path / "backbone.safetensors"
    write_weights(weights, timm.create_model("test_resnet").state_dict())
    heads = []
    for seed in ("0", "1"):
        for shared in ("true", "false"):
            root = tmp_path / f"{seed}-{shared}"
            words = tiny_arguments(
                "fit", "--config", "configs/methods/segments.yaml", "--config",
                "configs/methods/diwa.yaml", "--seed_everything", seed, "--run.root", str(root),
                "--model.head_start.init_args.shared", shared,
                "--model.head_start.init_args.steps", "5",
                "--model.backbone.init_args.weights", str(weights),
                "--model.head_start.init_args.batches", "2",
            )  # fmt: skip
            assert APP.main(words) == 0
            start = segments_of(next(root.iterdir()))[0].read()[0]
            heads.append(start["model.head.linear.weight"])
    assert torch.equal(heads[0], heads[2])
    assert not torch.equal(heads[1], heads[3])
