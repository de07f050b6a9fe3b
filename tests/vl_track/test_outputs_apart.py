"""No command of vl-track destroys what it reads, and none writes among a data set's files."""

from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.outputs import check_files
from vl_track.app import APP


def test_files_are_checked_before_any_work(tmp_path: Path) -> None:
    there = tmp_path / "a.txt"
    there.write_text("a")
    (tmp_path / "hard.txt").hardlink_to(there)
    for given in (there, tmp_path / "hard.txt"):
        with pytest.raises(ConfigError, match="is an input"):
            check_files([there], [given], overwrite=True)
    with pytest.raises(ConfigError, match="give --overwrite"):
        check_files([there])
    with pytest.raises(ConfigError, match="is a folder"):
        check_files([tmp_path], overwrite=True)
    with pytest.raises(ConfigError, match="two outputs"):
        check_files([tmp_path / "b", tmp_path / "x/../b"])
    check_files([there], ["rtsp://camera", tmp_path], overwrite=True)


@pytest.mark.parametrize(
    "words",
    [
        ["benchmark", "lasot", "--folder", "{in}", "--out", "{in}/results"],
        ["benchmark", "lasot", "--folder", "{in}/lasot", "--weights", "{in}", "--out", "{in}"],
        ["evaluate", "--results", "{in}/mine", "--folder", "{in}", "--out", "{in}/report"],
        ["evaluate", "--results", "{in}", "--annotations", "{in}", "--out", "{in}"],
        ["evaluate", "--results", "{in}/table.csv", "--folder", "{in}/lasot", "--out", "{in}"],
        ["submit", "got10k", "--results", "{in}/mine", "--folder", "{in}/got10k", "--out",
         "{in}/got10k/a.zip"],
        ["submit", "got10k", "--results", "{in}/mine.zip", "--folder", "{in}/got10k", "--out",
         "{in}/mine.zip"],
        ["data", "verify", "lasot", "{in}", "--out", "{in}/problems.json"],
        ["phases", "{in}/phases.yaml", "--out", "{in}/phases.yaml"],
        ["phases", "{in}/phases.yaml", "--out", "{in}/runs", "--start", "{in}/runs/model"],
        ["score", "--weights", "{in}/table.csv", "--out", "{in}/table.csv", "--overwrite"],
        ["audit", "--weights", "{in}/table.csv", "--out", "{in}/table.csv", "--overwrite"],
        ["clips", "{in}/clips", "--weights", "{in}/table.csv", "--out", "{in}/table.csv",
         "--overwrite"],
    ],
)  # fmt: skip
def test_an_output_is_no_input(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`submit --results mine.zip --out mine.zip` replaced the results."""
    place = tmp_path / "in"
    make_inputs(place)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert APP.main([word.replace("{in}", str(place)) for word in words]) == 1
    said = capsys.readouterr().err
    assert "input" in said, said
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def make_inputs(place: Path) -> None:
    """Write a few sequences of LaSOT and GOT-10k without frames, and files to be kept."""
    for folder in (place, place / "lasot"):
        sequence = folder / "cat/cat-1"
        (sequence / "img").mkdir(parents=True)
        (sequence / "groundtruth.txt").write_text("1,1,5,5\n")
        (folder / "testing_set.txt").write_text("cat-1\n")
    test = place / "got10k/test"
    (test / "GOT-10k_Test_000001").mkdir(parents=True)
    (test / "GOT-10k_Test_000001/groundtruth.txt").write_text("1,1,5,5\n")
    (test / "list.txt").write_text("GOT-10k_Test_000001\n")
    (place / "clips").mkdir()
    (place / "clips/index.csv").write_text("name,video,sentence\na,a.mp4,a cup\n")
    (place / "mine").mkdir()
    (place / "mine.zip").write_bytes(b"results")
    (place / "table.csv").write_text("1,2,3,4\n")
    (place / "phases.yaml").write_text("fit: [fit.yaml]\nphases: {one: {}}\n")
    (place / "fit.yaml").write_text("model: {}\n")
