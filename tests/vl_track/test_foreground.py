"""The network is told how far the target reaches: in training, tracking and other runtimes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from holdfast.errors import ConfigError
from scenes_support import painted_root, small_world, tiny_network
from tracking_support import frame_with, moving_box
from vl_track.data.augment import Augmentation
from vl_track.data.pairs import PairOptions, make_pair
from vl_track.nn.backbone import JointTransformer
from vl_track.nn.foreground import has_target, target_share
from vl_track.nn.network import AllInOne
from vl_track.scenes.make import make_scene
from vl_track.tracking import Tracker, track_together
from vl_track.training.module import Tracking

BOX = torch.tensor([[0.25, 0.375, 0.5, 0.25]])


def crops(count: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    template, search = (
        torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)
        for side in (32, 64)
    )
    return template, search


def told(network: AllInOne) -> AllInOne:
    """Types that matter, as after training."""
    assert network.backbone.target_types is not None
    with torch.no_grad():
        network.backbone.target_types.normal_(generator=torch.Generator().manual_seed(1))
    return network.eval()


def test_shares_of_cells_are_areas() -> None:
    share = target_share(BOX, 4).reshape(4, 4)
    wanted = torch.tensor([[0, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 0]])
    assert torch.allclose(share, wanted)
    assert target_share(BOX, 64).sum() / 64**2 == pytest.approx(0.125, abs=1e-5)
    thin = torch.tensor([[0.3, 0.1, 0.02, 0.8]])
    assert target_share(thin, 8).sum() / 64 == pytest.approx(0.016, abs=1e-6)
    nothing = torch.zeros(1, 4)
    assert target_share(nothing, 4).sum() == 0
    assert has_target(torch.cat([BOX, nothing])).tolist() == [1, 0]


@pytest.mark.parametrize("matching", ["none", "target", "target_and_text"])
def test_without_the_switch_nothing_changes(matching: Any) -> None:
    network = tiny_network(matching=matching).eval()
    assert not any("target_types" in name for name in network.state_dict())
    plain, given = (network(*crops(), [""], target=target).maps for target in (None, BOX))
    assert all(torch.equal(one, two) for one, two in zip(plain, given, strict=True))


def test_types_start_without_effect_and_weights_of_before_load() -> None:
    old = tiny_network(matching="none").eval()
    new = tiny_network(matching="none", target_types=True).eval()
    missing = new.load_state_dict(old.state_dict(), strict=False)
    assert missing.missing_keys == ["backbone.target_types"]
    assert missing.unexpected_keys == []
    one, two = old(*crops(), [""]).maps, new(*crops(), [""], target=BOX).maps
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_start_may_lack_named_parts_only(tmp_path: Path) -> None:
    from scenes_support import tiny_config
    from vl_track.loading import save_network

    save_network(tmp_path, tiny_config("target"), tiny_network(matching="target").state_dict())
    parts = {"matching": "target", "target_types": True, "presence": True}
    module = Tracking(
        tiny_network(seed=5, **parts),  # type: ignore[arg-type]
        start_from=str(tmp_path),
        start_new=["backbone.target_types", "presence."],
    )
    wanted = tiny_network(matching="target").state_dict()["backbone.search_positions"]
    assert torch.allclose(module.network.state_dict()["backbone.search_positions"], wanted,
                          atol=1e-3)  # fmt: skip
    with pytest.raises(Exception, match=r"missing \(presence"):
        Tracking(tiny_network(**parts), start_from=str(tmp_path),  # type: ignore[arg-type]
                 start_new=["backbone.target_types"])  # fmt: skip


def test_a_network_that_wants_the_target_says_so() -> None:
    with pytest.raises(ConfigError, match="target_types"):
        tiny_network(target_types=True)(*crops(), [""])


def test_the_box_matters_and_a_sentence_alone_has_none() -> None:
    network = told(tiny_network(target_types=True))
    wide = torch.tensor([[0.0, 0.25, 1.0, 0.5]])
    one, two = (network(*crops(), [""], target=box).maps.score_B1FF for box in (BOX, wide))
    assert not torch.allclose(one, two)
    template, search = crops()
    blank = torch.zeros_like(template)
    plain = tiny_network(matching="none").eval()
    alone = told(tiny_network(matching="none", target_types=True))
    first = plain(blank, search, ["red"]).maps.score_B1FF
    assert torch.equal(first, alone(blank, search, ["red"], target=torch.zeros(1, 4)).maps[0])


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_a_pair_says_where_its_target_is_in_the_template(tmp_path: Path, flip: float) -> None:
    world = small_world(painted_root(tmp_path))
    still = Augmentation(grayscale=0, joint_flip=flip, brightness=0)
    options = PairOptions(template_size=96, search_size=96, augmentation=still)
    for seed in range(6):
        scene = make_scene(world, seed)
        pair = make_pair(scene, options, np.random.default_rng(seed), prompt="box")
        assert pair is not None
        x, y, width, height = pair.target
        # Windows are moved to whole pixels.
        assert x + width / 2 == pytest.approx(0.5, abs=0.03)
        assert y + height / 2 == pytest.approx(0.5, abs=0.03)
        assert width * height == pytest.approx(0.25, abs=0.03)
        alone = make_pair(scene, options, np.random.default_rng(seed), prompt="text")
        assert alone is None or alone.target == (0, 0, 0, 0)


def test_the_tracker_tells_the_users_box() -> None:
    network = told(tiny_network(target_types=True))
    tracker = Tracker(network)
    box = (40.0, 30.0, 20.0, 45.0)
    tracker.initialize(frame_with(box), box)
    given = tracker.preprocess(frame_with(box))
    side = np.ceil(np.sqrt(20 * 45) * 2)
    assert given.target_14[0, 2:].tolist() == pytest.approx([20 / side, 45 / side])
    tracker.initialize(frame_with(box), text="the red thing")
    assert (tracker.preprocess(frame_with(box)).target_14[0, 2:] > 0).all()


def test_several_at_once_are_told_their_own() -> None:
    network = told(tiny_network(target_types=True, presence=True))
    alone, together = ([Tracker(network) for _ in range(3)] for _ in range(2))
    for trackers in (alone, together):
        for start, tracker in enumerate(trackers):
            x, y, width, height = moving_box(start)
            box = (x, y, width + 4 * start, height)
            tracker.initialize(frame_with(box), box)
    frames = [frame_with(moving_box(start + 1)) for start in range(3)]
    one = [tracker.track(frame) for tracker, frame in zip(alone, frames, strict=True)]
    two = track_together(together, frames)
    for (box, _), (other, _) in zip(one, two, strict=True):
        assert np.abs(np.subtract(box, other)).max() < 0.01
    for first, second in zip(alone, together, strict=True):
        assert first.present == pytest.approx(second.present, abs=1e-4)


def test_the_types_learn_at_the_full_rate() -> None:
    module = Tracking(tiny_network(target_types=True), backbone_lr_factor=0.1)
    found: Any = module.configure_optimizers()
    optimizer = found["optimizer"]
    fast = {id(one) for one in optimizer.param_groups[0]["params"]}
    assert id(module.network.backbone.target_types) in fast
    assert isinstance(module.network.backbone, JointTransformer)
