"""``import dropout_ft`` costs nothing, and the network needs PyTorch, timm and open_clip alone."""

import json
import subprocess
import sys
from statistics import median

import pytest

HEAVY = ("timm", "open_clip", "torchvision", "pytorch_lightning", "jsonargparse", "rich", "PIL")
FORBIDDEN = (
    "pytorch_lightning", "lightning_fabric", "lightning_utilities", "jsonargparse", "omegaconf",
    "rich", "matplotlib", "tensorboard", "jinja2", "cv2", "pandas",
    "pydantic", "starlette", "resvg_py",
)  # fmt: skip


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_itself_imports_nothing() -> None:
    loaded = json.loads(run("import dropout_ft, sys, json; print(json.dumps(sorted(sys.modules)))"))
    assert not {"torch", *HEAVY} & set(loaded)


def test_the_head_needs_torch_only() -> None:
    code = (
        "from dropout_ft import VeryLargeDropoutHead; import sys, json\n"
        "VeryLargeDropoutHead(4, 2); print(json.dumps(sorted(sys.modules)))"
    )
    assert not set(HEAVY) & set(json.loads(run(code)))


def test_the_head_loads_as_fast_as_torch() -> None:
    """At most 1.3 times `import torch`; measured in turn, with tolerance for a busy machine."""
    clock = "import time; t = time.process_time(); {}; print(time.process_time() - t)"
    alone, head = clock.format("import torch"), clock.format(
        "from dropout_ft import VeryLargeDropoutHead"
    )  # fmt: skip
    times = [(float(run(alone)), float(run(head))) for _ in range(2)]
    assert median(h for _, h in times) < 1.3 * median(a for a, _ in times) + 0.3


def test_networks_need_no_training_stack() -> None:
    """A block on every import that a plain training loop does not need."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({FORBIDDEN}))  # an import of these is an error now
import torch
from dropout_ft import Classifier, VeryLargeDropoutHead, create_model
from dropout_ft.nn.backbones import LastBlocks, OpenClipBackbone, TimmBackbone
model = create_model("test_resnet", num_classes=3, weights="none")
images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
torch.nn.functional.cross_entropy(model(images), torch.tensor([0, 1])).backward()
assert model.eval()(images).shape == (2, 3)
clip = create_model("open_clip:RN50", num_classes=2, weights="none").eval()
assert clip(torch.zeros(1, 3, 224, 224, dtype=torch.uint8)).shape == (1, 2)
"""
    run(code)


@pytest.mark.parametrize(
    "name",
    ["Classifier", "DomainData", "FineTuning", "VeryLargeDropoutHead", "create_model", "load"],
)
def test_every_name_is_there(name: str) -> None:
    import dropout_ft

    assert name in dir(dropout_ft)
    assert getattr(dropout_ft, name).__name__ == name


def test_an_unknown_name() -> None:
    import dropout_ft

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dropout_ft.nothing  # type: ignore[attr-defined]


def test_a_created_model_is_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from dropout_ft import FineTuning, create_model
    from dropout_ft.nn.backbones import TimmBackbone
    from holdfast.errors import ConfigError

    torch.manual_seed(0)
    made = create_model("test_resnet", num_classes=2, weights="none", dropout_rate=0.5)
    torch.manual_seed(0)
    trained = FineTuning(TimmBackbone("test_resnet", "none"), ["a", "b"], dropout_rate=0.5).model
    assert made.head.dropout_rate == 0.5
    for (name, one), other in zip(
        made.state_dict().items(), trained.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    with pytest.raises(ConfigError, match="timm has no model"):
        create_model("resnet50000", num_classes=2, weights="none")
