"""One step of the tracker as a network of tensors, for runtimes other than PyTorch."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from holdfast.atomic import write_text
from holdfast.exporting import Format, export_network
from vl_track.nn.network import AllInOne
from vl_track.nn.text.base import TextFeatures
from vl_track.tracking.window import hann_window

OUTPUTS = ("box", "score", "present")
"""The last one of networks with ``presence`` only."""


class TrackingStep(nn.Module):
    """From a template, a search crop and an encoded sentence to a box.

    Args:
        network: the tracker's.
    """

    prior: Tensor

    def __init__(self, network: AllInOne) -> None:
        super().__init__()
        self.network = network
        prior = torch.from_numpy(hann_window(network.search_grid))
        self.register_buffer("prior", prior, persistent=False)

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        text: Tensor,
        present: Tensor,
        target: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Return boxes and scores.

        Args:
            template: uint8 RGB (B, 3, h, w).
            search: uint8 RGB (B, 3, H, W).
            text: encoded sentences (B, C).
            present: bool (B,); whether there is a sentence.
            target: x, y, width, height (B, 4) of the object as fractions of the template, zeros
                where there is no template; an input of networks with ``target_types`` only.

        Returns:
            (B, 4) centre x, centre y, width, height as fractions of the search crop, with the Hann
            window applied; (B,) scores in (0, 1); and, for networks with ``presence``, (B,)
            probabilities that the object is in the search crop.
        """
        output = self.network(template, search, TextFeatures(text, present), target=target)
        found = self.network.head.decode(output.maps, self.prior)
        if output.presence is None:
            return found
        return (*found, output.presence.sigmoid())


def example_inputs(network: AllInOne, seed: int = 0) -> dict[str, Tensor]:
    """Return inputs of one sample: random crops and no sentence."""
    generator = torch.Generator().manual_seed(seed)

    def crop(size: int) -> Tensor:
        shape = (1, 3, size, size)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    with torch.no_grad():
        text = network.text([""])
    inputs = {
        "template": crop(network.backbone.template_size),
        "search": crop(network.backbone.search_size),
        "text": text.vector_BC,
        "present": text.present_B,
    }
    if network.wants_target:
        inputs["target"] = torch.tensor([[0.27, 0.25, 0.46, 0.5]])
    return inputs


def write_step(
    network: AllInOne,
    folder: str | Path,
    formats: Sequence[Format],
    *,
    sentences: Sequence[str] = (),
    dynamic_batch: bool = False,
) -> list[tuple[Path, float]]:
    """Write ``tracker.onnx`` (or ``.pt2``, ``.aoti.pt2``) and ``tracker.json``.

    The JSON holds what a runner needs beside the network: sizes of the crops, how much of the
    surroundings each shows, and the encoded sentences, the empty one among them.

    Returns:
        Each file with its greatest relative difference from PyTorch.
    """
    folder = Path(folder).expanduser()
    step = TrackingStep(network.cpu())
    inputs = example_inputs(network)
    names = OUTPUTS if network.presence is not None else OUTPUTS[:2]
    written = [
        export_network(
            step, inputs, folder / "tracker", kind, outputs=names, dynamic_batch=dynamic_batch
        )
        for kind in formats
    ]
    write_text(
        folder / "tracker.json", json.dumps(_description(network, sentences), indent=2) + "\n"
    )
    return written


def _description(network: AllInOne, sentences: Sequence[str]) -> dict[str, object]:
    every = list(dict.fromkeys(["", *sentences]))
    with torch.no_grad():
        text = network.text(every)
    return {
        "template_size": network.backbone.template_size,
        "search_size": network.backbone.search_size,
        "template_factor": network.template_factor,
        "search_factor": network.search_factor,
        "sentences": {
            sentence: {"text": vector.tolist(), "present": bool(present)}
            for sentence, vector, present in zip(every, text.vector_BC, text.present_B, strict=True)
        },
    }
