"""Successive halving keeps the pairs, its time budget, and what the card says would change it."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import pytest

from dropout_ft.advice import racing
from dropout_ft.advice.card import changes
from dropout_ft.advice.choosing import Key, Split, Trajectory, rank
from dropout_ft.advice.racing import race, rungs, survivors

SPLITS: list[Split] = [(name, 0) for name in "abcdefgh"]
GOOD, NEAR, BAD, WORST = ("net", 0.5), ("net", 0.0), ("net", 0.9), ("net", 0.99)
LEVEL = {GOOD: 0.8, NEAR: 0.79, BAD: 0.6, WORST: 0.3}


def trajectory(key: Key, split: Split, value: float) -> Trajectory:
    return Trajectory(backbone=key[0], dropout_rate=key[1], split=split, curve=((10, value),),
                      iid=(0.9,), seconds=1.0)  # fmt: skip


def value_of(key: Key, split: Split) -> float:
    """Domains differ by far more than candidates do; candidates by domain a little."""
    place = SPLITS.index(split)
    noise = 0.04 * (-1) ** place if key == NEAR else 0.002 * place * LEVEL[key]
    return LEVEL[key] - 0.03 * place + noise


class Trainer:
    def __init__(self) -> None:
        self.calls: list[list[tuple[Key, Split]]] = []

    def __call__(self, wanted: Sequence[tuple[Key, Split]]) -> list[Trajectory]:
        self.calls.append(list(wanted))
        return [trajectory(key, split, value_of(key, split)) for key, split in wanted]


def test_rungs_double_and_end_with_all() -> None:
    assert [rungs(n) for n in (1, 2, 3, 4, 8, 9)] == [
        [1], [2], [2, 3], [2, 4], [2, 4, 8], [2, 4, 8, 9]
    ]  # fmt: skip


def test_who_is_clearly_behind_goes_and_who_is_left_is_paired() -> None:
    trainer = Trainer()
    found = race([NEAR, GOOD, BAD, WORST], SPLITS, trainer)
    assert len(trainer.calls[0]) == 8  # all four on two splits
    assert {key for key, _ in trainer.calls[1]} == {NEAR, GOOD}
    ran = {key: [t.split for t in found if (t.backbone, t.dropout_rate) == key] for key in LEVEL}
    assert ran[NEAR] == ran[GOOD] == SPLITS
    assert ran[BAD] == ran[WORST] == SPLITS[:2]
    ranked = rank(found)
    assert [(c.dropout_rate, c.splits) for c in ranked] == [
        (0.5, 8), (0.0, 8), (0.9, 2), (0.99, 2)
    ]  # fmt: skip


def test_easy_domains_do_not_put_who_was_left_out_first() -> None:
    """Its mean over the first, easy domains is higher than the best's over all of them."""
    own = [trajectory(GOOD, s, v) for s, v in zip(SPLITS, [0.9, 0.9, 0.2, 0.2], strict=False)]
    other = [trajectory(BAD, s, 0.7) for s in SPLITS[:2]]
    best, second = rank([*own, *other])
    assert (best.dropout_rate, second.dropout_rate) == (0.5, 0.9)
    assert second.ood > best.ood
    assert second.behind == pytest.approx(0.2)


def test_the_worse_half_stays_where_it_is_not_told_apart() -> None:
    """One split tells nothing apart; two that disagree do not either."""
    keys = [GOOD, NEAR, BAD, WORST]
    one = [trajectory(key, SPLITS[0], LEVEL[key]) for key in keys]
    assert survivors(keys, one) == keys
    noisy = [trajectory(key, s, v) for key in keys for s, v in
             zip(SPLITS, [LEVEL[key], 1 - LEVEL[key]], strict=False)]  # fmt: skip
    assert survivors(keys, noisy) == keys


def test_the_budget_ends_between_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute a run: the first rung takes 4, the next would end at 8, one more for the final."""
    for minutes, calls in ((8.5, 1), (9.5, 2), (0.0, 3)):
        clock, trainer = [0.0], Trainer()

        def timed(
            wanted: Sequence[tuple[Key, Split]], clock: list[float] = clock, own: Trainer = trainer
        ) -> list[Trajectory]:
            clock[0] += 60.0 * len(wanted)
            return own(wanted)

        monkeypatch.setattr(racing.time, "monotonic", lambda clock=clock: clock[0])
        found = race([NEAR, GOOD], SPLITS, timed, minutes=minutes)
        assert len(trainer.calls) == calls
        assert len({c.splits for c in rank(found)}) == 1


@pytest.mark.parametrize(("minutes", "workers", "calls"), [(4.5, 1, 1), (5.5, 1, 3), (3.0, 2, 3)])
def test_runs_that_are_read_back_cost_nothing_but_tell_the_time(
    monkeypatch: pytest.MonkeyPatch, minutes: float, workers: int, calls: int
) -> None:
    """Each took a minute in an earlier call; were: 0 s a run, so that no budget ever ended."""
    monkeypatch.setattr(racing.time, "monotonic", lambda: 0.0)
    trainer = Trainer()

    def read_back(wanted: Sequence[tuple[Key, Split]]) -> list[Trajectory]:
        return [replace(one, seconds=60.0) for one in trainer(wanted)]

    race([NEAR, GOOD], SPLITS[:5], read_back, minutes=minutes, workers=workers)
    assert len(trainer.calls) == calls


def test_what_would_change_the_advice() -> None:
    found = race([NEAR, GOOD, BAD], SPLITS, Trainer())
    ranked = rank(found)
    lines = changes(ranked, most_steps=10, splits=9, dropout_rates=[0.0, 0.5])
    assert any("rate 0.9 was left out after 2 of 9" in line for line in lines)
    near = ranked[1]
    assert near.alike
    needed = ceil(near.splits * (2 * near.behind_error / near.behind) ** 2)
    assert needed > near.splits
    assert any(f"about {needed} would do it" in line for line in lines)
    assert any("best step is the last one" in line for line in lines)
    assert any("at the end of those tried" in line for line in lines)
    assert any("after 8 of 9" in line for line in lines)
    calm = changes(ranked[:1], most_steps=20, splits=8, dropout_rates=[0.0, 0.5, 0.9])
    assert calm == []
