"""IndexedLogits over a real two-process gloo group, with uneven and padded shares."""

import os
import socket
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from holdfast.training.indexed_logits import IndexedLogits
from holdfast.training.samplers import EvaluationSampler

WORLD = 2


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def worker(rank: int, port: int, count: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=WORLD)
    rows = torch.arange(count * 3, dtype=torch.float32).view(count, 3)
    metric = IndexedLogits()
    for key in EvaluationSampler(count, rank=rank, world_size=WORLD):
        index = torch.tensor([key.sample])
        metric.update(index, rows[index])
    torch.save(metric.gathered()[1], Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 7, 8])
def test_every_rank_gets_every_row_once(count: int, tmp_path: Path) -> None:
    mp.start_processes(  # type: ignore[no-untyped-call]
        worker, args=(free_port(), count, str(tmp_path)), nprocs=WORLD, start_method="fork"
    )
    expected = torch.arange(count * 3, dtype=torch.float32).view(count, 3)
    for rank in range(WORLD):
        assert torch.equal(torch.load(tmp_path / f"{rank}.pt", weights_only=True), expected)
