"""Tables, figures and the page of an evaluation: right numbers, and where they come from."""

import csv
import io
import struct
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from evaluation_support import ATTRIBUTES, analysis, results, truths
from holdfast.errors import ConfigError, DataError
from vl_track.scoring.conventions import Name, convention
from vl_track.scoring.curves import CURVES, SUCCESS, Curve, curves_of
from vl_track.scoring.evaluating import reference_first
from vl_track.scoring.raw_results import Finding
from vl_track.scoring.report import figures, tables
from vl_track.scoring.report.answer import answer
from vl_track.scoring.report.page import render_page
from vl_track.scoring.scores import score
from vl_track.scoring.uncertainty import compare


def test_the_main_table_holds_the_scores() -> None:
    found = analysis()
    table = tables.main_table(found)
    assert table[0][:2] == ["tracker", "AUC"]
    assert [row[0] for row in table[1:]] == ["two_x", "one"]  # the best first
    for row, one in zip(table[1:], found.trackers[::-1], strict=True):
        figure = score(truths(), results(one.tracker, 1.0 if one.tracker == "one" else 0).boxes,
                       convention("stark")).figures()  # fmt: skip
        assert row[0] == one.tracker
        assert row[1] == f"{figure['auc']:.2f}"
        assert row[5] == f"{figure['precision']:.2f}"
        low, high = (float(part) for part in row[2].split("-"))
        assert low <= figure["auc"] + 0.06
        assert figure["auc"] <= high + 0.06
    assert [row[9] for row in table[1:]] == ["", "50.0"]
    assert table[1][8] != ""  # compared with the first one given, which is the last row
    assert table[2][8] == ""


def test_webuav3ms_scores_have_columns_of_their_own() -> None:
    table = tables.main_table(analysis("mmot"))
    columns = [table[0].index(name) for name in ("cAUC", "mAcc")]
    assert all(0 < float(row[column]) < 100 for row in table[1:] for column in columns)
    assert "cAUC" not in tables.main_table(analysis())[0]


def test_the_first_tracker_is_compared_with_the_others() -> None:
    found = analysis()
    first, second = found.trackers
    assert first.versus is None
    expected = compare(first.scores.sequence_auc(), second.scores.sequence_auc(), samples=200)
    assert second.versus == expected


def test_toolkits_stand_side_by_side() -> None:
    found = analysis()
    table = tables.toolkit_table(found)
    titles = [row[1] for row in table[1:] if row[0] == "one"]
    assert titles == [
        "stark (label 'lasot')", "pytracking (label 'lasot')", "matlab", "got10k", "mmot",
        "stark (label 'any other label')",
    ]  # fmt: skip
    for row in table[1:]:
        own = next(one for one in found.trackers if one.tracker == row[0]).by_convention[row[1]]
        assert row[2] == f"{own['auc']:.4f}"
        assert row[7] == f"{own['normalised_precision']:.4f}"
    other = analysis(dataset="tnl2k")
    assert other.rules.label == "lasot"


def test_attributes_of_one_sequence_are_left_out() -> None:
    found = analysis()
    assert found.attributes == sorted(ATTRIBUTES[:3])
    table = {row[0]: row for row in tables.attribute_table(found)[1:]}
    assert set(table) == set(ATTRIBUTES[:3])
    chosen = [k for k, true in enumerate(truths()) if "rotation" in true.attributes]
    assert table["rotation"][1] == str(len(chosen))
    auc = found.trackers[0].scores.sequence_auc()[chosen].mean()
    assert table["rotation"][2] == f"{auc:.2f}"


def test_sequences_are_ranked_by_the_first_tracker() -> None:
    found = analysis()
    rows = tables.sequence_table(found)[1:]
    assert len(rows) == 6
    assert [float(row[2]) for row in rows] == sorted(float(row[2]) for row in rows)
    auc = dict(zip(found.trackers[1].scores.names, found.trackers[1].scores.sequence_auc(),
                   strict=True))  # fmt: skip
    for name, frames, _, second in rows:
        assert frames == "6"
        assert second == f"{auc[name]:.2f}"


