"""Masks as VOT's challenges read them: the runs, the files' names, and a real segmenter's way."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from holdfast.errors import ConfigError
from tracking_support import moving_box
from vl_track.data.geometry import Box
from vl_track.segmenting import Mask, TransformersSegmenter
from vl_track.tracking.masks import MaskWriter, mask_name, mask_text
from vl_track.tracking.result import TrackResult
from vl_track.tracking.steps import Prompt, Step
from vl_track.video.frames import Image

SENTENCE = "the red thing"


def decoded(line: str, shape: tuple[int, int]) -> np.ndarray:
    """Read a line as the toolkit's ``vot/region/io.py`` does, one pixel after the other."""
    mask = np.zeros(shape, bool)
    if line == "0":
        return mask
    assert line[0] == "m"
    left, top, width, height, *counts = map(int, line[1:].split(","))
    assert sum(counts) == width * height
    inside = [number % 2 == 1 for number, count in enumerate(counts) for _ in range(count)]
    mask[top : top + height, left : left + width] = np.reshape(inside, (height, width))
    return mask


class Ellipses:
    """Stands for a segmenter: the ellipse in each box."""

    def masks(self, image: Image, boxes: Sequence[Box]) -> list[Mask]:
        rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
        return [
            ((columns - x - w / 2) / (w / 2)) ** 2 + ((rows - y - h / 2) / (h / 2)) ** 2 <= 1
            for x, y, w, h in boxes
        ]


def test_lines_are_those_of_the_toolkit() -> None:
    mask = np.zeros((4, 6), bool)
    assert mask_text(mask) == "0"
    mask[1, 2:4] = True
    assert mask_text(mask) == "m2,1,2,1,0,2"
    mask[2, 3] = True
    assert mask_text(mask) == "m2,1,2,2,0,2,1,1"
    mask[1, 2] = False
    mask[2, 2] = True
    assert mask_text(mask) == "m2,1,2,2,1,3"
    assert mask_text(np.ones((2, 3), bool)) == "m0,0,3,2,0,6"
    generator = np.random.default_rng(0)
    for density in (0.02, 0.5, 0.98):
        for _ in range(50):
            mask = generator.random(tuple(generator.integers(1, 12, 2))) < density
            line = mask_text(mask)
            assert np.array_equal(decoded(line, mask.shape), mask), line


def test_a_file_is_named_after_its_sequence_and_sentence() -> None:
    digest = hashlib.md5(b"the red cup", usedforsecurity=False).hexdigest()
    assert mask_name("seq-7", "the red cup") == f"seq-7_{digest[:8]}.txt"
    assert mask_name("seq-7", "the cup") != mask_name("seq-7", "the red cup")


