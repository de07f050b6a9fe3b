"""Reevaluation: a finished run's network and data, into which any weights are put."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from dropout_ft.app import APP
from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.transforms import eval_transform
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.results.run import Run, load_run
from dropout_ft.results.scores import iid_rows, score
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import CheckpointError
from tests_support import only_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Run:
    """Two steps without augmented validation, so that logits can be made again by hand."""
    root = tmp_path_factory.mktemp("found")
    words = [
        "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(pictures),
        "--run.root", str(root), "--data.val_augment", "false",
        "--model.dropout_rate", "0.5",
    ]  # fmt: skip
    assert APP.main(words) == 0
    return load_run(only_run(root))


@pytest.fixture
def found(run: Run) -> Reevaluation:
    return Reevaluation(run)


def test_the_final_weights_give_the_logits_that_were_saved(found: Reevaluation, run: Run) -> None:
    saved = run.logits[run.last_step]["current"]
    assert np.allclose(found.logits(found.final), saved, atol=1e-5)


def test_and_the_scores_that_were_recorded(found: Reevaluation, run: Run) -> None:
    recorded = run.rows[-1]["current"]
    assert found.scores(found.final) == pytest.approx(recorded)
    assert found.scores(final_weights(run)) == pytest.approx(recorded)


def test_scores_are_those_of_the_logits(found: Reevaluation) -> None:
    weights = {
        name: value + 0.05 if value.is_floating_point() else value
        for name, value in found.final.items()
    }
    logits = found.logits(weights)
    assert found.scores(weights) == pytest.approx(score(logits, found.data.table))


def test_weights_can_be_put_in_one_after_the_other(found: Reevaluation) -> None:
    first = found.logits(found.final)
    zeros = {name: torch.zeros_like(value) for name, value in found.final.items()}
    assert not np.allclose(found.logits(zeros), first)
    assert np.allclose(found.logits(found.final), first)


def test_weights_of_another_architecture_are_refused(found: Reevaluation) -> None:
    with pytest.raises(CheckpointError, match="missing"):
        found.load({"nothing": torch.zeros(1)})


def test_features_are_what_the_head_sees(found: Reevaluation) -> None:
    features, labels = found.features(found.final)
    table = found.data.table
    assert features.shape == (len(table), found.model.backbone.num_features)
    assert labels.tolist() == table.label.tolist()
    with torch.no_grad():
        logits = found.model.head(features)
    assert np.allclose(logits.numpy(), found.logits(found.final), atol=1e-5)


def test_features_of_a_picture_read_by_hand(found: Reevaluation) -> None:
    features, _ = found.features(found.final)
    picture = eval_transform(32)(read_rgb(found.data.table.paths[5]))
    with torch.no_grad():
        expected = found.model.features(picture[None])
    assert torch.allclose(features[5], expected[0], atol=1e-5)


def test_training_features_follow_the_datas_seed(found: Reevaluation) -> None:
    first, labels = found.features(found.final, training_batches=3)
    again, same = found.features(found.final, training_batches=3)
    assert len(first) == len(labels) == 3 * 2 * 2  # two training domains, two pictures each
    assert torch.equal(first, again)
    assert torch.equal(labels, same)
    found.data.seed += 1
    other, _ = found.features(found.final, training_batches=3)
    assert not torch.equal(first, other)


def test_the_iid_inputs_are_the_rows_asked_for(found: Reevaluation) -> None:
    keep = iid_rows(found.data.table)
    inputs, labels = found.inputs(keep)
    assert inputs.dtype == torch.uint8
    assert len(inputs) == int(keep.sum())
    assert labels.tolist() == found.data.table.label[keep].tolist()
    with torch.no_grad():
        logits = found.model.eval()(inputs).numpy()
    assert np.allclose(logits, found.logits(found.final)[keep], atol=1e-5)


def test_the_iid_rows_are_held_out_and_of_training_domains(found: Reevaluation) -> None:
    table = found.data.table
    for row, chosen in enumerate(iid_rows(table)):
        training = int(table.domain[row]) not in table.test_domains
        assert chosen == (bool(table.held_out[row]) and training)


def test_the_objectives_weights_do_not_matter_afterwards(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = tiny_arguments("fit", "--config", "configs/methods/miro.yaml")
    assert APP.main(words) == 0
    run = load_run(only_run(tmp_path / "runs"))
    state = read_checkpoint(run.directory.last)["state_dict"]
    assert any(name.startswith("objective.") for name in state)
    assert not any(name.startswith("objective.") for name in final_weights(run))
    assert 0 <= Reevaluation(run).scores(final_weights(run))["iid"] <= 1


def test_an_auxiliary_run_gives_its_backbone_and_not_its_head(
    run: Run, tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Model ratatouille's first step: `model.start_from` a run on other data."""
    words = tiny_arguments(
        "fit",
        "--config",
        "configs/methods/segments.yaml",
        "--model.start_from",
        str(run.directory.last),
    )
    assert APP.main(words) == 0
    from dropout_ft.training.segments import segments_of

    start = segments_of(only_run(tmp_path / "runs"))[0].read()[0]
    final = final_weights(run)
    for name, value in start.items():
        if name.startswith("model.backbone."):
            assert torch.equal(value, final[name.removeprefix("model.")]), name
    assert not torch.equal(start["model.head.linear.weight"], final["head.linear.weight"])
