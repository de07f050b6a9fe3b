"""What DomainData feeds: groups, table, seeded augmentation, cached activations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import CONFIGS, make_pictures
from dropout_ft.app import APP
from dropout_ft.data.domains import DomainData
from dropout_ft.data.feature_cache import ActivationDataset, FeatureCache
from dropout_ft.data.folder import scan
from dropout_ft.data.images import ImageDataset
from dropout_ft.data.sources import Source
from dropout_ft.data.splits import split_domain
from dropout_ft.data.table import Part
from dropout_ft.data.transforms import apply_seeded, eval_transform, train_transform
from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from holdfast.errors import ConfigError, DataError
from holdfast.seeding import SampleKey
from tests_support import only_run


def split(pictures: Path, tests: list[str], **options: Any) -> DomainData:
    data = DomainData(str(pictures), tests, **options)
    data.setup()
    return data


@pytest.mark.parametrize("tests", [["b"], ["1"]])
def test_groups_are_the_in_parts_of_the_training_domains(pictures: Path, tests: list[str]) -> None:
    data = split(pictures, tests)
    expected = [split_domain(30, domain=0)[0], split_domain(30, domain=2)[0] + 60]
    groups = data._parts().groups
    assert len(groups) == 2
    for group, reference in zip(groups, expected, strict=True):
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
    assert len(data._parts().groups) == 1


def test_augmentation_is_a_function_of_the_key(pictures: Path) -> None:
    paths = sorted((pictures / "a/red").iterdir())
    zeros = np.zeros(10, dtype=np.int64)
    data = ImageDataset(paths, zeros, [train_transform(32)] * 10, zeros, zeros)
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
    labels, zeros = np.array([5, 2]), np.zeros(2, dtype=np.int64)
    dataset = ActivationDataset(stored, np.array([5, 2]), labels, zeros, zeros, plain=True)
    from dropout_ft.data.decoding import read_rgb

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
    zero = np.array([0])
    data = ActivationDataset(activations, zero, zero, zero, zero, plain=False)
    drawn = {float(data[SampleKey(0, seed)]["input"]) for seed in range(60)}
    assert drawn == {1.0, 2.0, 3.0}


def test_cached_run_from_the_command_line(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = tiny_arguments(
        "fit", "--model.backbone", str(CONFIGS / "model/tiny_efficientnet.yaml"),
        "--model.frozen_stages", "3", "--data.cached_views", "2",
        "--model.normalization", "standardize",
        "--model.head_start", "dropout_ft.training.warm_start.HeadWarmStart",
        "--model.head_start.init_args.steps", "20",
        "--model.head_start.init_args.batches", "3",
    )  # fmt: skip
    refused = [*words, "--run.root", str(tmp_path / "refused")]
    assert APP.main(refused) == 1, "augmented validation cannot be cached"
    assert APP.main([*words, "--data.val_augment", "false"]) == 0
    checkpoint = torch.load(
        only_run(tmp_path / "runs") / "checkpoints/last.ckpt", weights_only=True
    )
    assert int(checkpoint["state_dict"]["model.head.calibrated"]) == 1


def test_cache_without_frozen_stages_is_refused(pictures: Path) -> None:
    data = DomainData(str(pictures), ["a"], val_augment=False, cached_views=2)
    with pytest.raises(ConfigError, match="frozen_stages above 0"):
        data.use_network(classifier(0)).setup()


def test_a_batch_says_all_that_is_needed_to_score_it(pictures: Path) -> None:
    data = split(pictures, ["b"], image_size=32, eval_batch_size=100)
    (batch,) = data.val_dataloader()
    table = data.table
    assert batch["label"].tolist() == table.label.tolist()
    assert batch["domain"].tolist() == table.domain.tolist()
    assert batch["part"].tolist() == table.part.tolist()
    assert set(table.part[table.domain == 1].tolist()) == {Part.TEST_IN, Part.TEST_OUT}
    assert set(table.part[table.domain != 1].tolist()) == {Part.TRAIN_OUT}
    training = next(iter(data.train_dataloader()))
    assert set(training["part"].tolist()) == {Part.TRAIN_IN}
    assert set(training["domain"].tolist()) == {0, 2}


def test_a_domain_called_by_a_number_is_never_taken_for_a_position(tmp_path: Path) -> None:
    """`1` used to leave out the second domain of 1, 2, 3 if no name matched, or another one."""
    make_pictures(tmp_path, domains=("1", "2", "3"), per_class=2)
    assert DomainData(str(tmp_path), ["1"]).left_out() == (0,)
    with pytest.raises(ConfigError, match="no domain '0'"):
        DomainData(str(tmp_path), ["0"]).left_out()


def test_a_part_without_images_is_an_error_that_names_the_domain(own_pictures: Path) -> None:
    """Four images gave an empty held-out part, an i.i.d. accuracy of nan and exit status 0."""
    for picture in sorted((own_pictures / "c").rglob("*.png"))[4:]:
        picture.unlink()
    for tests in (["a"], ["c"]):
        data = DomainData(
            Source(str(own_pictures), allow_missing_classes=True), tests, image_size=32
        )
        with pytest.raises(DataError, match="Domain 'c' has 4 usable images"):
            data.setup()


@pytest.mark.parametrize(
    ("option", "value"),
    [("holdout_fraction", -0.5), ("holdout_fraction", 1.0), ("global_batch_size", 0),
     ("eval_batch_size", 0)],
)  # fmt: skip
def test_impossible_values_are_refused(pictures: Path, option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"data.{option} must be"):
        DomainData(str(pictures), ["a"], **{option: value})  # type: ignore[arg-type]


def test_the_fingerprint_follows_names_sizes_and_bytes_but_not_the_place(tmp_path: Path) -> None:
    first, second = (make_pictures(tmp_path / name, per_class=2) for name in ("x", "y"))

    def digest(root: Path, **options: Any) -> str:
        return DomainData(str(root), ["a"], **options).fingerprint().digest

    assert digest(first) == digest(second)
    picture = second / "b/red/00.png"
    content = bytearray(picture.read_bytes())
    content[-20] ^= 1
    picture.write_bytes(content)
    assert digest(first) != digest(second)
    assert digest(first, content_hash=False) == digest(second, content_hash=False)
    picture.rename(second / "b/blue/09.png")  # relabelled
    assert digest(first, content_hash=False) != digest(second, content_hash=False)
