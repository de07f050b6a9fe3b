"""Ranks of many trackers: references, properties, and the command on the toolkits' six frames."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from evaluation_support import analysis, results
from holdfast.errors import ConfigError
from sets_support import write, write_rows
from toolkit_support import SIX_PREDICTED, SIX_TRUE, SIX_VISIBLE, six_frames
from vl_track.app import APP
from vl_track.commands.evaluate import FILES, report_text, write_report
from vl_track.scoring.analysis import analyse
from vl_track.scoring.conventions import convention
from vl_track.scoring.leaderboard import agreements, holm, rank_intervals, ranks_of, standings
from vl_track.scoring.report import leaderboard_page as page
from vl_track.scoring.report.page import render_page
from vl_track.scoring.report.tables import SOME_FRAMES


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_ranks_are_those_of_scipy(values: list[int]) -> None:
    assert ranks_of(values) == rankdata(-np.array(values), method="min").tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_against_its_definition(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for position, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if (len(p_values) - position) * p_values[index] > level:
                break
            rejected.add(index)
        assert {k for k, p in enumerate(corrected) if p <= level} == rejected


def test_a_clear_order_has_sure_ranks_and_equal_trackers_have_not() -> None:
    generator = np.random.default_rng(0)
    base = generator.uniform(40, 60, 30)
    clear = np.stack([base + 10, base + 5, base])
    low, high = rank_intervals(clear, samples=500)
    assert low.tolist() == high.tolist() == [1, 2, 3]
    even = np.stack([base + generator.normal(0, 5, 30) for _ in range(3)])
    low, high = rank_intervals(even, samples=500)
    assert (high > low).any()
    low, high = rank_intervals(np.stack([base, base]), samples=100)
    assert low.tolist() == high.tolist() == [1, 1]  # equal trackers share the better rank


def test_rank_intervals_against_a_slow_count() -> None:
    aucs = np.random.default_rng(1).uniform(0, 100, (4, 6))
    low, high = rank_intervals(aucs, samples=200, seed=3)
    drawn = np.random.default_rng(3).integers(0, 6, (200, 6))
    ranks = [ranks_of(aucs[:, chosen].mean(axis=1)) for chosen in drawn]
    for tracker in range(4):
        own = sorted(one[tracker] for one in ranks)
        assert own[0] <= low[tracker] <= high[tracker] <= own[-1]
        inside = sum(low[tracker] <= rank <= high[tracker] for rank in own)
        assert inside >= 0.95 * 200


def test_standings_go_by_the_mean_auc_and_hold_every_toolkits_rank() -> None:
    found = standings(analysis(results=[results("b", 2), results("a", 0), results("c", 1)]),
                      samples=100)  # fmt: skip
    assert [one.scored.tracker for one in found] == ["a", "c", "b"]
    assert [one.rank for one in found] == [1, 2, 3]
    assert found[-1].p_next is None
    for title in found[0].ranks:
        aucs = [one.scored.by_convention[title]["auc"] for one in found]
        assert [one.ranks[title] for one in found] == ranks_of(aucs)


def test_pairs_that_two_toolkits_order_differently_are_named() -> None:
    found = standings(analysis(results=[results("a", 0), results("b", 1)]), samples=50)
    first, second = list(found[0].ranks)[:2]
    turned = [
        type(one)(**{**vars(one), "ranks": {**one.ranks, first: 1 + k, second: 2 - k}})
        for k, one in enumerate(found)
    ]
    one = agreements(turned)[0]
    assert (one.toolkits, one.swapped, one.pairs) == ((first, second), (("a", "b"),), 1)
    assert "order 1 of 1 pairs differently: a and b." in page.agreement_text(one)
    assert "place of 2 of 2 trackers depends on the toolkit (a, b)" in page.summary(turned)


def test_the_lead_is_over_the_second_whoever_was_given_first() -> None:
    given = analysis(results=[results("far", 2), results("near", 0), results("mid", 1)])
    found = standings(given, samples=100)
    ahead = found[0].scored.auc.mean - found[1].scored.auc.mean
    said = page.lead(given, found)
    assert said.startswith("near is first of 3 trackers")
    assert f"{ahead:.1f} points ahead of mid" in said


def test_toolkits_do_not_score_clips_of_which_some_frames_are_annotated() -> None:
    """Was: frames nobody had looked at were absent ones, and "the other toolkits" said 7.6 %."""
    true = replace(six_frames(name="seq_1"), every_frame=False)
    given = [results("a", 0, 2), results("b", 1, 2)]
    with pytest.raises(ConfigError, match=r"some of its frames only.*give --convention plain"):
        analyse([true], given, convention("stark"), dataset="clips")
    found = analyse([true], given, convention("plain"), dataset="clips", samples=50)
    assert not found.trackers[0].by_convention
    assert SOME_FRAMES in report_text(found)
    assert SOME_FRAMES in render_page(found)
    ranks = standings(found, samples=50)
    assert SOME_FRAMES in page.summary(ranks)
    assert "How the ranking changes" not in page.render_leaderboard(found, ranks)


def test_a_table_without_rows_is_not_written(tmp_path: Path) -> None:
    """toolkits.csv and attributes.csv of clips held a header and nothing else."""
    whole = [six_frames(name="seq_1")]
    given = [results("a", 0, 2), results("b", 1, 2)]
    write_report(analyse(whole, given, convention("plain"), dataset="lasot", samples=50), tmp_path)
    assert (tmp_path / "toolkits.csv").is_file()
    some = [replace(whole[0], every_frame=False)]
    found = analyse(some, given, convention("plain"), dataset="clips", samples=50)
    written = write_report(found, tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert {path.name for path in written} == set(FILES) - {"toolkits.csv", "attributes.csv"}


def test_scores_are_written_as_other_records_are(tmp_path: Path) -> None:
    """A figure that is not finite was written as NaN, which is no JSON."""
    found = analysis()
    found.trackers[0].figures["auc"] = float("nan")
    write_report(found, tmp_path)
    text = (tmp_path / "scores.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["trackers"]["one"]["scores"]["auc"] is None


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Annotations of three sequences and the results of three trackers on them."""
    for name in ("one", "two", "three"):
        write_rows(tmp_path / f"annotations/groundtruth/{name}.txt", SIX_TRUE)
        absent = "".join(f"{int(not v)}\n" for v in SIX_VISIBLE)
        write(tmp_path / f"annotations/absent/{name}.txt", absent)
        write(tmp_path / f"annotations/attributes/{name}.txt", ",".join("0" * 14))
        for tracker, shift in (("far", 9), ("near", 0), ("<b>mid", 4)):
            boxes = np.array(SIX_PREDICTED) + np.array([shift, 0, 0, 0])
            write_rows(tmp_path / f"raw/{tracker}/{name}.txt", boxes)
    return tmp_path


