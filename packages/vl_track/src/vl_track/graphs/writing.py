"""Writing a network as a graph whose weights stay in safetensors. This needs torch and onnx."""

import importlib
import json
import shutil
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.atomic import write_bytes
from holdfast.checkpoints.weights import write_weights
from holdfast.data.preparing import only_preparer
from holdfast.errors import CheckpointError
from holdfast.exporting import check_tools, onnx_program, trace
from vl_track.digests import digest_of
from vl_track.exporting import example_inputs
from vl_track.graphs.description import GRAPH, Description
from vl_track.graphs.kept import is_whole
from vl_track.graphs.network import GraphNetwork
from vl_track.graphs.sessions import check, is_installed
from vl_track.nn.finding import cells_of
from vl_track.nn.network import AllInOne
from vl_track.nn.text import NoText, OfficialText, TokenText, WordPieceText
from vl_track.nn.text.base import TextEncoder, TextFeatures
from vl_track.nn.text.official import CLS, LAYER_NORM_EPSILON, PAD
from vl_track.nn.text.tokenizers import WordTokenizer
from vl_track.runtimes import PACKAGES, Precision, Runtime

TOLERANCE = 1e-4
"""Greatest difference from PyTorch, of boxes as fractions of the crop, and of scores."""
HALF, FLOAT = 10, 1
"""Types of numbers in ONNX."""


class Place(NamedTuple):
    """Where a tensor's bytes lie.

    Attributes:
        file: name of the safetensors file.
        offset: of the first byte in the file.
        length: in bytes.
        kind: ``F16``, ``F32``...
        shape: of the tensor.
    """

    file: str
    offset: int
    length: int
    kind: str
    shape: list[int]


class BestBox(nn.Module):
    """From crops and a sentence to the best box: what a graph computes.

    Args:
        network: the tracker's.
    """

    def __init__(self, network: AllInOne) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        text: Tensor,
        present: Tensor,
        target: Tensor,
        prior: Tensor,
    ) -> tuple[Tensor, ...]:
        """Return box, score, and, where the network has them, its cells and presence.

        Arguments as for :class:`vl_track.exporting.TrackingStep`; ``prior`` (F, F) multiplies the
        scores of the cells before the best is chosen.
        """
        output = self.network(template, search, TextFeatures(text, present), target=target)
        found = self.network.head.decode(output.maps, prior)
        cells = cells_of(self.network.head, output.maps, output.matches_BSM)
        presence = None if output.presence is None else output.presence.sigmoid()
        return (*found, *(one for one in (cells, presence) if one is not None))


def write_graph(network: AllInOne, folder: Path, files: Sequence[str] = ()) -> Description:
    """Write ``network.onnx`` and ``network.json`` beside a network's safetensors.

    Args:
        network: with the weights that lie in the folder; stays on the CPU.
        folder: with safetensors of every weight.
        files: further files whose change makes the graph another model's, by name.

    Raises:
        MissingToolError: the exporter of torch is not installed.
        CheckpointError: a runtime's answers are not PyTorch's. Nothing is left behind then.
    """
    check_tools(["onnx"])
    network = network.cpu().eval()
    inputs = _inputs(network)
    places = _places(folder)
    model = onnx_program(
        trace(BestBox(network), inputs, dynamic_batch=False), list(inputs), _outputs(network)
    ).model_proto
    _take_weights_out(model, places)
    write_bytes(folder / GRAPH, model.SerializeToString())
    names = [GRAPH, *sorted({place.file for place in places.values()}), *files]
    described = _described(network, {name: digest_of(folder / name) for name in names})
    try:
        _check_answers(network, folder, described, inputs)
    except CheckpointError:
        (folder / GRAPH).unlink()
        raise
    described.write(folder)
    return described


