"""The two graphs of a page: the network with its weights inside, and its text encoder."""

import importlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.errors import CheckpointError
from holdfast.exporting import export_network
from vl_track.graphs.description import GRAPH
from vl_track.nn.text import TokenText, WordPieceText

TRIAL_TOKENS = 5


def whole_graph(folder: Path) -> bytes:
    """Return a folder's ``network.onnx`` with the weights that lie in its safetensors.

    Float16 weights stay float16, and the graph casts them.

    Raises:
        CheckpointError: a file of weights is shorter than the graph says.
    """
    onnx = importlib.import_module("onnx")
    model = onnx.load(str(folder / GRAPH), load_external_data=False)
    for one in model.graph.initializer:
        if one.data_location == onnx.TensorProto.EXTERNAL:
            _take_in(one, folder)
            one.data_location = onnx.TensorProto.DEFAULT
            del one.external_data[:]
    whole: bytes = model.SerializeToString()
    return whole


def _take_in(tensor: Any, folder: Path) -> None:  # noqa: ANN401  (a TensorProto)
    facts = {entry.key: entry.value for entry in tensor.external_data}
    length = int(facts["length"])
    with (folder / Path(facts["location"]).name).open("rb") as file:
        file.seek(int(facts["offset"]))
        content = file.read(length)
    if len(content) != length:
        raise CheckpointError(f"{file.name} ends before the weights of {tensor.name}.")
    tensor.raw_data = content


class WordsGraph(nn.Module):
    """A text encoder after its tokenizer: what a page computes of a sentence.

    Args:
        text: the network's.
    """

    def __init__(self, text: TokenText | WordPieceText) -> None:
        super().__init__()
        self.text = text

    def forward(self, ids: Tensor, there: Tensor) -> Tensor:
        """Return the vector (1, C) of a sentence.

        Args:
            ids: int64 (1, L), filled up with 0.
            there: bool (1, L); which of them are there, at least the first.
        """
        return self.text.vectors(ids, there)


def words_graph(text: TokenText | WordPieceText) -> bytes:
    """Return a text encoder as ONNX; it takes as many ids as the longest sentence has.

    Raises:
        CheckpointError: ONNX Runtime's vector is not PyTorch's.
    """
    ids = torch.zeros((1, text.max_tokens), dtype=torch.int64)
    chosen = np.random.default_rng(0).integers(0, text.tokenizer.size, TRIAL_TOKENS)
    ids[0, :TRIAL_TOKENS] = torch.from_numpy(chosen)
    inputs = {"ids": ids, "there": torch.arange(text.max_tokens)[None] < TRIAL_TOKENS}
    with tempfile.TemporaryDirectory() as place:
        file, _ = export_network(
            WordsGraph(text.cpu()), inputs, Path(place) / "words", "onnx",
            outputs=["vector"], dynamic_batch=False,
        )  # fmt: skip
        return file.read_bytes()