@pytest.mark.parametrize("toolkit", ["stark", "pytracking", "matlab", "got10k", "mmot"])
def test_every_format_says_its_convention(toolkit: Name) -> None:
    found = analysis(toolkit)
    note = tables.footnote(found)
    title = found.rules.title
    assert f"convention {title};" in note
    table = tables.main_table(found)
    assert title in tables.as_csv(table, note)
    assert title in tables.as_latex(table, note)
    record = tables.as_record(found)
    assert record["convention"] == title
    for tracker in record["trackers"].values():
        assert tracker["scores"]["convention"] == title
    assert title in unescape(render_page(found))


def test_what_was_done_to_the_results_is_said() -> None:
    assert "coordinates as saved" in tables.footnote(analysis())
    assert "cut to whole numbers" in tables.footnote(analysis(truncated=True))
    gaps = [results("one", 1, count=4), results("two", 0)]
    skipped = analysis(results=gaps, missing="skip")
    assert "2 sequences have no result and are left out" in tables.footnote(skipped)
    assert "seq_4, seq_5" in tables.footnote(skipped)
    assert len(skipped.truths) == 4
    zero = analysis(results=gaps, missing="zero")
    assert len(zero.truths) == 6
    assert zero.left_out == ()
    assert zero.trackers[0].figures["auc"] < skipped.trackers[0].figures["auc"]
    with pytest.raises(DataError, match=r"one has no readable result for 2 of 6 .*seq_4, seq_5"):
        analysis(results=gaps)


def test_csv_is_csv_and_latex_escapes() -> None:
    found = analysis()
    table = tables.main_table(found)
    rows = list(csv.reader(io.StringIO(tables.as_csv(table, "a, note"))))
    assert rows[0][:-1] == table[0]
    assert [row[-1] for row in rows] == ["how", "a, note", "a, note"]
    latex = tables.as_latex(table, "note")
    assert r"two\_x" in latex
    assert r"95 \%" in latex
    assert latex.count(r"\\") == 3
    assert latex.count("&") == 3 * (len(table[0]) - 1)


def test_text_is_aligned() -> None:
    lines = tables.as_text([["a", "bb"], ["long name", "1"], ["c", "22.5"]]).splitlines()
    assert lines == ["a            bb", "long name     1", "c          22.5"]


def test_findings_are_listed_up_to_a_bound() -> None:
    found = tuple(Finding(sequence=f"seq_{k}", kind="short", text=f"text {k}.") for k in range(20))
    one = analysis(results=[results("one", 1, findings=found)]).trackers
    said = tables.say_findings(one, most=3)
    assert said.splitlines() == [
        "one: text 0.", "one: text 1.", "one: text 2.",
        "one: 17 more such findings (see the JSON)",
    ]  # fmt: skip
    assert tables.say_findings(analysis().trackers) == ""


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])  # type: ignore[return-value]


def test_figures_are_images_and_the_same_each_time() -> None:
    found = analysis()
    drawn = [figures.curve_plot(found, curve) for curve in curves_of(found.rules)]
    again = [figures.curve_plot(found, curve) for curve in curves_of(found.rules)]
    assert drawn == again
    assert len(set(drawn)) == 3
    radar = figures.attribute_radar(found)
    assert radar == figures.attribute_radar(found)
    assert all(min(size_of(image)) > 300 for image in [*drawn, radar])


def test_many_trackers_have_their_own_lines() -> None:
    many = [results(f"t{k}", float(k + 1)) for k in range(9)]
    found = analysis(results=many)
    assert len({figures._style(index) for index in range(len(found.trackers))}) == 9
    assert figures.curve_plot(found, SUCCESS).startswith(b"\x89PNG")


def test_a_metric_is_one_entry_of_the_list_of_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Table, JSON, plots and page used to name the three curves one by one."""
    distance = Curve(
        name="corner_distance",
        thresholds=lambda rules: np.arange(31.0),
        per_frame=lambda aligned, rules: np.abs(aligned.predicted - aligned.truth)[:, 0],
        summary=lambda curve, rules: {"corner_10": float(curve[10])},
        passes="within",
        columns={"corner_10": "C10"},
        legend="corner_10",
        axis="distance of the left sides, pixels",
        caption="Left sides",
    )
    monkeypatch.setattr("vl_track.scoring.curves.CURVES", [*CURVES, distance])
    found = analysis()
    table = tables.main_table(found)
    assert table[1][table[0].index("C10")] == f"{found.trackers[0].figures['corner_10']:.2f}"
    record = tables.as_record(found)["trackers"]["one"]
    assert len(record["curves"]["corner_distance"]) == 31
    assert "Left sides" in render_page(found)


class Page(HTMLParser):
    """Collects tags that are open, addresses and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img", "br", "link"}:
            self.open.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"h1", "h2"}:
            self.headings.append(data.strip())


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    page = Page()
    page.feed(render_page(analysis()))
    assert page.open == []
    assert len(page.addresses) == 4
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert page.headings[0] == "lasot: one, two_x"
    assert "What would the other toolkits say?" in page.headings


