"""Rerun: a finished run's network and data, into which any weights are put."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from dropout_ft.app import APP
from dropout_ft.data.pictures import read_rgb
from dropout_ft.data.transforms import eval_transform
from dropout_ft.methods.reevaluation import Rerun, evaluate_weights, final_weights
from dropout_ft.results.scores import iid_rows, score
from dropout_ft.results.store import read_logits
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import CheckpointError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.results import read_results
from tests_support import only_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> RunDirectory:
    """Two steps without augmented validation, so that logits can be made again by hand."""
    root = tmp_path_factory.mktemp("rerun")
    words = [
        "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.init_args.root", str(pictures),
        "--run.root", str(root), "--data.init_args.val_augment", "false",
        "--model.dropout_rate", "0.5",
    ]  # fmt: skip
    assert APP.main(words) == 0
    return RunDirectory(path=only_run(root))


@pytest.fixture
def rerun(run: RunDirectory) -> Rerun:
    return Rerun(run)


def test_the_final_weights_give_the_logits_that_were_saved(rerun: Rerun, run: RunDirectory) -> None:
    saved = read_logits(run.logits)
    assert np.allclose(rerun.logits(rerun.final), saved[max(saved)]["current"], atol=1e-5)


def test_and_the_scores_that_were_recorded(rerun: Rerun, run: RunDirectory) -> None:
    recorded = read_results(run.results)[-1]["current"]
    assert rerun.scores(rerun.final) == pytest.approx(recorded)
    assert evaluate_weights(run, final_weights(run)) == pytest.approx(recorded)


def test_scores_are_those_of_the_logits(rerun: Rerun) -> None:
    weights = {
        name: value + 0.05 if value.is_floating_point() else value
        for name, value in rerun.final.items()
    }
    logits = rerun.logits(weights)
    assert rerun.scores(weights) == pytest.approx(score(logits, rerun.data.table))


def test_weights_can_be_put_in_one_after_the_other(rerun: Rerun) -> None:
    first = rerun.logits(rerun.final)
    zeros = {name: torch.zeros_like(value) for name, value in rerun.final.items()}
    assert not np.allclose(rerun.logits(zeros), first)
    assert np.allclose(rerun.logits(rerun.final), first)


def test_weights_of_another_architecture_are_refused(rerun: Rerun) -> None:
    with pytest.raises(CheckpointError, match="missing"):
        rerun.load({"nothing": torch.zeros(1)})


def test_features_are_what_the_head_sees(rerun: Rerun) -> None:
    features, labels = rerun.features(rerun.final)
    table = rerun.data.table
    assert features.shape == (len(table), rerun.module.model.backbone.num_features)
    assert labels.tolist() == table.label.tolist()
    with torch.no_grad():
        logits = rerun.module.model.head(features)
    assert np.allclose(logits.numpy(), rerun.logits(rerun.final), atol=1e-5)


def test_features_of_a_picture_read_by_hand(rerun: Rerun) -> None:
    features, _ = rerun.features(rerun.final)
    picture = eval_transform(32)(read_rgb(rerun.data.table.paths[5]))
    with torch.no_grad():
        expected = rerun.module.model.features(picture[None])
    assert torch.allclose(features[5], expected[0], atol=1e-5)


def test_training_features_follow_the_datas_seed(rerun: Rerun) -> None:
    first, labels = rerun.features(rerun.final, training_batches=3)
    again, same = rerun.features(rerun.final, training_batches=3)
    assert len(first) == len(labels) == 3 * 2 * 2  # two training domains, two pictures each
    assert torch.equal(first, again)
    assert torch.equal(labels, same)
    rerun.data.seed += 1
    other, _ = rerun.features(rerun.final, training_batches=3)
    assert not torch.equal(first, other)


def test_the_iid_inputs_are_the_rows_asked_for(rerun: Rerun) -> None:
    rerun.logits(rerun.final)
    keep = iid_rows(rerun.data.table)
    inputs, labels = rerun.iid_inputs(keep)
    assert inputs.dtype == torch.uint8
    assert len(inputs) == int(keep.sum())
    assert labels.tolist() == rerun.data.table.label[keep].tolist()
    with torch.no_grad():
        logits = rerun.module.model.eval()(inputs).numpy()
    assert np.allclose(logits, rerun.logits(rerun.final)[keep], atol=1e-5)


def test_the_iid_rows_are_held_out_and_of_training_domains(rerun: Rerun) -> None:
    rerun.logits(rerun.final)
    table = rerun.data.table
    for row, chosen in enumerate(iid_rows(table)):
        training = int(table.domain[row]) not in table.test_domains
        assert chosen == (bool(table.held_out[row]) and training)


def test_the_objectives_weights_do_not_matter_afterwards(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = tiny_arguments("fit", "--config", "configs/methods/miro.yaml")
    assert APP.main(words) == 0
    run = RunDirectory(path=only_run(tmp_path / "runs"))
    state = read_checkpoint(run.last)["state_dict"]
    assert any(name.startswith("objective.") for name in state)
    assert not any(name.startswith("objective.") for name in final_weights(run))
    assert 0 <= Rerun(run).scores(final_weights(run))["iid"] <= 1


def test_an_auxiliary_run_gives_its_backbone_and_not_its_head(
    run: RunDirectory, tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Model ratatouille's first step: `model.start_from` a run on other data."""
    words = tiny_arguments(
        "fit", "--config", "configs/methods/segments.yaml", "--model.start_from", str(run.last)
    )
    assert APP.main(words) == 0
    from dropout_ft.training.segments import segments_of

    start = segments_of(only_run(tmp_path / "runs"))[0].read()[0]
    final = final_weights(run)
    for name, value in start.items():
        if name.startswith("model.backbone."):
            assert torch.equal(value, final[name]), name
    assert not torch.equal(start["model.head.linear.weight"], final["model.head.linear.weight"])
