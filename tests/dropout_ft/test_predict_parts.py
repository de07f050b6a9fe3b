"""Finding pictures and classifying them in batches."""

import shutil
from pathlib import Path

import pytest
import torch

from dropout_ft.commands.predict import classify, list_pictures
from dropout_ft.data.folder import Domain
from dropout_ft.data.verifying import missing_classes, unreadable
from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.results.run import run_directories
from holdfast.errors import DataError, ImageError


def classifier() -> Classifier:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_resnet", weights="none")
    return Classifier(backbone, VeryLargeDropoutHead(backbone.num_features, 3)).eval()


def test_pictures_are_found_at_any_depth_in_order(pictures: Path, tmp_path: Path) -> None:
    for place in ("b/deep/er", "a"):
        (tmp_path / place).mkdir(parents=True)
    shutil.copy(pictures / "a/red/00.png", tmp_path / "b/deep/er/z.PNG")
    shutil.copy(pictures / "a/red/01.png", tmp_path / "a/y.png")
    (tmp_path / "a/notes.txt").write_text("no picture")
    assert list_pictures(tmp_path) == [tmp_path / "a/y.png", tmp_path / "b/deep/er/z.PNG"]
    assert list_pictures(tmp_path / "a/y.png") == [tmp_path / "a/y.png"]


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_batch_size_does_not_change_the_answers(pictures: Path, batch_size: int) -> None:
    model, paths = classifier(), list_pictures(pictures / "a")[:9]
    whole = torch.cat([p for _, p in classify(model, paths, size=32, batch_size=9)])
    parts = list(classify(model, paths, size=32, batch_size=batch_size))
    assert [path for batch, _ in parts for path in batch] == paths
    torch.testing.assert_close(torch.cat([p for _, p in parts]), whole, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(whole.sum(1), torch.ones(9))


def test_an_unreadable_picture_stops_the_prediction_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"bad\.png"):
        list(classify(classifier(), [tmp_path / "bad.png"], size=32, batch_size=1))


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
