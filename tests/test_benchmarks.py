"""The benchmark's arithmetic and its conversation with peers; nothing here is a timed test."""

import json
import mmap
import re
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks import child, kept
from benchmarks.__main__ import PATHS, as_json, main, markdown
from benchmarks.first_step import SayFirstStep, first_step
from benchmarks.measure import (
    CPU_TIME,
    Results,
    Row,
    Skip,
    alternate,
    commands,
    each,
    machine,
    run_command,
)
from benchmarks.table import line, seconds

from conftest import REPOSITORY
from holdfast.data.jpeg import decode_jpeg


def row(ours: list[float], theirs: list[float], aim: float = 2.0) -> Row:
    return Row(path="p", unit="u", peer="x", ours=ours, theirs=theirs, aim=aim, note="n")


def test_ratios_are_of_each_round_so_that_a_busy_machine_slows_both_sides() -> None:
    found = row([1.0, 10.0, 2.0], [3.0, 30.0, 5.0])
    assert found.ratio == 3.0
    assert found.spread == (2.5, 3.0)
    assert found.reached
    assert not row([1.0], [1.9]).reached


def test_without_a_peer_the_aim_is_in_seconds() -> None:
    assert row([0.5, 0.6, 0.9], [], aim=1.0).reached
    assert not row([1.5, 1.6, 0.9], [], aim=1.0).reached
    assert row([0.5, 2.0], [], aim=1.0).spread == (0.5, 2.0)


def test_the_first_step_says_when_it_ended_and_no_other_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = time.time()
    for step in (1, 2):
        SayFirstStep().on_train_batch_end(SimpleNamespace(global_step=step), None, None, None, 0)  # type: ignore[arg-type]
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) == 1
    assert before - 0.01 <= first_step("a warning\n" + printed) <= time.time() + 0.01


def test_sides_take_turns_and_the_first_round_only_warms_up() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    ours, theirs = alternate(lambda: side("a"), lambda: side("b"), 2)
    assert order == ["a", "b"] * 3
    assert (ours, theirs) == ([3.0, 5.0], [4.0, 6.0])
    alone, nobody = alternate(lambda: side("c"), None, 1)
    assert len(alone) == 1
    assert nobody == []


def test_seconds_are_of_one_unit() -> None:
    calls: list[int] = []
    assert 0 <= each(lambda: calls.append(1), 7) < 1
    assert len(calls) == 7


def test_seconds_of_cpu_do_not_count_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert each(lambda: time.sleep(0.05), 1) >= 0.05
    monkeypatch.setenv(CPU_TIME, "1")
    assert each(lambda: time.sleep(0.05), 1) < 0.04


def test_the_table_says_what_was_measured_and_what_was_not() -> None:
    results = Results(rows=[row([0.1], [0.35])], skipped=[("tracker", "no peer")])
    text = markdown(results)
    assert "| p | 100 ms | x: 350 ms | 3.50x (3.50x to 3.50x) | 2.00x | yes | - |" in text
    assert "- tracker: not measured: no peer." in text
    assert machine()["processor"] in text
    record = json.loads(json.dumps(as_json(results)))
    assert record["rows"][0]["ratio"] == pytest.approx(3.5)
    assert record["rows"][0]["ours"] == [0.1]


def test_a_row_tells_the_peak_memory_of_its_own_work() -> None:
    """Was: no memory; and a process's peak once reached would hide every later row's."""

    def hold() -> float:
        # Pages of its own: an allocation may be served from what a large process has freed.
        with mmap.mmap(-1, 100 * 2**20) as pages:
            pages[::4096] = b"x" * (len(pages) // 4096)
        return 1.0

    ours, theirs = alternate(hold, lambda: 1.0, 1)
    assert 95 < ours.megabytes - theirs.megabytes < 130
    one = Row(path="p", unit="u", peer="x", ours=ours, theirs=theirs, aim=1.0, note="n",
              most_megabytes=1.0)  # fmt: skip
    assert not one.reached, "fast enough, and too large"
    assert f"{ours.megabytes:,.0f} MB, {theirs.megabytes:,.0f} MB |" in line(one)
    done = run_command([sys.executable, "-c", "x = b'x' * 200 * 2**20; print('hi')"])
    assert 200 < done.megabytes < 260
    assert done.said == "hi\n"
    assert commands([done, done]).megabytes == done.megabytes
    with pytest.raises(Skip, match=r"failed: .*no such thing"):
        run_command([sys.executable, "-c", "raise SystemExit('no such thing')"])


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.000234, "0.23 ms"), (0.0392, "39.2 ms"), (4.86, "4.86 s"), (96.2, "96.2 s"),
     (205.0, "3 min 25 s"), (139000.0, "38 h 36 min")],
)  # fmt: skip
def test_times_are_said_as_people_say_them(value: float, said: str) -> None:
    """Was: 4.86e+03 ms."""
    assert seconds(value) == said


