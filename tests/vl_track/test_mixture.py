"""Mixtures of data sets: ratios, tricks as switches, exact batches, and a run on them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from holdfast.errors import ConfigError, DataError, ImageError
from holdfast.runs.fingerprint import Fingerprint, describe_change
from holdfast.seeding import SampleKey
from sets_support import data_tree, write
from tests_support import only_run
from vl_track.app import APP
from vl_track.data.augment import Augmentation
from vl_track.data.mixture import MixedPairs, Mixture, Source, ratios_at, reworded
from vl_track.data.pairs import PairOptions
from vl_track.data.samples import Sample
from vl_track.data.sets.base import Split
from vl_track.data.sets.known import open_set

TINY = PairOptions(
    template_size=16, search_size=32, augmentation=Augmentation(joint_flip=0, grayscale=0)
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return data_tree(tmp_path / "data", "lasot", "got10k", "coco", "webuav3m", "trackingnet")


def pairs(root: Path, *sources: Source, **options: object) -> MixedPairs:
    sets = [open_set(s.name, s.split, root=root, **s.options) for s in sources]
    return MixedPairs(sets, sources, TINY, **options)  # type: ignore[arg-type]


def drawn(dataset: MixedPairs, count: int, step: int = 0) -> list[Sample]:
    return [dataset[SampleKey(step, seed)] for seed in range(count)]


def test_sources_are_drawn_by_their_ratios(root: Path) -> None:
    dataset = pairs(root, Source(name="lasot", ratio=3), Source(name="coco", ratio=1))
    said = [sample["sentence"] for sample in drawn(dataset, 200)]
    share = np.mean([sentence == "car, vehicle" for sentence in said])
    assert 0.15 < share < 0.36
    assert set(said) == {"car, vehicle", "the white airplane on the left"}


def test_a_source_ends_at_its_step(root: Path) -> None:
    sources = (Source(name="webuav3m", until_step=50), Source(name="got10k", ratio=0.5))
    np.testing.assert_allclose(ratios_at(sources, 49), [2 / 3, 1 / 3])
    np.testing.assert_allclose(ratios_at(sources, 50), [0, 1])
    later = drawn(pairs(root, *sources), 30, step=50)
    assert {sample["sentence"] for sample in later} == {"goat, walking, mammal, animal"}
    with pytest.raises(ConfigError, match="positive ratio at step 50"):
        ratios_at(sources[:1], 50)
    with pytest.raises(ConfigError, match="positive ratio at step 0"):
        ratios_at([Source(name="a", ratio=-1)], 0)


def test_words_can_be_class_names_or_nothing(root: Path) -> None:
    video = open_set("lasot", "train", root=root)[0]
    assert reworded(video, "own") is video
    assert reworded(video, "class").sentence == "airplane"
    assert reworded(video, "none").sentence == ""
    unnamed = open_set("webuav3m", "train", root=root)[0]
    assert reworded(unnamed, "class") is unnamed
    for text, said in (("class", "goat"), ("none", ""), ("own", "goat, walking, mammal, animal")):
        dataset = pairs(root, Source(name="got10k", text=text))  # type: ignore[arg-type]
        sample = dataset[SampleKey(0, 1)]
        assert sample["sentence"] == said
        assert sample["prompt"] == int(said == "")


def test_a_sample_is_a_function_of_its_key(root: Path) -> None:
    dataset = pairs(root, Source(name="lasot"), Source(name="trackingnet"))
    one, same, other = (dataset[SampleKey(3, seed)] for seed in (5, 5, 6))
    assert torch.equal(one["search"], same["search"])
    assert torch.equal(one["box"], same["box"])
    assert not torch.equal(one["box"], other["box"])
    assert one["template"].shape == (3, 16, 16)
    assert one["search"].dtype == torch.uint8


def test_frames_that_hide_the_object_are_not_drawn(root: Path) -> None:
    """webuav3m's frame 2 has no box: a pair with it would have a box without area."""
    for sample in drawn(pairs(root, Source(name="webuav3m")), 60):
        assert (sample["box"][2:] > 0).all()