def test_the_command_writes_page_and_table(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["leaderboard", str(raw / "raw"), "--annotations", str(raw / "annotations"),
             "--samples", "100", "--out", str(raw / "out")]  # fmt: skip
    assert APP.main(words) == 0
    printed = capsys.readouterr().out
    assert printed.index("near") < printed.index("mid") < printed.index("far")
    rows = list(csv.DictReader((raw / "out/leaderboard.csv").read_text().splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    text = (raw / "out/leaderboard.html").read_text()
    assert "&lt;b&gt;mid" in text
    assert "<b>mid" not in text
    assert "near is first of 3 trackers" in text
    assert "points ahead of &lt;b&gt;mid" in text


def test_the_folder_may_be_below_home(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(raw))
    monkeypatch.chdir(raw)
    words = ["leaderboard", str(raw / "raw"), "--annotations", str(raw / "annotations")]
    assert APP.main([*words, "--samples", "100", "--out", "~/page"]) == 0
    assert (raw / "page/leaderboard.html").is_file()
    assert not (raw / "~").exists()


def test_one_tracker_is_no_leaderboard(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["leaderboard", str(raw / "raw/near"), "--annotations", str(raw / "annotations")]
    assert APP.main(words) != 0
    assert "a leaderboard needs two or more" in capsys.readouterr().err


def test_the_page_never_replaces_annotations(raw: Path) -> None:
    words = ["leaderboard", str(raw / "raw"), "--annotations", str(raw / "annotations"),
             "--out", str(raw / "annotations")]  # fmt: skip
    assert APP.main(words) != 0
