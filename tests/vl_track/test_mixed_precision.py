"""Under bfloat16 autocast losses stay finite, maps stay exact enough, and training learns."""

import pytest
import torch

from scenes_support import tiny_network
from vl_track.nn.alignment import Alignment
from vl_track.nn.heads.centre import EPSILON, CentreHead
from vl_track.nn.losses import pointing_loss

AUTOCAST = {"device_type": "cpu", "dtype": torch.bfloat16}


def test_a_sure_head_has_a_finite_focal_loss() -> None:
    """In bfloat16 1 - 1e-4 is 1, and log(1 - 1) would be minus infinity."""
    head = CentreHead(4, grid=6, channels=16).train()
    with torch.no_grad():
        for branch in (head.score, head.size):
            branch[-1].bias.fill_(60.0)  # type: ignore[union-attr]
    boxes = torch.tensor([[0.2, 0.2, 0.3, 0.4], [0.5, 0.1, 0.2, 0.2]])
    with torch.autocast(**AUTOCAST):
        maps = head(torch.randn(2, 36, 4))
        losses = head.loss(maps, boxes)
    assert {value.dtype for value in maps} == {torch.float32}
    assert float(maps.score_B1FF.detach().max()) <= 1 - 0.99 * EPSILON
    assert all(bool(value.detach().isfinite()) for value in losses)
    losses.score.backward()
    assert all(bool(p.grad.isfinite().all()) for p in head.score.parameters() if p.grad is not None)


def test_boxes_are_decoded_in_full_precision() -> None:
    """A bfloat16 cell index above 8 would move a box by a sixteenth of the crop."""
    head = CentreHead(4, grid=16, channels=16).eval()
    tokens = torch.randn(3, 256, 4)
    with torch.no_grad(), torch.autocast(**AUTOCAST):
        maps = head(tokens)
        boxes, scores = head.decode(maps)
    assert boxes.dtype == scores.dtype == torch.float32
    cell = maps.score_B1FF.flatten(1).argmax(1)
    offset = maps.offset_B2FF.flatten(2)[torch.arange(3), :, cell]
    expected = (torch.stack([cell % 16, cell // 16], 1) + offset) / 16
    torch.testing.assert_close(boxes[:, :2], expected)


@pytest.mark.parametrize("matching", ["none", "target", "target_and_text"])
def test_the_network_answers_nearly_the_same(matching: str) -> None:
    network = tiny_network(matching=matching).eval()  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    template = torch.randint(0, 255, (2, 3, 32, 32), generator=generator, dtype=torch.uint8)
    search = torch.randint(0, 255, (2, 3, 64, 64), generator=generator, dtype=torch.uint8)
    said = ["the red apple", ""]
    with torch.no_grad():
        exact = network(template, search, said).maps
        with torch.autocast(**AUTOCAST):
            rough = network(template, search, said).maps
    for one, other in zip(exact, rough, strict=True):
        torch.testing.assert_close(one, other, atol=0.05, rtol=0.05)


def test_pointing_and_alignment_are_finite() -> None:
    network = tiny_network().train()
    alignment = Alignment(
        network.backbone.num_features, network.text.num_features,
        network.backbone.template_grid**2, network.backbone.search_grid**2, dim=8, pool="mean",
    )  # fmt: skip
    boxes = torch.tensor([[0.2, 0.2, 0.3, 0.4], [0.5, 0.1, 0.2, 0.2]])
    said = ["the red apple", "the blue car"]
    with torch.autocast(**AUTOCAST):
        output = network(torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 64, 64), said)
        aligned = alignment(output.patches, output.text, said)
        assert output.text_match_BS is not None
        pointing = pointing_loss(output.text_match_BS, boxes, output.text.present_B)
    total = aligned.cross + aligned.intra + pointing
    assert bool(total.isfinite())
    total.backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            assert bool(parameter.grad.isfinite().all()), name


def test_a_tiny_network_learns_one_box_under_autocast() -> None:
    torch.manual_seed(0)
    network = tiny_network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    template = torch.full((4, 3, 32, 32), 120, dtype=torch.uint8)
    search = torch.full((4, 3, 64, 64), 60, dtype=torch.uint8)
    boxes = torch.empty(4, 4)
    for place, (x, y) in enumerate([(8, 8), (40, 8), (8, 40), (40, 40)]):
        search[place, 0, y : y + 16, x : x + 16] = 250
        boxes[place] = torch.tensor([x, y, 16, 16]) / 64
    first = last = 0.0
    for step in range(120):
        with torch.autocast(**AUTOCAST):
            losses = network.head.loss(network(template, search, [""] * 4).maps, boxes)
            loss = losses.score + 2 * losses.giou + 5 * losses.l1
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first, last = (loss.item() if step == 0 else first), loss.item()
    assert last < 0.5 * first
