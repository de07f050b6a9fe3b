"""Multi-modal alignment against a loop, and gathered over ranks."""

import math
import socket
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from vl_track.nn.alignment import Alignment, AlignmentLosses, nt_xent
from vl_track.nn.backbone import Patches
from vl_track.nn.text.base import TextFeatures

SENTENCES = ["red cup", "blue cup", "red cup", "", "star", "the moon", "", "red cup"]


def slow_nt_xent(one: Tensor, other: Tensor, labels: list[int], temperature: float) -> float:
    """SimCLR's loss as its paper words it; rows of one label are not each other's negatives."""
    views = [*one, *other]
    both = labels + labels
    count = len(one)

    def similar(i: int, j: int) -> float:
        return float(torch.cosine_similarity(views[i], views[j], dim=0)) / temperature

    total = 0.0
    for i in range(2 * count):
        positive = (i + count) % (2 * count)
        negatives = [j for j in range(2 * count) if both[j] != both[i]]
        below = sum(math.exp(similar(i, j)) for j in [positive, *negatives])
        total -= math.log(math.exp(similar(i, positive)) / below)
    return total / (2 * count)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0, 1, 0, 0], [5, 5, 7, 7]])
def test_the_contrastive_loss_equals_a_loop(labels: list[int]) -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 4, 6, generator=generator).unbind(0)
    found = nt_xent(one, other, torch.tensor(labels), 0.5)
    assert float(found) == pytest.approx(slow_nt_xent(one, other, labels, 0.5), rel=1e-5)


def test_it_is_symmetric_in_the_views() -> None:
    one, other = torch.randn(2, 5, 4).unbind(0)
    labels = torch.arange(5)
    assert float(nt_xent(one, other, labels, 0.5)) == pytest.approx(
        float(nt_xent(other, one, labels, 0.5)), rel=1e-5
    )


def alignment(**options: object) -> Alignment:
    torch.manual_seed(0)
    return Alignment(4, 3, 4, 9, dim=5, **options)  # type: ignore[arg-type]


def features(count: int = len(SENTENCES)) -> tuple[Patches, TextFeatures]:
    generator = torch.Generator().manual_seed(1)
    patches = Patches(
        torch.randn(count, 4, 4, generator=generator), torch.randn(count, 9, 4, generator=generator)
    )
    words = torch.randn(count, 3, generator=generator)
    return patches, TextFeatures(words, torch.tensor([bool(s) for s in SENTENCES[:count]]))


@pytest.mark.parametrize("pool", ["flatten", "mean"])
def test_both_losses_are_what_the_parts_give(pool: str) -> None:
    module = alignment(pool=pool)
    patches, text = features()
    found = AlignmentLosses(*(v.detach() for v in module(patches, text, SENTENCES)))

    def pooled(tokens: Tensor) -> Tensor:
        return tokens.flatten(1) if pool == "flatten" else tokens.mean(1)

    template = module.template_proj(pooled(patches.template_BZC)).detach()
    search = module.search_proj(pooled(patches.search_BSC)).detach()
    words = module.text_proj(text.vector_BC).detach()
    said = [place for place, sentence in enumerate(SENTENCES) if sentence]
    labels = [sorted(set(SENTENCES)).index(SENTENCES[place]) for place in said]
    cross = [slow_nt_xent(view[said], words[said], labels, 0.5) for view in (search, template)]
    assert float(found.cross) == pytest.approx(sum(cross) / 4, rel=1e-5)
    intra = slow_nt_xent(search, template, list(range(8)), 0.5)
    assert float(found.intra) == pytest.approx(intra / 2, rel=1e-5)


def test_identical_sentences_are_negatives_only_on_request() -> None:
    patches, text = features()
    ours = alignment()(patches, text, SENTENCES).cross
    release = alignment(same_sentence_negative=True)(patches, text, SENTENCES).cross
    assert float(release.detach()) > float(ours.detach())


def test_without_sentences_there_is_only_the_vision_part() -> None:
    patches, text = features()
    silent = TextFeatures(text.vector_BC, torch.zeros(8, dtype=torch.bool))
    found = alignment()(patches, silent, [""] * 8)
    assert float(found.cross.detach()) == 0
    assert float(found.intra.detach()) > 0


def gradients(module: Alignment) -> list[Tensor]:
    return [parameter.grad for parameter in module.parameters() if parameter.grad is not None]


def work(rank: int, port: int, folder: str) -> None:
    """One rank of two: its half of the batch; gradients averaged as DDP does."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    module = alignment()
    patches, text = features()
    half = slice(4 * rank, 4 * rank + 4)
    losses = module(
        Patches(*(part[half] for part in patches)),
        TextFeatures(*(part[half] for part in text)),
        SENTENCES[half],
    )
    (losses.cross + losses.intra).backward()
    for gradient in gradients(module):
        dist.all_reduce(gradient)
        gradient.div_(2)
    torch.save(
        [losses.cross.detach(), losses.intra.detach(), *gradients(module)], f"{folder}/{rank}.pt"
    )
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_give_the_loss_and_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    module = alignment()
    patches, text = features()
    losses = module(patches, text, SENTENCES)
    (losses.cross + losses.intra).backward()
    wanted = [losses.cross.detach(), losses.intra.detach(), *gradients(module)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(work, args=(port, str(tmp_path)), nprocs=2)  # type: ignore[no-untyped-call]
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for one, other in zip(found, wanted, strict=True):
            assert torch.allclose(one, other, atol=1e-5)