def keep_graph(network: AllInOne, target: Path, *, again: bool = False) -> None:
    """Write a network with its weights, in float32, into a folder of the cache.

    Of several processes one writes and the others wait; the folder appears when it is whole.

    Args:
        network: the tracker's.
        target: the folder.
        again: write it also where it is there already.

    Raises:
        DiskError: there is no room, or no right to write.
        CheckpointError: a runtime's answers are not PyTorch's.
    """
    with only_preparer(target):
        if is_whole(target) and not again:
            return
        building = target.with_name(f".{target.name}.building")
        shutil.rmtree(building, ignore_errors=True)
        try:
            write_weights(building / "weights.safetensors", network.state_dict())
            write_graph(network, building)
            shutil.rmtree(target, ignore_errors=True)
            building.replace(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def as_graph(
    network: AllInOne, folder: Path, runtime: Runtime, precision: Precision = "float32"
) -> GraphNetwork:
    """Return a network in memory on another runtime; its graph is written into a folder once.

    Args:
        network: the tracker's.
        folder: of this very network.
        runtime: ``onnx`` or ``openvino``.
        precision: one that the runtime has.

    Raises:
        ConfigError: the runtime has no such precision.
        MissingToolError: a package is not installed.
        CheckpointError: a runtime's answers are not PyTorch's.
    """
    check(runtime, precision)
    keep_graph(network, folder)
    return GraphNetwork(folder, runtime, precision, text=TextOf(network))


def _inputs(network: AllInOne) -> dict[str, Tensor]:
    grid = network.search_grid
    generator = torch.Generator().manual_seed(1)
    return {
        **example_inputs(network),
        "target": torch.tensor([[0.27, 0.25, 0.46, 0.5]]),
        "prior": torch.rand((grid, grid), generator=generator),
    }


def _outputs(network: AllInOne) -> list[str]:
    cells = ["cells"] if network.head.has_scores else []
    return ["box", "score", *cells, *([] if network.presence is None else ["presence"])]


def _places(folder: Path) -> dict[str, Place]:
    """Return where each tensor lies in a folder's safetensors."""
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as opened:
            (size,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(size))
        for name, one in header.items():
            if name != "__metadata__":
                begin, end = one["data_offsets"]
                place = Place(file.name, 8 + size + begin, end - begin, one["dtype"], one["shape"])
                found[name] = place
    return found


def _take_weights_out(model: Any, places: Mapping[str, Place]) -> None:  # noqa: ANN401  (a ModelProto)
    """Let a graph read its weights from safetensors; float16 ones are cast to float32 there."""
    onnx = importlib.import_module("onnx")
    casts, kept = [], []
    for one in model.graph.initializer:
        place = places.get(one.name.removeprefix("network."))
        if place is None or place.kind not in {"F16", "F32"} or place.shape != list(one.dims):
            kept.append(one)
            continue
        half = place.kind == "F16"
        name = f"{one.name}.half" if half else one.name
        kept.append(_outside(onnx, name, place))
        if half:
            casts.append(onnx.helper.make_node("Cast", [name], [one.name], to=FLOAT))
    nodes = [*casts, *model.graph.node]
    for node in nodes:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for field, values in ((model.graph.initializer, kept), (model.graph.node, nodes)):
        whole = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(whole)
    del model.graph.value_info[:]


def _outside(onnx: Any, name: str, place: Place) -> Any:  # noqa: ANN401  (a TensorProto)
    tensor = onnx.TensorProto(
        name=name, dims=place.shape, data_type=HALF if place.kind == "F16" else FLOAT,
        data_location=onnx.TensorProto.EXTERNAL,
    )  # fmt: skip
    facts = {"location": place.file, "offset": place.offset, "length": place.length}
    for key, value in facts.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _described(network: AllInOne, files: dict[str, str]) -> Description:
    return Description(
        files=files, template_size=network.template_size, search_size=network.search_size,
        search_grid=network.search_grid, template_factor=network.template_factor,
        search_factor=network.search_factor, conventions=network.conventions,
        text=description_of(network.text), outputs=_outputs(network),
    )  # fmt: skip


def description_of(text: TextEncoder) -> dict[str, Any] | None:
    """Return kind and options of a text encoder that numpy computes too, else ``None``."""
    if type(text) is NoText:
        return {"kind": "none"}
    if type(text) is OfficialText:
        return {"kind": "constant", "said": CLS, "silent": PAD, "epsilon": LAYER_NORM_EPSILON}
    if type(text) is WordPieceText:
        return {"kind": "pieces", "max_tokens": text.max_tokens}
    if type(text) is TokenText and isinstance(text.tokenizer, WordTokenizer):
        return {
            "kind": "words", "words": text.tokenizer.words, "max_tokens": text.max_tokens,
            "features": text.num_features,
        }  # fmt: skip
    return None


def _check_answers(
    network: AllInOne, folder: Path, described: Description, inputs: Mapping[str, Tensor]
) -> None:
    """Run the graph on every installed runtime, beside PyTorch.

    Raises:
        CheckpointError: answers differ by more than :data:`TOLERANCE`.
    """
    with torch.inference_mode():
        wanted = [one.numpy() for one in BestBox(network)(*inputs.values())]
    given = {name: one.numpy() for name, one in inputs.items()}
    for runtime in PACKAGES:
        if not is_installed(runtime):
            continue
        one = GraphNetwork(folder, runtime, description=described, text=TextOf(network))
        found = one.answers(given)
        apart = max(
            float(np.abs(ours - theirs).max()) for ours, theirs in zip(wanted, found, strict=True)
        )
        if not apart <= TOLERANCE:
            raise CheckpointError(
                f"{folder / GRAPH} was not written: {runtime} differs from PyTorch by {apart:.2g}, "
                f"and {TOLERANCE:g} is allowed."
            )


class TextOf:
    """A PyTorch network's text encoder, for a graph that has none of its own.

    Args:
        network: the tracker's.
    """

    def __init__(self, network: AllInOne) -> None:
        self.remarks, self.knows, self.read = network.text.remarks, network.text.knows, network.read
