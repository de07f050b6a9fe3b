"""Pairs without the object, and the probability that it is in view."""

from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.errors import ConfigError, DataError
from scenes_support import painted_root, small_world, tiny_network
from vl_track.data.absence import NOWHERE, find_absence, overlap, unseen_time
from vl_track.data.geometry import Window
from vl_track.data.pairs import PairOptions, make_pair
from vl_track.nn.losses import silence_loss
from vl_track.nn.presence import presence_loss
from vl_track.scenes.make import make_scene
from vl_track.scenes.scene import Scene
from vl_track.scenes.variation import Variation, vary
from vl_track.scenes.world import SceneWorld
from vl_track.scoring.presence import (
    STEEPEST,
    calibrate,
    fit_calibration,
    is_known,
    presence_score,
)
from vl_track.scoring.watching import pooled, watch_videos
from vl_track.tracking import Tracker
from vl_track.training.module import LossWeights, Tracking


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SceneWorld:
    return small_world(painted_root(tmp_path_factory.mktemp("scenes")))


def leaving(world: SceneWorld, seed: int) -> Scene:
    return vary(make_scene(world, seed), world, Variation(leaving=1.0))


def test_an_unseen_frame_is_after_the_template_and_does_not_show_it(world: SceneWorld) -> None:
    found = 0
    for seed in range(10):
        scene = leaving(world, seed)
        time = unseen_time(scene, 2, np.random.default_rng(seed))
        if time is not None:
            found += 1
            assert time > 2
            assert not scene.visible(time)
    assert found >= 5
    plain = make_scene(world, 0)
    if all(plain.visible(time) for time in range(len(plain))):
        assert unseen_time(plain, 0, np.random.default_rng(0)) is None


def test_a_place_of_absence_is_where_the_object_was_last(world: SceneWorld) -> None:
    for seed in range(10):
        scene = leaving(world, seed)
        found = find_absence(scene, 0, 4.0, np.random.default_rng(seed))
        if found is not None and found.seen is None:
            assert found.near == scene.box(_last_seen(scene, found.time))


def _last_seen(scene: Scene, time: int) -> int:
    return next(one for one in range(time - 1, -1, -1) if scene.visible(one) or one == 0)


def test_overlap_is_a_share_of_the_box() -> None:
    assert overlap((0, 0, 10, 10), Window(5, 0, 20)) == pytest.approx(0.5)
    assert overlap((0, 0, 10, 10), Window(10, 0, 20)) == 0


def test_pairs_without_the_object_say_so(world: SceneWorld) -> None:
    options = PairOptions(template_size=32, search_size=64, absent=0.5)
    absent = seen = 0
    for seed in range(40):
        scene = leaving(world, seed)
        for prompt in ("box", "text"):
            pair = make_pair(scene, options, np.random.default_rng(seed), prompt=prompt)  # type: ignore[arg-type]
            if pair is None:
                continue
            absent += not pair.present
            seen += pair.present
            assert (pair.box == NOWHERE) == (not pair.present)
    assert absent > 15
    assert seen > 15


def test_without_the_option_pairs_are_what_they_were(world: SceneWorld) -> None:
    scene = leaving(world, 3)
    options = PairOptions(template_size=32, search_size=64)
    pairs = [make_pair(scene, options, np.random.default_rng(seed)) for seed in range(12)]
    assert all(pair.present for pair in pairs if pair is not None)


def test_losses_by_hand() -> None:
    logits = torch.tensor([2.0, -1.0])
    wanted = -(torch.sigmoid(logits[0]).log() + torch.sigmoid(-logits[1]).log()) / 2
    assert presence_loss(logits, torch.tensor([True, False])) == pytest.approx(float(wanted))
    assert silence_loss(torch.zeros(0, 4)) == 0
    one = torch.tensor([[0.5, 0.0]])
    assert silence_loss(one) == pytest.approx(0.25 * 0.6931, abs=1e-3)


def batch(present: list[bool]) -> dict[str, object]:
    generator = torch.Generator().manual_seed(0)
    count = len(present)
    return {
        "template": torch.randint(0, 256, (count, 3, 32, 32), generator=generator).byte(),
        "search": torch.randint(0, 256, (count, 3, 64, 64), generator=generator).byte(),
        "sentence": ["the red thing"] * count,
        "box": torch.tensor([[0.3, 0.3, 0.3, 0.3]]).repeat(count, 1),
        "target": torch.tensor([[0.25, 0.25, 0.5, 0.5]]).repeat(count, 1),
        "present": torch.tensor(present),
    }


def module(**weights: float) -> Tracking:
    tracking = Tracking(
        tiny_network(target_types=True, presence=True), loss_weights=LossWeights(**weights)
    )
    tracking.log = lambda *_, **__: None  # type: ignore[method-assign]
    return tracking


def test_only_pairs_that_show_the_object_train_its_box() -> None:
    """A pair without the object once would have trained the box at zeros."""
    tracking = module(presence=0.0)
    tracking.eval()
    both = tracking.training_step(batch([True, False]), 0)
    mine = {name: value[:1] for name, value in batch([True, False]).items()}
    alone = tracking.training_step(mine, 0)
    assert both.item() == pytest.approx(alone.item(), rel=1e-4)


def test_a_batch_without_any_object_is_no_disaster() -> None:
    tracking = module(presence=1.0, silence=1.0)
    loss = tracking.training_step(batch([False, False]), 0)
    assert torch.isfinite(loss)
    loss.backward()
    for parameter in tracking.parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()


