"""Properties that scores, ensembles, averages and selection always have."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_ft.methods.base import summed
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.results.scores import accuracy, score, softmax
from dropout_ft.results.selection import select_iid, select_last
from holdfast.errors import CheckpointError, ConfigError
from tables_support import make_logits, make_table

SEEDS = st.integers(0, 10_000)


def slow_score(logits: np.ndarray, table: object) -> dict[str, float]:
    """Count picture by picture."""
    counts: dict[tuple[int, bool], list[int]] = {}
    for row, domain, out, label in zip(
        logits,
        table.domain,
        table.held_out,
        table.label,
        strict=True,  # type: ignore[attr-defined]
    ):
        best = max(range(len(row)), key=lambda k: (row[k], -k))
        counts.setdefault((int(domain), bool(out)), []).append(int(best == label))
    found = {}
    test = table.test_domains  # type: ignore[attr-defined]
    training = [d for d in range(3) if d not in test]
    found["iid"] = np.mean([np.mean(counts[d, True]) for d in training])
    found["ood"] = np.mean([np.mean(counts[d, True] + counts[d, False]) for d in test])
    found["ood_in"] = np.mean([np.mean(counts[d, False]) for d in test])
    return found


@given(SEEDS)
def test_scores_are_counts(seed: int) -> None:
    table = make_table(count=90, seed=seed)
    logits = make_logits(table, seed)
    found = score(logits, table)
    for key, value in slow_score(logits, table).items():
        assert found[key] == pytest.approx(value), key


@given(SEEDS, st.floats(0.01, 50), st.floats(-20, 20))
def test_scores_do_not_depend_on_scale_and_shift(seed: int, scale: float, shift: float) -> None:
    table = make_table(seed=seed)
    logits = np.round(make_logits(table, seed), 2).astype(np.float64)
    assert score(logits * scale + shift, table) == score(logits, table)


@given(SEEDS)
def test_perfect_and_opposite_logits(seed: int) -> None:
    table = make_table(seed=seed)
    right = np.eye(4)[table.label]
    assert score(right, table)["ood"] == 1
    assert score(-right, table)["ood"] == 0
    assert np.isnan(accuracy(np.zeros((0, 4)), np.zeros(0)))


@given(SEEDS, st.integers(2, 5))
def test_an_ensemble_of_equals_is_its_member(seed: int, count: int) -> None:
    table = make_table(seed=seed)
    logits = make_logits(table, seed)
    for average in ("logits", "probabilities"):
        found = score(summed([logits] * count, average), table)  # type: ignore[arg-type]
        assert found == pytest.approx(score(logits, table))


@given(SEEDS)
def test_the_order_of_members_does_not_matter(seed: int) -> None:
    table = make_table(seed=seed)
    members = [make_logits(table, seed + k) for k in range(3)]
    forth = score(summed(members, "logits"), table)
    back = score(summed(members[::-1], "logits"), table)
    assert forth == pytest.approx(back)


@given(SEEDS, st.integers(1, 6))
def test_a_trajectorys_last_row_is_the_ensemble_of_all(seed: int, start: int) -> None:
    table = make_table(seed=seed)
    logits = {step: make_logits(table, seed + step) for step in range(1, 8)}
    rows = trajectory_ensemble(logits, table, start_step=start)
    assert [row["step"] for row in rows] == list(range(start, 8))
    assert [row["members"] for row in rows] == list(range(1, 9 - start))
    total = np.sum([logits[step].astype(np.float64) for step in range(start, 8)], axis=0)
    expected = score(total, table)
    assert {key: rows[-1][key] for key in expected} == expected
    first = score(logits[start], table)
    assert {key: rows[0][key] for key in first} == first


@settings(deadline=None)
@given(SEEDS, st.floats(-300, 300))
def test_softmax_is_a_distribution_even_for_large_logits(seed: int, shift: float) -> None:
    logits = np.random.default_rng(seed).normal(scale=100, size=(7, 5)) + shift
    found = softmax(logits)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found >= 0).all()
    np.testing.assert_allclose(found, softmax(logits - shift), atol=1e-9)


def states(count: int, seed: int = 0) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        {
            "w": torch.randn(3, 2, generator=generator),
            "half": torch.randn(2, generator=generator).half(),
            "steps": torch.tensor(k + 1),
        }
        for k in range(count)
    ]


@given(st.integers(2, 6), SEEDS)
def test_an_average_lies_between_and_keeps_types(count: int, seed: int) -> None:
    members = states(count, seed)
    found = average_weights(members)
    stacked = torch.stack([member["w"] for member in members])
    torch.testing.assert_close(found["w"], stacked.double().mean(0).float())
    assert (found["w"] <= stacked.amax(0) + 1e-6).all()
    assert (found["w"] >= stacked.amin(0) - 1e-6).all()
    assert found["half"].dtype == torch.float16
    assert int(found["steps"]) == 1


def test_an_average_leaves_its_members_alone() -> None:
    members = states(3)
    before = [{name: value.clone() for name, value in member.items()} for member in members]
    average_weights(members)["w"].add_(5)
    for member, kept in zip(members, before, strict=True):
        for name, value in kept.items():
            assert torch.equal(member[name], value)


def test_averages_need_two_members_of_one_architecture() -> None:
    with pytest.raises(ConfigError, match="at least two runs"):
        average_weights(states(1))
    one, other = states(2)
    other["w"] = torch.zeros(4, 2)
    with pytest.raises(CheckpointError, match="another architecture"):
        average_weights([one, other])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_selection_takes_the_first_best_and_never_looks_at_the_test_domain(
    values: list[float],
) -> None:
    rows = [{"step": k, "iid": value, "ood": 1 - value} for k, value in enumerate(values)]
    chosen = select_iid(rows)
    assert chosen["step"] == values.index(max(values))
    assert select_iid([{**row, "ood": 0.5} for row in rows])["step"] == chosen["step"]
    assert select_last(rows) is rows[-1]


@pytest.mark.parametrize("select", [select_iid, select_last])
def test_nothing_to_select_from(select: object) -> None:
    with pytest.raises(ValueError, match="nothing to select"):
        select([])  # type: ignore[operator]
