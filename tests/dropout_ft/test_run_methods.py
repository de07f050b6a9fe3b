"""SWA, SWAD, WiSE-FT, soups, CAT and the rest: their arithmetic against slow readings."""

from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dropout_ft.methods import soups
from dropout_ft.methods.base import Options
from dropout_ft.methods.concatenation import probe_concatenation
from dropout_ft.methods.eoa import average_logits
from dropout_ft.methods.learned_soup import learn_shares, mix
from dropout_ft.methods.mc_dropout import mc_dropout_logits
from dropout_ft.methods.registry import all_methods
from dropout_ft.methods.segment_weights import complete
from dropout_ft.methods.soups import greedy_soup
from dropout_ft.methods.swa import last_part, mean_of_checkpoints
from dropout_ft.methods.swad import mean_of_segments, valley
from dropout_ft.methods.wise_ft import FRACTIONS, interpolate
from dropout_ft.nn.head import VeryLargeDropoutHead
from dropout_ft.results.scores import iid_loss, iid_rows
from dropout_ft.training.ratatouille import load_backbone
from dropout_ft.training.segments import Segment, segments_of, trained
from holdfast.checkpoints.weights import write_weights
from holdfast.errors import CheckpointError, ConfigError, DataError
from tables_support import make_logits, make_table


def slow_valley(losses: list[float], start_p: int, end_p: int, r: float) -> tuple[int, int]:
    """Algorithm 1 of the paper with its own counters, one place after the other."""
    start = end = None
    threshold = 0.0
    for place in range(len(losses)):
        ahead = losses[place : place + start_p]
        if start is None and len(ahead) == start_p and all(losses[place] <= x for x in ahead):
            start, threshold = place, r * sum(ahead) / start_p
            continue
        if start is not None and end is None:
            ahead = losses[place : place + end_p]
            if len(ahead) == end_p and all(x > threshold for x in ahead):
                end = place - 1
    if start is None:
        lowest = losses.index(min(losses))
        return lowest, lowest
    return start, len(losses) - 1 if end is None else end


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 9).map(float), min_size=1, max_size=14),
    st.integers(1, 4), st.integers(1, 4), st.sampled_from([1.0, 1.3]),
)  # fmt: skip
def test_the_valley_against_the_papers_loop(
    losses: list[float], start_p: int, end_p: int, r: float
) -> None:
    found = valley(losses, start_patience=start_p, end_patience=end_p, tolerance=r)
    assert found == slow_valley(losses, start_p, end_p, r)


def test_a_valley_by_hand() -> None:
    losses = [2.0, 1.2, 1.0, 1.1, 1.2, 1.0, 1.1, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5]
    assert valley(losses) == (2, 6)
    assert valley([3.0, 2.0, 1.0]) == (2, 2)
    with pytest.raises(ValueError, match="no segments"):
        valley([])


def segment(folder: Path, step: int, *, last: float, mean: float, count: int) -> Segment:
    path = folder / "segments" / f"step-{step:07d}.safetensors"
    content = {"last.w": torch.full((2,), last), "count": torch.tensor(count)}
    if count:
        content["mean.w"] = torch.full((2,), mean)
    write_weights(path, content)
    return Segment(path)


def test_swad_weighs_segments_by_their_steps(tmp_path: Path) -> None:
    parts = [
        segment(tmp_path, 10, last=0, mean=1.0, count=10),
        segment(tmp_path, 40, last=0, mean=5.0, count=30),
    ]
    assert mean_of_segments(parts)["w"].tolist() == [4.0, 4.0]
    with pytest.raises(ConfigError, match="no mean"):
        mean_of_segments([segment(tmp_path, 50, last=0, mean=0, count=0)])


def test_swa_averages_the_last_quarter(tmp_path: Path) -> None:
    parts = [segment(tmp_path, step, last=step, mean=0, count=1) for step in (0, 25, 50, 75, 100)]
    chosen = last_part(parts)
    assert [part.step for part in chosen] == [75, 100]
    assert mean_of_checkpoints(chosen)["w"].tolist() == [87.5, 87.5]
    assert [part.step for part in last_part(parts, start=2.0)] == [100]


def test_segments_are_found_in_order_and_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SegmentWeights"):
        segments_of(tmp_path)
    for step in (300, 0, 2000):
        segment(tmp_path, step, last=1, mean=1, count=1)
    found = segments_of(tmp_path)
    assert [part.step for part in found] == [0, 300, 2000]
    found[1].path.write_bytes(b"rubbish")
    with pytest.raises(DataError, match="damaged"):
        found[1].read()