def test_every_weight_of_the_head_has_a_gradient_without_any_object() -> None:
    """Only the score's had one, and the other processes of a run waited for the rest for ever."""
    tracking = module(presence=1.0)
    tracking.training_step(batch([False, False]), 0).backward()
    without = [n for n, p in tracking.network.head.named_parameters() if p.grad is None]
    assert without == []


def test_presence_learns_and_leaves_the_rest_alone() -> None:
    tracking = module(presence=1.0)
    network = tracking.network.eval()
    data = batch([True, False, True, False])
    optimizer = torch.optim.Adam(network.presence.parameters(), lr=0.01)  # type: ignore[union-attr]
    given = (data["template"], data["search"], data["sentence"])
    for _ in range(200):
        output = network(*given, target=data["target"])
        loss = presence_loss(output.presence, data["present"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert network.head.score[0][0].weight.grad is None, "presence is judged, and changes nothing"


def test_temperature_divides_the_logit() -> None:
    network = tiny_network(presence=True).eval()
    data = batch([True])
    plain = network(data["template"], data["search"], data["sentence"]).presence
    assert network.presence is not None
    network.presence.temperature.fill_(2.0)
    cooler = network(data["template"], data["search"], data["sentence"]).presence
    assert torch.allclose(cooler, plain / 2)


def test_varied_scenes_keep_their_first_frame(tmp_path: Path, world: SceneWorld) -> None:
    hidden = passers = 0
    for seed in range(12):
        scene = make_scene(world, seed)
        for variation in (Variation(leaving=1.0), Variation(passers_by=1.0), Variation(shaking=1)):
            varied = vary(scene, world, variation)
            assert varied.sentence == scene.sentence
            assert len(varied.sayings) == len(varied.objects)
            assert (
                varied.objects[varied.target].appearance == scene.objects[scene.target].appearance
            )
            assert np.allclose(varied.box(0), scene.box(0), atol=1.5)
        gone = vary(scene, world, Variation(leaving=1.0))
        hidden += sum(not gone.visible(t) for t in range(len(gone))) > sum(
            not scene.visible(t) for t in range(len(scene))
        )
        more = vary(scene, world, Variation(passers_by=1.0))
        passers += len(more.objects) > len(scene.objects)
    assert hidden >= 8
    assert passers >= 8


def test_scores_by_hand() -> None:
    said = np.array([0.9, 0.9, 0.9, 0.9, 0.1])
    seen = np.array([True, True, True, False, False])
    found = presence_score(said, seen)
    assert (found.frames, found.absent) == (5, 2)
    assert found.auroc == pytest.approx((3 * 1 + 3 * 0.5) / 6)
    assert found.calibration_error == pytest.approx(0.8 * 0.15 + 0.2 * 0.1)
    assert [one.count for one in found.bins] == [1, 4]
    assert np.isnan(presence_score(said, np.ones(5, bool)).auroc)


def test_calibration_finds_the_temperature_and_the_shift() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, 40_000)
    seen = generator.uniform(size=len(logits)) < 1 / (1 + np.exp(-logits))
    overconfident = 1 / (1 + np.exp(-(3 * logits - 1.5)))
    temperature, shift = fit_calibration(overconfident, seen)
    assert temperature == pytest.approx(3.0, rel=0.05)
    assert shift == pytest.approx(0.5, abs=0.05)
    with pytest.raises(DataError, match="without it"):
        fit_calibration(overconfident, np.ones(len(seen), bool))


def test_a_head_that_says_nothing_gets_a_temperature_that_a_file_can_hold() -> None:
    """It was infinite in float16, and the folder was written all the same."""
    generator = np.random.default_rng(0)
    said, seen = generator.uniform(0.4, 0.6, 4000), generator.uniform(size=4000) < 0.8
    for given in (said, np.full(4000, 0.5), 1 - np.clip(0.9 * seen, 0.05, 0.95)):
        temperature, shift = fit_calibration(np.asarray(given), seen)
        assert np.exp(-STEEPEST) <= temperature <= np.exp(STEEPEST)
        assert abs(shift) < 60
    temperature, shift = fit_calibration(said, seen)
    logits = np.log(said / (1 - said))
    share = 1 / (1 + np.exp(-(logits / temperature + shift)))
    assert share.mean() == pytest.approx(seen.mean(), abs=0.02)
    assert share.std() < 0.02


def test_a_calibrated_network_says_what_was_fitted() -> None:
    network = tiny_network(presence=True).eval()
    data = batch([True])
    given = (data["template"], data["search"], data["sentence"])
    plain = network(*given).presence
    calibrate(network, 2.0, 0.3)
    once = network(*given).presence
    assert torch.allclose(once, plain / 2 + 0.3, atol=1e-5)
    calibrate(network, 0.5, -1.0)
    assert torch.allclose(network(*given).presence, once / 0.5 - 1.0, atol=1e-5)


def test_only_frames_that_were_looked_at_count(world: SceneWorld) -> None:
    class Hand(Scene):
        def absent(self, time: int) -> bool:
            return time == 7

        def visible(self, time: int) -> bool:
            return time in {0, 5}

    scene = make_scene(world, 1)
    hand = Hand(**{name: getattr(scene, name) for name in Scene.__dataclass_fields__})
    assert [time for time in range(len(hand)) if is_known(hand, time)] == [0, 5, 7]
    tracker = Tracker(tiny_network(presence=True))
    said, seen = pooled(watch_videos(tracker, [hand], "box+text"))
    assert seen.tolist() == [True, False]
    assert ((said > 0) & (said < 1)).all()
    with pytest.raises(ConfigError, match="presence: true"):
        pooled(watch_videos(Tracker(tiny_network()), [hand], "box+text"))