def test_many_a_second_are_a_rate_and_a_floor_stands_where_the_aim_is_not_reached() -> None:
    one = Row(path="p", unit="frame", peer="x", ours=[0.25], theirs=[0.26], aim=1.5, note="n",
              floor=0.2)  # fmt: skip
    assert "| p | 4.00 frames/s | x: 3.85 frames/s |" in line(one)
    assert "| no; at most 5.00 frames/s on that machine |" in line(one)
    assert "e+" not in line(row([139.0], [139000.0]))


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A peer's checkout with a module of its own, and a place for workers."""
    (tmp_path / "peers/Other").mkdir(parents=True)
    (tmp_path / "peers/Other/theirs.py").write_text("def work():\n    return 1\n")
    workers = tmp_path / "workers"
    workers.mkdir()
    (workers / "worker.py").write_text((child.WORKERS / "worker.py").read_text())
    monkeypatch.setenv("HOLDFAST_PEERS", str(tmp_path / "peers"))
    monkeypatch.setattr(child, "WORKERS", workers)
    monkeypatch.setitem(child.PEERS, "Other", "someone/Other")
    return workers


def test_a_worker_uses_the_peers_own_code(peer: Path) -> None:
    (peer / "good.py").write_text(
        "from worker import first_line, serve, stand_in\n"
        "setting = first_line()\n"
        "stand_in('absent_thing.deep')\n"
        "from absent_thing.deep import anything\n"
        "import theirs\n"
        "print('noise on stdout')\n"
        "serve(theirs.work, lambda: {'said': setting['word']})\n"
    )
    with child.Child("good.py", "Other", {"word": "hello"}) as one:
        assert 0 <= one.seconds(5) < 1
        assert one.ask({"count": 1})["said"] == "hello"
    assert one.process.poll() is not None


def test_a_worker_that_dies_is_a_reason_to_skip(peer: Path) -> None:
    (peer / "bad.py").write_text("import not_there_at_all\n")
    with pytest.raises(Skip, match=r"Other does not run here: .*not_there_at_all"):
        child.Child("bad.py", "Other", {})


def test_an_absent_peer_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOLDFAST_PEERS", str(tmp_path))
    with pytest.raises(Skip, match="clone facebookresearch/DomainBed"):
        child.checkout("DomainBed")
    monkeypatch.setattr(
        "sys.argv", ["benchmarks", "evaluation", "--rounds", "1", "--out", str(tmp_path / "o")]
    )
    assert main() == 0
    said = capsys.readouterr().out
    for name, repository in (("pytracking", "visionml/pytracking"), ("got10k", "got-10k/toolkit")):
        assert f"evaluating LaSOT-280 beside {name}: not measured" in said
        assert f"clone {repository} there" in said
    assert json.loads((tmp_path / "o/bench.json").read_text())["rows"] == []


def test_every_path_has_a_file_and_unknown_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {p.stem for p in (Path(child.__file__).parent / "paths").glob("*.py")}
    assert files - {"__init__"} == set(PATHS)
    monkeypatch.setattr("sys.argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit):
        main()
    assert "there is no path speed" in capsys.readouterr().err


def test_material_is_real_jpeg_in_the_layouts_the_readers_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.material import SIDES, domain_folder, lasot_tree

    from dropout_ft.data.folder import scan
    from vl_track.data.sets.lasot import LaSOT

    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path / "none"))
    assert "synthetic" in domain_folder(tmp_path / "pictures", each=2)
    assert [len(domain.paths) for domain in scan(tmp_path / "pictures")] == [8, 8, 8]
    assert "synthetic" in lasot_tree(tmp_path / "lasot", frames=3)
    videos = LaSOT(tmp_path / "lasot", "train")
    assert len(videos) == len(SIDES)
    assert videos[0].frame(0).shape == (720, 1280, 3)
    assert decode_jpeg(videos[0].images[0].read_bytes()) is not None
    assert not videos[0].faults


def test_new_rows_take_the_place_of_old_ones_and_keep_where_they_were_measured() -> None:
    old = {"rows": [{**asdict(row([1.0], [2.0])), "where": "long ago"}]}
    results = Results(rows=[row([0.5], [2.0]), row([9.0], [], aim=10.0)])
    results.rows[1] = replace(results.rows[1], path="other")
    new = as_json(results)
    kept.put(old, json.loads(json.dumps(new)))
    assert [one["path"] for one in old["rows"]] == ["p", "other"]
    assert old["rows"][0]["ours"] == [0.5]
    assert str(new["date"]) in old["rows"][0]["where"]
    assert [one.ratio for one in kept.rows_of(old)] == [4.0, 10.0 / 9.0]
    assert "| p | 500 ms | x: 2.00 s | 4.00x" in "\n".join(kept.page(old))


def test_the_page_shows_the_kept_results_in_units_that_people_use() -> None:
    """Was: a table written by hand, with 4.86e+03 ms in it."""
    text = (REPOSITORY / "docs/performance.md").read_text()
    found = json.loads((REPOSITORY / "docs/results/bench.json").read_text())
    for one in kept.rows_of(found):
        assert line(one) in text, "run python -m benchmarks.kept docs/results/bench.json"
    assert not re.search(r"\de[+-]\d\d (ms|s)|\de\+", text)