def test_frozen_weights_come_from_the_checkpoint() -> None:
    final = {"a": torch.ones(2, dtype=torch.float16), "b": torch.tensor(3)}
    whole = complete({"model.a": torch.zeros(2)}, final)
    assert whole["a"].dtype == torch.float16
    assert whole["a"].tolist() == [0, 0]
    assert whole["b"] is not None
    assert int(whole["b"]) == 3
    module = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    module[0].requires_grad_(requires_grad=False)
    assert set(trained(module)) == {"1.weight", "1.bias"}


def test_wise_ft_is_a_straight_line() -> None:
    start, end = {"w": torch.tensor([0.0, 2.0])}, {"w": torch.tensor([1.0, -2.0])}
    for fraction in FRACTIONS:
        expected = [fraction, 2 - 4 * fraction]
        assert interpolate(start, end, fraction)["w"].tolist() == pytest.approx(expected)


def slow_greedy(values: list[float], accuracies: list[float], *, equal: bool) -> list[int]:
    """The recipe over numbers whose soup is their mean and whose accuracy is minus its distance."""
    order = sorted(range(len(values)), key=lambda i: -accuracies[i])
    kept = [order[0]]
    best = accuracies[order[0]]
    for i in order[1:]:
        value = -abs(np.mean([values[j] for j in [*kept, i]]))
        if value > best or (equal and value == best):
            kept.append(i)
            best = value
    return kept


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=6), st.booleans())
def test_greedy_soups(values: list[float], equal: bool) -> None:
    members = [{"w": torch.tensor([value], dtype=torch.float64)} for value in values]
    accuracies = [-abs(value) for value in values]
    soup, chosen = greedy_soup(
        members, accuracies, lambda w: -abs(float(w["w"])), equal_enters=equal
    )
    assert chosen == slow_greedy(values, accuracies, equal=equal)
    assert float(soup["w"]) == pytest.approx(np.mean([values[i] for i in chosen]))


def test_diwa_takes_what_leaves_the_accuracy_equal() -> None:
    members = [{"w": torch.tensor([float(i)])} for i in range(3)]
    for equal, expected in ((False, [0]), (True, [0, 1, 2])):
        _, chosen = greedy_soup(members, [0.5] * 3, lambda _: 0.5, equal_enters=equal)
        assert chosen == expected


def test_a_learned_soup_finds_the_member_that_is_right() -> None:
    torch.manual_seed(0)
    network = nn.Linear(4, 2)
    truth = torch.randn(2, 4)
    inputs = torch.randn(300, 4)
    labels = (inputs @ truth.T).argmax(1)
    members = [
        {"weight": weight, "bias": torch.zeros(2), "n": torch.tensor(i)}
        for i, weight in enumerate((truth, -truth, torch.randn(2, 4)))
    ]
    network.register_buffer("n", torch.tensor(0))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    shares, scale = learn_shares(members, network, inputs, labels, steps=80)
    assert float(shares.sum()) == pytest.approx(1)
    assert int(shares.argmax()) == 0
    assert float(shares[0]) > 0.8
    assert scale > 1  # the right member should be trusted more
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_mixing_is_the_weighted_mean() -> None:
    members = [{"w": torch.tensor([float(i), 1.0]), "n": torch.tensor(i)} for i in (1, 3)]
    mixed = mix(members, torch.tensor([0.25, 0.75]))
    assert mixed["w"].tolist() == [2.5, 1.0]
    assert int(mixed["n"]) == 1


def test_mc_dropout_averages_every_mask() -> None:
    """With two features and rate 0.5 the exact mean over all four masks is known."""
    head = VeryLargeDropoutHead(2, 2, dropout_rate=0.5)
    features = torch.tensor([[1.0, -2.0]])
    exact = torch.zeros(1, 2)
    with torch.no_grad():
        for mask in product((0.0, 2.0), repeat=2):
            exact += head.linear(features * torch.tensor(mask)).softmax(1) / 4
    state = torch.random.get_rng_state()
    found = mc_dropout_logits(head.eval(), features, passes=4000)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.allclose(found.exp().float(), exact, atol=0.02)
    assert not head.training


