"""Ensembles and soups from what runs saved, against running the members again."""

import numpy as np
import timm
import torch

from benchmarks.measure import Results, Row, alternate, each
from dropout_ft.data.table import EvaluationTable
from dropout_ft.methods.base import summed
from dropout_ft.results.scores import score

MEMBERS, PICTURES, CLASSES, BATCH = 6, 2000, 65, 16


def measure(results: Results, rounds: int) -> None:
    """Score an ensemble of six members from their logits; a forward pass of each is the peer."""
    generator = np.random.default_rng(0)
    table = EvaluationTable(
        domain=np.repeat(np.arange(4), PICTURES // 4),
        held_out=generator.random(PICTURES) < 0.2,
        label=generator.integers(0, CLASSES, PICTURES),
        paths=(),
        domain_names=("a", "b", "c", "d"),
        test_domains=(1,),
        class_names=tuple(str(i) for i in range(CLASSES)),
    )
    logits = [generator.normal(size=(PICTURES, CLASSES)).astype(np.float32) for _ in range(MEMBERS)]
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    network = network.to(memory_format=torch.channels_last)
    pictures = torch.randn(BATCH, 3, 224, 224).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def again() -> float:
        return each(lambda: network(pictures), 1) * PICTURES / BATCH * MEMBERS

    ours, theirs = alternate(
        lambda: each(lambda: score(summed(logits, "logits"), table), 5), again, rounds
    )
    results.rows.append(
        Row(
            path="ensemble of saved logits", unit=f"{MEMBERS} members, {PICTURES} pictures",
            peer="inference again", ours=ours, theirs=theirs, aim=50.0,
            note=f"EfficientNet-Lite0 at 224 px, timed on {BATCH} pictures and multiplied; "
            "decoding not counted",
        )
    )  # fmt: skip