def test_the_box_is_that_of_the_frame_that_was_cut(root: Path) -> None:
    """The release reads frame 0's box for three data sets."""
    boxes = [
        sample["box"][:2].tolist() for sample in drawn(pairs(root, Source(name="webuav3m")), 20)
    ]
    assert len({tuple(box) for box in boxes}) == 20
    options = PairOptions(
        template_size=16, search_size=64, centre_jitter=0, scale_jitter=0,
        augmentation=Augmentation(joint_flip=0, grayscale=0, brightness=0),
    )  # fmt: skip
    videos = open_set("webuav3m", "train", root=root)
    dataset = MixedPairs([videos], [Source(name="webuav3m")], options)
    for sample in drawn(dataset, 10):
        red = (sample["search"][0].float() - sample["search"][2].float()) > 20
        if not bool(red.any()):
            continue
        x, y, width, height = (float(v) * 64 for v in sample["box"])
        # The drawn rectangle stands still while the annotation moves: the window follows the box.
        assert 0 < x < 64
        assert 0 < y < 64
        assert abs(x + width / 2 - 32) < 3
        assert abs(y + height / 2 - 32) < 3


def test_damaged_pictures_stop_the_run_or_are_drawn_again(root: Path) -> None:
    for path in (root / "lasot").rglob("*.jpg"):
        path.write_bytes(b"damaged")
    with pytest.raises(ImageError, match="is damaged: get this file again"):
        drawn(pairs(root, Source(name="lasot")), 3)
    mixed = pairs(root, Source(name="lasot"), Source(name="coco"), skip_damaged=True)
    assert {sample["sentence"] for sample in drawn(mixed, 20)} == {"car, vehicle"}
    with pytest.raises(DataError, match="100 sequences in a row gave no pair"):
        drawn(pairs(root, Source(name="lasot"), skip_damaged=True), 1)


def test_objects_that_are_never_seen_are_told(root: Path) -> None:
    write(root / "webuav3m/Train/bicycle_1/groundtruth_rect.txt", "0,0,0,0\n" * 24)
    with pytest.raises(DataError, match="data verify` on webuav3m"):
        drawn(pairs(root, Source(name="webuav3m")), 1)


def batch_keys(module: Mixture, count: int) -> list[list[SampleKey]]:
    sampler = iter(module.train_dataloader().batch_sampler)  # type: ignore[arg-type, call-overload]
    return [next(sampler) for _ in range(count)]


def test_batches_are_functions_of_the_step_and_carry_it(root: Path) -> None:
    module = Mixture([Source(name="lasot")], root=str(root), global_batch_size=3, pairs=TINY)
    module.setup("fit")
    batches = batch_keys(module, 4)
    assert [[key[0] for key in batch] for batch in batches] == [[k] * 3 for k in range(4)]
    assert len({key[1] for batch in batches for key in batch}) == 12
    assert batches == batch_keys(module, 4)
    module.seed = 1
    assert batches != batch_keys(module, 4)


@pytest.mark.parametrize(("ranks", "micro_batches"), [(2, 1), (3, 1), (4, 1), (2, 3)])
def test_a_step_has_the_same_pairs_on_any_number_of_ranks(
    root: Path, ranks: int, micro_batches: int
) -> None:
    """Case B13: the batch was per rank, and each rank drew other pairs."""

    def keys(rank: int, ranks: int, micro_batches: int) -> list[SampleKey]:
        module = Mixture([Source(name="lasot")], root=str(root), global_batch_size=12, pairs=TINY)
        module.setup("fit")
        trainer: Any = SimpleNamespace(
            global_step=5, global_rank=rank, world_size=ranks, accumulate_grad_batches=micro_batches
        )
        module.trainer = trainer
        return [key for batch in batch_keys(module, 2 * micro_batches) for key in batch]

    parts = [key for rank in range(ranks) for key in keys(rank, ranks, micro_batches)]
    assert sorted(parts) == sorted(keys(0, 1, 1))


def test_validation_pairs_are_the_same_every_time(root: Path) -> None:
    module = Mixture(
        [Source(name="lasot")], [Source(name="got10k", split="val")], root=str(root), pairs=TINY,
        val_pairs=4, eval_batch_size=4,
    )  # fmt: skip
    module.setup("fit")
    first, second = (next(iter(module.val_dataloader())) for _ in range(2))
    assert torch.equal(first["search"], second["search"])
    assert set(first["sentence"]) == {"goat, walking, mammal, animal"}
    assert len({tuple(box.tolist()) for box in first["box"]}) == 4
    assert torch.equal(next(iter(module.test_dataloader()))["box"], first["box"])


