"""Weights of classes: what they are, that every loss has them, and that they set runs apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from conftest import make_pictures
from dropout_ft.data.class_weights import class_weights
from dropout_ft.data.domains import DomainData
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.create import create_model
from dropout_ft.report.results import collect
from dropout_ft.report.table import make_rows
from dropout_ft.results.run import load_runs
from dropout_ft.training.objectives import CORAL, ERM, MIRO, Mixout, Mixup
from dropout_ft.training.objectives.base import Batch, Objective
from holdfast.errors import ConfigError

NAMES = ["rare", "usual"]
Run = Callable[[list[str]], int]


class Plain(Objective):
    """One of a user's own, which knows nothing of weights."""

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        return {"loss": F.cross_entropy(model(batch["input"]), batch["label"])}


def test_balanced_is_the_inverse_of_what_training_draws() -> None:
    """Each domain gives as many pictures, so a domain's size must not count: p = (1/2, 1/4) / 2."""
    labels = np.array([0, 1] + [0, 1, 1, 1] * 25)
    groups = [np.arange(2), np.arange(2, 102)]
    found = class_weights("balanced", labels, groups, NAMES)
    drawn = np.array([0.375, 0.625])
    assert found is not None
    assert np.allclose(found, 0.5 / drawn)
    assert np.isclose((found * drawn).sum(), 1)
    named = class_weights({"rare": 30.0, "usual": 10.0}, labels, groups, NAMES)
    assert named is not None
    assert np.isclose(named[0] / named[1], 3)
    assert np.isclose((named * drawn).sum(), 1)
    assert class_weights("none", labels, groups, NAMES) is None


def test_a_class_without_training_pictures_makes_nothing_infinite() -> None:
    found = class_weights("balanced", np.array([1, 1]), [np.arange(2)], NAMES)
    assert found is not None
    assert found.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"rare": 1.0}, "lacks 'usual'"),
        ({"rare": 1.0, "usual": 1.0, "x": 1.0}, "names 'x', which is no class"),
        ({"rare": 0.0, "usual": 1.0}, "of 'rare' is 0.0"),
        ({"rare": float("nan"), "usual": 1.0}, "of 'rare' is nan"),
    ],
)
def test_names_and_numbers_are_checked(setting: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        class_weights(setting, np.array([0, 1]), [np.arange(2)], NAMES)


def batch_of(weight: list[float] | None) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    batch = {
        "input": torch.randint(0, 255, (4, 3, 32, 32), dtype=torch.uint8, generator=generator),
        "label": torch.tensor([0, 1, 1, 0]),
        "domain": torch.tensor([0, 0, 1, 1]),
    }
    return batch if weight is None else {**batch, "weight": torch.tensor(weight)}


@pytest.mark.parametrize("make", [ERM, CORAL, MIRO, Mixup, lambda: Mixout(0.0)])
def test_every_objective_weighs(make: Callable[[], Objective]) -> None:
    """Equal weights change nothing; weight 0 everywhere leaves only the penalties."""
    losses = []
    for weight in (None, [1.0] * 4, [0.0] * 4):
        torch.manual_seed(0)
        model = create_model("test_resnet", num_classes=2, weights="none", dropout_rate=0.0)
        objective = make()
        objective.prepare(model)
        torch.manual_seed(1)
        with torch.no_grad():
            parts = objective(model, batch_of(weight))
        penalty = getattr(objective, "weight", 0) * float(parts.get("penalty", torch.zeros(())))
        losses.append(float(parts["loss"]) - penalty)
        assert objective.weighed == (weight is not None)
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[2] == pytest.approx(0, abs=1e-5)


def test_erm_against_the_definition() -> None:
    torch.manual_seed(0)
    model = create_model("test_resnet", num_classes=2, weights="none", dropout_rate=0.0).eval()
    batch = batch_of([0.5, 2.0, 2.0, 0.5])
    losses = -model(batch["input"]).log_softmax(1)[range(4), batch["label"]]
    assert torch.isclose(ERM()(model, batch)["loss"], (losses * batch["weight"]).sum() / 4)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_pictures(tmp_path_factory.mktemp("uneven"), per_class=8)
    for path in root.glob("*/red/0[3-7].png"):
        path.unlink()
    return root


def test_batches_carry_the_weight_of_their_class(uneven: Path) -> None:
    data = DomainData(str(uneven), ["a"], global_batch_size=16, class_weights="balanced")
    batch = next(iter(data.train_dataloader()))
    by_class = {int(k): float(w) for k, w in zip(batch["label"], batch["weight"], strict=True)}
    assert by_class[data.class_names.index("red")] > 1.5 * by_class[0]
    assert "weight" not in next(iter(data.val_dataloader()))
    plain = DomainData(str(uneven), ["a"], global_batch_size=16)
    assert "weight" not in next(iter(plain.train_dataloader()))


def test_unlike_weights_never_share_a_row_or_a_gain(
    uneven: Path, tmp_path: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run
) -> None:
    for setting in ("none", "balanced", "{red: 3, green: 1, blue: 1}"):
        for rate in ("0", "0.5"):
            words = tiny_arguments(
                "fit", "--data.source", str(uneven), "--data.test_domains", "[a]",
                "--data.class_weights", setting, "--model.dropout_rate", rate,
            )  # fmt: skip
            assert dropout_ft(words) == 0
    runs = load_runs([tmp_path / "runs"])
    assert len({run.coordinates.group for run in runs}) == 6
    rows = [row for row in make_rows(collect(runs).results) if row.method == "run"]
    assert [row.count for row in rows] == [1] * 6
    assert len({row.name for row in rows}) == 6
    assert any("class weights balanced" in row.name for row in rows)
    again = collect(runs, ["MC dropout"])  # the data are made anew from the records
    assert again.remarks == []
    assert sum(result.method == "MC dropout" for result in again.results) == 3
    ood = {(r.coordinates.class_weights, r.dropout_rate): r.ood for r in collect(runs).results
           if r.method == "run"}  # fmt: skip
    gains = sorted(100 * (ood[w, 0.5] - ood[w, 0.0]) for w in {weights for weights, _ in ood})
    assert sorted(row.gain for row in rows if row.dropout_rate) == pytest.approx(gains)


def test_an_objective_that_leaves_weights_out_is_refused(
    uneven: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = tiny_arguments("fit", "--data.source", str(uneven), "--data.class_weights", "balanced",
                           "--model.objective", f"{Plain.__module__}.Plain")  # fmt: skip
    assert dropout_ft(words) == 1
    assert "leaves data.class_weights out of its loss" in capsys.readouterr().err