def test_frames_without_the_object_say_so(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    box = (4.0, 3.0, 10.0, 8.0)
    steps = [
        Step(frame=0, time=0, box=box, score=1, image=image),
        Step(frame=1, time=0, box=box, score=0.1, image=image, present=0.2),
        Step(frame=2, time=0, box=box, score=0.9, image=image, present=0.9),
        Step(frame=3, time=0, box=box, score=0.9, image=image, present=0.9, lost=True),
        Step(frame=4, time=0, box=box, score=0, damaged=True),
    ]
    writer = MaskWriter(Ellipses(), [tmp_path / "one.txt", tmp_path / "two.txt"])
    result = TrackResult("clip", (Prompt(text="a"), Prompt(text="b")))
    for step in steps:
        assert writer((step, steps[0] if step.image is not None else step), result)
    writer.write()
    lines = (tmp_path / "one.txt").read_text().splitlines()
    assert [line == "0" for line in lines] == [False, True, False, True, True]
    wanted = Ellipses().masks(image, [box])[0]
    assert np.array_equal(decoded(lines[0], (20, 30)), wanted)
    other = (tmp_path / "two.txt").read_text().splitlines()
    assert other[:4] == [lines[0]] * 4, "each object has its own"


def test_the_command_writes_a_line_for_every_frame(
    track: Callable[..., int], clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("vl_track.commands.track.TransformersSegmenter", lambda *_: Ellipses())
    words = [clip, "--box", ",".join(map(str, moving_box(0))), "--text", SENTENCE]
    words += ["--masks", str(tmp_path / "masks"), "--segmenter", "sam"]
    assert track(*words) == 0
    path = tmp_path / "masks" / mask_name("clip", SENTENCE)
    assert f"wrote {path}" in capsys.readouterr().out
    lines = path.read_text().splitlines()
    assert len(lines) == 12
    for time, line in enumerate(lines):
        x, y, width, height = map(int, line[1:].split(",")[:4])
        assert (x, y, width, height) == pytest.approx(moving_box(time), abs=4)
    assert track(*words) == 1, "not replaced unasked"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "a", "--masks", "m"], "need each other"),
        (["--text", "a", "--segmenter", "m"], "need each other"),
        (["--box", "1,1,9,9", "--masks", "m", "--segmenter", "s"], "needs a --text"),
        (["--text", "a", "--text", "a", "--masks", "m", "--segmenter", "s"], "named as two"),
        (["--text", "the red", "--masks", "m", "--segmenter", "nowhere"], "cannot be read"),
    ],
)
def test_faults_are_said_before_any_work(
    words: list[str], said: str, track: Callable[..., int], clip: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert track(clip, *words) == 1
    assert said in capsys.readouterr().err
    assert not list(Path().glob("m/*"))


def test_only_known_models_are_loaded(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install transformers")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ConfigError, match="a model of type bert; known are sam2"):
        TransformersSegmenter(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "sam2"}))
    with pytest.raises(ConfigError, match="cannot be opened"):
        TransformersSegmenter(str(tmp_path))


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    """A folder of a tiny SAM 2 of random weights."""
    transformers: Any = pytest.importorskip("transformers", reason="pip install transformers")
    torch.manual_seed(0)
    folder = tmp_path / "sam"
    widths = [12, 24, 48, 96]
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=12, image_size=[64, 64], blocks_per_stage=[1] * 4, embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[1] * 4, window_size_per_stage=[8, 4, 2, 1],
        global_attention_blocks=[], patch_kernel_size=[7, 7], patch_stride=[4, 4],
        patch_padding=[3, 3], query_stride=[2, 2],
        window_positional_embedding_background_size=[7, 7],
    )  # fmt: skip
    config = transformers.Sam2Config(
        vision_config=transformers.Sam2VisionConfig(
            backbone_config=backbone, backbone_channel_list=widths[::-1], fpn_hidden_size=32,
            backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]], fpn_top_down_levels=[2, 3],
        ),
        prompt_encoder_config=transformers.Sam2PromptEncoderConfig(
            hidden_size=32, image_size=64, mask_input_channels=4
        ),
        mask_decoder_config=transformers.Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=32
        ),
    )  # fmt: skip
    transformers.Sam2Model(config).save_pretrained(folder)
    pictures = transformers.Sam2ImageProcessor(
        size={"height": 64, "width": 64}, mask_size={"height": 16, "width": 16}
    )
    transformers.Sam2Processor(pictures, target_size=64).save_pretrained(folder)
    return folder


def test_a_tiny_sam_2_of_transformers_gives_masks(
    sam: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(sam.parent))
    segmenter = TransformersSegmenter("~/sam")
    image = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    boxes = [(5.0, 6.0, 20.0, 20.0), (30.0, 10.0, 25.0, 30.0)]
    both = segmenter.masks(image, boxes)
    assert [mask.shape for mask in both] == [(48, 80), (48, 80)]
    assert all(mask.dtype == np.bool_ for mask in both)
    assert not np.array_equal(*both), "the box matters"
    assert np.array_equal(segmenter.masks(image, boxes[1:])[0], both[1]), "each is by itself"


def test_a_segmenter_that_lacks_weights_is_refused(sam: Path) -> None:
    """Transformers fills them with random numbers, and the masks were those of nothing."""
    place = sam / "model.safetensors"
    kept = safetensors.torch.load_file(place)
    del kept["mask_decoder.iou_token.weight"]
    safetensors.torch.save_file(kept, place, metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks 1 of its weights, mask_decoder\.iou_token"):
        TransformersSegmenter(str(sam))
    place.write_bytes(place.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="cannot be opened"):
        TransformersSegmenter(str(sam))


def test_a_segmenters_own_code_is_not_run(sam: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers asked in the terminal whether to run it, and ran it after a yes."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    place = sam / "processor_config.json"
    described = json.loads(place.read_text())
    described["image_processor"]["auto_map"] = {"AutoImageProcessor": "own.Own"}
    described["image_processor"]["image_processor_type"] = "Own"
    place.write_text(json.dumps(described))
    ran = sam / "ran"
    (sam / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Own: pass\n")
    with pytest.raises(ConfigError, match="cannot be opened"):
        TransformersSegmenter(str(sam))
    assert not ran.exists()
