"""WILDS' iWildCam and Camelyon17 from their own downloads, on miniatures."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_ft.data.domains import DomainData
from dropout_ft.data.sources import Camelyon17, IWildCam
from dropout_ft.results.run import load_runs
from holdfast.errors import DataError
from wilds_support import miniature_camelyon17, miniature_iwildcam

Run = Callable[[list[str]], int]


def test_camelyon17s_domains_are_hospitals(tmp_path: Path) -> None:
    source = Camelyon17(str(miniature_camelyon17(tmp_path)))
    assert source.class_names == ["normal", "tumor"]
    assert source.domain_names == [f"hospital_{number}" for number in range(5)]
    for domain in source.domains():
        for path, label in zip(domain.paths, domain.labels, strict=True):
            place = int(path.stem.split("_x_")[1].split("_")[0])
            assert label == (place - 3328) // 32 % 2  # as the miniature was drawn
    own = Camelyon17(str(tmp_path / "camelyon17_v1.0"))
    assert own.fingerprint() == source.fingerprint()


def test_iwildcams_domains_are_groups_of_cameras(tmp_path: Path) -> None:
    source = IWildCam(str(miniature_iwildcam(tmp_path)))
    assert source.class_names == ["000", "001", "002"]
    assert source.domain_names == ["test", "train", "val"]
    sizes = {domain.name: len(domain.paths) for domain in source.domains()}
    assert sizes == {"test": 18, "train": 54, "val": 18}
    data = DomainData(source, ["test"])
    assert {path.name.split("-")[0] for path in data.table.paths} == {
        "train", "id_val", "id_test", "val", "test"
    }  # fmt: skip
    outside = {p.name.split("-")[0] for p, test in
               zip(data.table.paths, data.table.of_test, strict=True) if test}  # fmt: skip
    assert outside == {"test"}
    with pytest.raises(DataError, match="no image of class '002' in domain 'test'"):
        IWildCam(str(tmp_path), allow_missing_classes=False).domains()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("train-000.jpg", "../../x.jpg", "line 2 is damaged .*leads out"),
        ("train-000.jpg", "gone.jpg", "line 2: there is no image"),
        ("train,0", "elsewhere,0", "there is no split 'elsewhere'"),
        ("filename", "file", "line 1 has no column 'filename'"),
        (",0,0,train-000.jpg", ",x,0,train-000.jpg", "line 2 is damaged .*invalid literal"),
    ],
)
def test_damaged_metadata_is_named_with_its_line(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    path = miniature_iwildcam(tmp_path) / "iwildcam_v2.0/metadata.csv"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(DataError, match=words):
        IWildCam(str(tmp_path)).domains()


def test_a_download_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"put WILDS' own download there"):
        Camelyon17(str(tmp_path)).domains()


def test_a_run_on_a_hospital_left_out(
    tmp_path: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run
) -> None:
    root = miniature_camelyon17(tmp_path / "data")
    words = tiny_arguments("fit", "--data", "configs/data/camelyon17.yaml",
                           "--data.source.init_args.root", str(root))  # fmt: skip
    place = words.index("--data.source")
    del words[place : place + 2]
    words[words.index("configs/data/camelyon17.yaml")] = str(
        Path(__file__).parents[2] / "configs/data/camelyon17.yaml"
    )
    words += ["--data.image_size", "32", "--data.global_batch_size", "2"]
    assert dropout_ft(words) == 0
    (run,) = load_runs([tmp_path / "runs"])
    assert run.coordinates.left_out == ("hospital_2",)
    assert run.coordinates.source == "Camelyon17"
    assert dropout_ft(["report", str(run.directory.path), "--out", str(tmp_path / "report"),
                       "--methods", "MC dropout"]) == 0  # fmt: skip