def test_validation_pairs_show_their_objects(root: Path) -> None:
    """Boxes of zeros once went into the IoU that chooses the best checkpoint."""
    options = replace(TINY, absent=1.0)
    module = Mixture([Source(name="webuav3m")], root=str(root), pairs=options, val_pairs=6)
    trained = module._pairs(module._training(), module.sources)
    assert not all(trained[SampleKey(0, seed)]["present"] for seed in range(12))
    validated = [one for batch in module.val_dataloader() for one in batch["present"]]
    assert len(validated) == 6
    assert all(validated)


def test_an_empty_mixture_is_told() -> None:
    with pytest.raises(ConfigError, match="at least one data set"):
        Mixture([])


def arguments(root: Path, runs: Path, *extra: str) -> list[str]:
    configs = Path(__file__).parent.parent.parent / "configs/vl_track"
    return [
        "fit", "--config", str(configs / "scenes_tiny.yaml"), "--data", "vl_track.data.Mixture",
        "--data.sources", "[{name: lasot, ratio: 2}, {name: got10k}]", "--data.root", str(root),
        "--data.global_batch_size", "2", "--data.val_pairs", "2",
        "--data.pairs", "{template_size: 32, search_size: 64}", "--run.root", str(runs), *extra,
    ]  # fmt: skip


def test_a_tracker_trains_on_a_mixture(root: Path, tmp_path: Path) -> None:
    words = arguments(root, tmp_path / "runs", "--trainer.max_steps", "2",
                      "--trainer.val_check_interval", "2")  # fmt: skip
    assert APP.main(words) == 0
    assert (only_run(tmp_path / "runs") / "checkpoints/last.ckpt").is_file()


def test_the_fingerprint_is_that_of_names_lengths_and_annotations(root: Path) -> None:
    """A run of vl-track did not say what data it had; a moved data set is the same one."""

    def found(place: Path, split: Split = "train") -> Fingerprint:
        return Mixture([Source(name="lasot", split=split), Source(name="coco")],
                       root=str(place)).fingerprint()  # fmt: skip

    first = found(root)
    assert first.groups == {"coco train": 1, "lasot train": len(open_set("lasot", "train",
                            root=root))}  # fmt: skip
    assert (first.unit, first.files) == ("sequences", sum(first.groups.values()))
    moved = root.with_name("moved")
    shutil.copytree(root, moved)
    assert found(moved) == first
    assert found(root, "test").names != first.names
    for path in (moved / "lasot").rglob("groundtruth.txt"):
        path.write_text(path.read_text().replace("1", "2", 1))
    changed = describe_change(first.as_dict(), found(moved).as_dict())
    assert changed == "other names, sizes or contents"


def test_a_damaged_sequence_has_the_same_fingerprint_elsewhere(root: Path) -> None:
    """The index keeps the error of a damaged sequence, which named the data set's own folder."""
    for path in (root / "lasot").rglob("groundtruth.txt"):
        path.write_text("no numbers")
    moved = root.parent / "some/other/place"
    shutil.copytree(root, moved)
    sources = [Source(name="lasot")]
    first, second = (Mixture(sources, root=str(r)).fingerprint() for r in (root, moved))
    assert first == second
    with pytest.raises(DataError, match="some/other/place"):
        _ = open_set("lasot", "train", root=moved)[0]


def test_a_finished_run_notices_other_annotations(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Changed data were "finished" without a word (case A7, in the other track)."""
    words = arguments(root, tmp_path / "runs", "--trainer.max_steps", "1",
                      "--trainer.val_check_interval", "1")  # fmt: skip
    assert APP.main(words) == 0
    run = only_run(tmp_path / "runs")
    record = json.loads((run / "run.json").read_text())
    assert set(record["identity"]["data"]["groups"]) == {"got10k train", "lasot train"}
    assert record["coordinates"]["data"] == record["identity"]["data"]["digest"]
    assert APP.main(words) == 0
    assert "is finished" in capsys.readouterr().out
    for path in (root / "lasot").rglob("nlp.txt"):
        path.write_text("another sentence")
    assert APP.main(words) == 1
    assert "the data (other names, sizes or contents)" in capsys.readouterr().err
    assert APP.main([*words, "--run.root", str(root / "lasot/runs")]) == 1
    assert "lies in" in capsys.readouterr().err


def test_a_missing_data_set_stops_the_run_with_a_sentence(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments(root, tmp_path / "runs", "--data.sources", "[{name: tnl2k}]")
    assert APP.main(words) == 1
    assert "tnl2k: put the data set there" in capsys.readouterr().err
