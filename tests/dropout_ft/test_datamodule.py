"""What DomainFolders feeds: groups, table, seeded augmentation, cached activations."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import CONFIGS
from dropout_ft.app import APP
from dropout_ft.data.domains import DomainFolders, PictureDataset
from dropout_ft.data.feature_cache import FeatureCache
from dropout_ft.data.folder import scan
from dropout_ft.data.splits import split_domain
from dropout_ft.data.transforms import apply_seeded, eval_transform, train_transform
from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from holdfast.errors import ConfigError
from holdfast.seeding import SampleKey
from tests_support import only_run


def split(pictures: Path, tests: list[str | int]) -> DomainFolders:
    data = DomainFolders(str(pictures), tests)
    data._split(data.list_domains())
    return data


@pytest.mark.parametrize("tests", [["b"], [1], ["1"]])
def test_groups_are_the_in_parts_of_the_training_domains(
    pictures: Path, tests: list[str | int]
) -> None:
    data = split(pictures, tests)
    expected = [split_domain(30, domain=0)[0], split_domain(30, domain=2)[0] + 60]
    assert len(data._groups) == 2
    for group, reference in zip(data._groups, expected, strict=True):
        assert np.array_equal(group, reference)


def test_table_lists_out_parts_and_whole_test_domains(pictures: Path) -> None:
    table = split(pictures, ["b"]).table
    assert len(table) == 6 + 30 + 6
    assert np.bincount(table.domain).tolist() == [6, 30, 6]
    assert table.held_out[table.domain != 1].all()
    assert table.held_out[table.domain == 1].sum() == 6
    domains = scan(pictures)
    for path, label, domain in zip(table.paths, table.label, table.domain, strict=True):
        assert domains[domain].labels[domains[domain].paths.index(path)] == label


def test_two_test_domains(pictures: Path) -> None:
    data = split(pictures, ["a", "c"])
    assert data.table.test_domains == (0, 2)
    assert len(data._groups) == 1


def test_augmentation_is_a_function_of_the_key(pictures: Path) -> None:
    paths = sorted((pictures / "a/red").iterdir())
    data = PictureDataset(paths, np.zeros(10, dtype=int), [train_transform(32)] * 10)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = data[SampleKey(3, 77)]["input"]
    assert torch.equal(torch.get_rng_state(), before), "the global state must be kept"
    torch.manual_seed(6)
    assert torch.equal(data[SampleKey(3, 77)]["input"], first)
    assert not torch.equal(data[SampleKey(3, 78)]["input"], first)
    assert first.dtype == torch.uint8
    assert first.shape == (3, 32, 32)


def test_evaluation_squashes_to_a_square() -> None:
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (20, 0, 40, 20))
    square = eval_transform(10)(image)
    assert square.shape == (3, 10, 10)
    assert square[0, :, 0].min() == 255
    assert square[2, :, -1].min() == 255


def classifier(frozen: int) -> Classifier:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_efficientnet", weights="none")
    head = VeryLargeDropoutHead(backbone.num_features, 3)
    return Classifier(backbone, head, frozen_stages=frozen).eval()


def test_cached_activations_equal_the_frozen_stages(pictures: Path, tmp_path: Path) -> None:
    model = classifier(3)
    paths = sorted((pictures / "a").rglob("*.png"))
    cache = FeatureCache(tmp_path, views=2, batch_size=7)
    plain, augment = eval_transform(32), train_transform(32)
    stored = cache.build(model, paths, plain=plain, augment=augment, root=pictures)
    assert stored.shape[:2] == (3, 30)
    dataset = cache.evaluation_set(stored, np.arange(30), np.array([5, 2]))
    from dropout_ft.data.pictures import read_rgb

    with torch.no_grad():
        expected = model(apply_seeded(plain, read_rgb(paths[2]), 0)[None])
        found = model(dataset[1]["input"][None])
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)  # stored in float16
    assert int(dataset[1]["label"]) == 2


def test_cache_is_reused_and_keyed_by_its_content(pictures: Path, tmp_path: Path) -> None:
    paths = sorted((pictures / "a").rglob("*.png"))

    def build(model: Classifier, views: int = 1, size: int = 32) -> None:
        FeatureCache(tmp_path, views=views).build(
            model, paths, plain=eval_transform(size), augment=train_transform(size), root=pictures
        )

    build(classifier(3))
    file = next(tmp_path.glob("*.npy"))
    before = file.stat().st_mtime_ns
    build(classifier(3))
    assert file.stat().st_mtime_ns == before
    other = classifier(3)
    with torch.no_grad():
        next(other.backbone.trunk(3).parameters()).add_(1)
    for number, change in enumerate(
        [lambda: build(classifier(2)), lambda: build(classifier(3), views=2),
         lambda: build(classifier(3), size=48), lambda: build(other)],
        start=2,
    ):  # fmt: skip
        change()
        assert len(list(tmp_path.glob("*.npy"))) == number


def test_training_draws_every_augmented_view_but_never_the_plain_one() -> None:
    activations = np.arange(4, dtype=np.float16).reshape(4, 1, 1, 1, 1)
    data = FeatureCache(Path("unused"), views=3).training_set(activations, np.array([0]))
    drawn = {float(data[SampleKey(0, seed)]["input"]) for seed in range(60)}
    assert drawn == {1.0, 2.0, 3.0}


def test_cached_run_from_the_command_line(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = tiny_arguments(
        "fit", "--model.backbone", str(CONFIGS / "model/tiny_efficientnet.yaml"),
        "--model.frozen_stages", "3", "--data.init_args.cached_views", "2",
        "--model.normalization", "standardize",
        "--model.head_start", "dropout_ft.training.warm_start.HeadWarmStart",
        "--model.head_start.init_args.steps", "20",
        "--model.head_start.init_args.batches", "3",
    )  # fmt: skip
    refused = [*words, "--run.root", str(tmp_path / "refused")]
    assert APP.main(refused) == 1, "augmented validation cannot be cached"
    assert APP.main([*words, "--data.init_args.val_augment", "false"]) == 0
    checkpoint = torch.load(
        only_run(tmp_path / "runs") / "checkpoints/last.ckpt", weights_only=True
    )
    assert int(checkpoint["state_dict"]["model.head.calibrated"]) == 1


def test_cache_without_frozen_stages_is_refused(pictures: Path) -> None:
    data = split(pictures, ["a"])
    data.val_augment = False
    none = np.zeros(0)
    with pytest.raises(ConfigError, match="frozen_stages above 0"):
        data._use_cache(classifier(0), [], none, none, train_transform(8), eval_transform(8))