def test_concatenation_uses_what_either_network_knows() -> None:
    """Each network sees one coordinate of a two-coordinate problem; together they see both."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(1200, 2, generator=generator)
    labels = (points[:, 0] > 0).long() * 2 + (points[:, 1] > 0).long()

    def accuracy(columns: list[Tensor]) -> float:
        train, test = [c[:800] for c in columns], [c[800:] for c in columns]
        logits = probe_concatenation(train, labels[:800], test, classes=4, steps=400)
        return float((logits.argmax(1) == labels[800:]).float().mean())

    first, second = points[:, :1], 1000 * points[:, 1:]
    assert accuracy([first, second]) > 0.9
    assert accuracy([first]) < 0.6


def test_eoa_takes_each_average_where_the_iid_accuracy_chooses() -> None:
    table = make_table()
    logits = {step: {"average": make_logits(table, step)} for step in (10, 20, 30)}
    rows = [{"step": step, "iid": iid} for step, iid in ((10, 0.2), (20, 0.9), (30, 0.8))]
    assert np.array_equal(average_logits(rows, logits), logits[20]["average"])


def test_the_iid_loss_is_the_mean_over_training_domains() -> None:
    table = make_table()
    logits = make_logits(table, 0)
    losses: dict[int, list[float]] = {}
    for row in range(len(table)):
        domain = int(table.domain[row])
        if table.held_out[row] and domain not in table.test_domains:
            values = torch.from_numpy(logits[row]).double()
            losses.setdefault(domain, []).append(
                -float(values.log_softmax(0)[int(table.label[row])])
            )
    expected = np.mean([np.mean(of_domain) for of_domain in losses.values()])
    assert iid_loss(logits, table) == pytest.approx(expected)
    assert int(iid_rows(table).sum()) == sum(map(len, losses.values()))


def test_an_auxiliary_backbone_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    torch.save({"state_dict": {"other": torch.zeros(1)}}, path)
    with pytest.raises(CheckpointError, match="no dropout_ft backbone"):
        load_backbone(nn.Linear(1, 1), path)  # type: ignore[arg-type]
    torch.save({"state_dict": {"model.backbone.weight": torch.ones(1, 1),
                               "model.backbone.bias": torch.ones(1)}}, path)  # fmt: skip
    backbone = nn.Linear(1, 1)
    load_backbone(backbone, path)  # type: ignore[arg-type]
    assert backbone.weight.item() == backbone.bias.item() == 1


def test_every_method_is_registered_in_the_tables_order() -> None:
    found = all_methods()
    assert list(found) == [
        "run", "zero-shot CLIP", "MC dropout", "WiSE-FT 0.5", "WiSE-FT", "trajectory ensemble",
        "trajectory average", "EMA", "SWA", "SWAD", "ensemble over runs", "EoA",
        "average over runs", "greedy soup", "DiWA, restricted", "learned soup", "Model Stock",
        "concatenation",
    ]  # fmt: skip
    # What evaluates a network again is kept beside the runs; scores of logits are not worth it.
    again = {"run", "trajectory ensemble", "trajectory average", "EMA", "ensemble over runs", "EoA"}
    assert {name for name, one in found.items() if not one.kept} == again
    assert all(one.order % 5 == 0 for one in found.values())  # room between them
    costly = {
        "zero-shot CLIP", "MC dropout", "WiSE-FT 0.5", "WiSE-FT", "SWA", "SWAD", "EoA",
        "greedy soup", "DiWA, restricted", "learned soup", "Model Stock", "concatenation",
    }  # fmt: skip
    assert {name for name, one in found.items() if one.asked} == costly


class OneNumber:
    """Stands in for a run's evaluation: weights are one number, and so is their accuracy."""

    def __init__(self, run: object) -> None:
        pass

    def scores(self, found: dict[str, Tensor]) -> dict[str, float]:
        return {"iid": min(float(found["w"]), 0.8), "ood": float(found["w"])}


@pytest.mark.parametrize(("name", "members"), [("greedy soup", 1), ("DiWA, restricted", 2)])
def test_soups_order_members_by_accuracies_evaluated_again(
    monkeypatch: pytest.MonkeyPatch, name: str, members: int
) -> None:
    """Logged accuracies, perhaps of another precision, say the contrary and play no part."""
    runs = [SimpleNamespace(w=0.6, logged=0.9), SimpleNamespace(w=1.2, logged=0.1)]
    for run in runs:
        run.along = lambda which, run=run: [{"iid": run.logged}]
    monkeypatch.setattr(soups, "check_same_tables", lambda runs: None)
    monkeypatch.setattr(soups, "Reevaluation", OneNumber)
    monkeypatch.setattr(soups, "final_weights", lambda run: {"w": torch.tensor(run.w)})
    (found,) = all_methods()[name].scores(cast("Any", runs), Options())
    assert found["members"] == members
    assert found["ood"] == pytest.approx(1.2 if members == 1 else 0.9)


def test_a_greedy_soup_leaves_out_what_changes_nothing() -> None:
    weights = [{"w": torch.tensor(1.0)}, {"w": torch.tensor(3.0)}]
    soup, chosen = soups.greedy_soup(weights, [0.5, 0.5], lambda found: 0.5)
    assert (float(soup["w"]), chosen) == (1.0, [0])