def test_many_trackers_are_counted_in_the_title_and_their_comparisons_folded() -> None:
    """Seven names filled a phone's first screen, six sentences of comparison the second."""
    many = [results(f"tracker_{k}", float(k + 1)) for k in range(5)]
    text = render_page(analysis(results=many))
    assert "<h1>lasot: 5 trackers</h1>" in text
    shown, folded = text.split("<details>")
    assert (shown.count(" minus "), folded.count(" minus ")) == (2, 2)


def test_a_page_without_attributes_has_no_radar() -> None:
    page = Page()
    text = render_page(analysis(truths=truths(attributes=False)))
    page.feed(text)
    assert len(page.addresses) == 3
    assert "AUC by attribute" not in text
    assert "Nothing: every result is there" in text


def test_names_cannot_inject_markup() -> None:
    evil = results("<script>alert(1)</script>", 1)
    text = render_page(analysis(results=[evil]))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_answer_says_who_leads_and_whether_chance_explains_it() -> None:
    found = analysis(results=[results("one", 1), results("two", 0), results("three", 2)])
    best, reference = (
        next(o for o in found.trackers if o.tracker == name) for name in ("two", "one")
    )
    said = answer(found)
    assert said.startswith(f"two reaches AUC {best.figures['auc']:.1f} on 6 sequences of lasot")
    assert "the highest of 3 trackers" in said
    lead = best.scores.sequence_auc().mean() - reference.scores.sequence_auc().mean()
    assert f"{lead:+.1f} points above that of one" in said


def test_the_answer_compares_a_reference_that_leads_with_the_next() -> None:
    found = analysis(results=[results("two", 0), results("three", 2), results("one", 1)])
    lead = (
        found.trackers[0].scores.sequence_auc().mean()
        - found.trackers[2].scores.sequence_auc().mean()
    )
    assert f"{lead:+.1f} points above that of one" in answer(found)


def test_equal_trackers_are_not_told_from_chance() -> None:
    assert "not told from chance" in answer(analysis(results=[results("a", 1), results("b", 1)]))


def test_the_answer_of_one_tracker_says_what_the_toolkits_make_of_it() -> None:
    found = analysis(results=[results("one", 1)])
    aucs = [figures["auc"] for figures in found.trackers[0].by_convention.values()]
    assert f"give {min(aucs):.1f} to {max(aucs):.1f} for the same boxes" in answer(found)


def test_toolkits_that_agree_share_a_row() -> None:
    table = [["tracker", "toolkit", "AUC"], ["a", "x", "1"], ["a", "y", "2"], ["a", "z", "1"],
             ["b", "x", "1"]]  # fmt: skip
    assert tables.collapsed(table) == [
        ["tracker", "toolkit", "AUC"], ["a", "x, z", "1"], ["a", "y", "2"], ["b", "x", "1"],
    ]  # fmt: skip


def test_a_reference_is_put_in_front_by_its_name() -> None:
    found = [results("one", 1), results("two", 0)]
    assert [one.tracker for one in reference_first(found, "two")] == ["two", "one"]
    assert reference_first(found, None) == found
    with pytest.raises(ConfigError, match=r"no results of 'tow'.*Did you mean 'two'"):
        reference_first(found, "tow")


@pytest.mark.parametrize(("count", "least"), [(5, 0.0625), (14, 2**-13), (15, 1 / 201)])
def test_the_smallest_p_value_that_can_be_found(count: int, least: float) -> None:
    """With five sequences p = 0.0625 is all that the test can give, however clear the lead."""
    found = compare(np.full(count, 2.0), np.ones(count), samples=200)
    assert found.least_p == pytest.approx(least)
    assert found.p_value >= found.least_p
    if count <= 14:
        assert found.p_value == pytest.approx(least)
