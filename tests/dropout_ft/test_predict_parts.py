"""Finding pictures and classifying them in batches."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from dropout_ft.app import APP
from dropout_ft.commands.predict import classify, list_images
from dropout_ft.data.folder import Domain
from dropout_ft.data.verifying import missing_classes, unreadable
from dropout_ft.loading import LoadedClassifier
from dropout_ft.nn import create_model
from dropout_ft.results.run import run_directories
from holdfast.csv_cells import plain_cells
from holdfast.errors import DataError, ImageError


def classifier() -> LoadedClassifier:
    torch.manual_seed(0)
    model = create_model("test_resnet", num_classes=3, weights="none").eval()
    return LoadedClassifier(model=model, class_names=("=1+1", "cat", "dog"), image_size=32)


def test_pictures_are_found_at_any_depth_in_order(pictures: Path, tmp_path: Path) -> None:
    for place in ("b/deep/er", "a"):
        (tmp_path / place).mkdir(parents=True)
    shutil.copy(pictures / "a/red/00.png", tmp_path / "b/deep/er/z.PNG")
    shutil.copy(pictures / "a/red/01.png", tmp_path / "a/y.png")
    (tmp_path / "a/notes.txt").write_text("no picture")
    assert list_images(tmp_path) == [tmp_path / "a/y.png", tmp_path / "b/deep/er/z.PNG"]
    assert list_images(tmp_path / "a/y.png") == [tmp_path / "a/y.png"]


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_batch_size_does_not_change_the_answers(pictures: Path, batch_size: int) -> None:
    model, paths = classifier(), list_images(pictures / "a")[:9]
    whole = torch.cat([p for _, p in classify(model, paths, [], batch_size=9)])
    parts = list(classify(model, paths, [], batch_size=batch_size))
    assert [path for batch, _ in parts for path in batch] == paths
    torch.testing.assert_close(torch.cat([p for _, p in parts]), whole, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(whole.sum(1), torch.ones(9))


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_unreadable_pictures_are_named_and_the_others_answered(
    pictures: Path, tmp_path: Path, batch_size: int
) -> None:
    """A20. Was: one bad file, and nothing was written."""
    good = shutil.copy(pictures / "a/red/00.png", tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "dead.png").symlink_to(tmp_path / "nothing.png")
    os.mkfifo(tmp_path / "pipe.png")
    also = shutil.copy(pictures / "a/red/01.png", tmp_path / "z.png")
    bad: list[ImageError] = []
    found = list(classify(classifier(), list_images(tmp_path), bad, batch_size=batch_size))
    assert [path for batch, _ in found for path in batch] == [Path(good), Path(also)]
    assert [name in str(e) for name, e in zip(("bad", "dead", "pipe"), bad, strict=True)] == (
        [True] * 3
    )


def test_predict_writes_the_others_and_fails(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("dropout_ft.loading.load_classifier", lambda *_, **__: classifier())
    shutil.copytree(pictures / "a", tmp_path / "in")
    (tmp_path / "in/red/bad.png").write_bytes(b"no picture")
    (tmp_path / "model").mkdir()
    words = [
        "predict",
        str(tmp_path / "in"),
        "--ckpt",
        str(tmp_path / "model"),
        "--out",
        str(tmp_path / "o.csv"),
    ]
    assert APP.main([*words, "--all_classes"]) == 1
    said = capsys.readouterr().err
    assert "bad.png cannot be read" in said
    assert "1 of 31 pictures" in said
    rows = (tmp_path / "o.csv").read_text().splitlines()
    assert len(rows) == 31
    assert rows[0] == "path,class,probability,'=1+1,cat,dog", "no cell is a formula (C7)"


def test_cells_are_no_formulas() -> None:
    """C7. Was: `=cmd|calc!A0` stood in the CSV as it is."""
    dangerous = ["=1", "+1a", "-x", "@sum", "\tx", "\rx"]
    assert plain_cells(dangerous) == [f"'{one}" for one in dangerous]
    harmless = ["cat", "-0.5", "+3", "", "a=b", "1e-3"]
    assert plain_cells(harmless) == harmless


def test_verify_parts(tmp_path: Path, pictures: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    good = pictures / "a/red/00.png"
    domain = Domain(name="site", paths=(good, bad), labels=(0, 0))
    assert missing_classes([domain], ["cat", "dog"]) == [
        "domain 'site' has no pictures of class 'dog'"
    ]
    problems = unreadable(domain)
    assert len(problems) == 1
    assert str(bad) in problems[0]


def test_runs_are_found_singly_and_in_folders(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").touch()
    (tmp_path / "no_run").mkdir()
    assert run_directories(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert run_directories(tmp_path / "b") == [tmp_path / "b"]
    with pytest.raises(DataError, match="no runs in"):
        run_directories(tmp_path / "no_run")
